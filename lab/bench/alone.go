package bench

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"

	"dpilab/dpi"
	"dpilab/dpi/packet"
	"dpilab/dpi/trace/craft"
	"dpilab/rules"
)

// The ends of packets that are made for an engine alone.
var (
	aloneClient = netip.MustParseAddrPort("198.18.0.1:1024")
	aloneServer = netip.MustParseAddrPort("203.0.113.2:443")
)

// stranger is a packet from inside whose sender can be anyone. Its checksums are not kept right, which the profile does not ask for.
type stranger []byte

// from puts number n in place of the sender's address, out of 198.18.0.0/15, and port.
func (s stranger) from(n int) dpi.Packet {
	binary.BigEndian.PutUint32(s[12:], 198<<24|18<<16|uint32(n)&0x1ffff)
	binary.BigEndian.PutUint16(s[20:], uint16(1024+n>>17))
	return dpi.Packet{Dir: rules.Up, Data: s}
}

func synStranger() stranger {
	return packet.AppendTCP(nil, aloneClient, aloneServer, 1, 0, packet.SYN, 64, nil)
}

// pairs is how many hellos of each kind are made, each with random bytes of its own, so that none is ever at hand.
const pairs = 256

// helloStrangers are ClientHellos as Chrome writes them, each in two segments.
func helloStrangers(name string) (all [][]stranger, err error) {
	for i := range uint64(pairs) {
		m, ok := craft.Hello{Name: name, Fingerprint: craft.Chrome}.Message(rand.New(rand.NewPCG(1, i)))
		if !ok {
			return nil, errors.New("no hello")
		}
		stream, _ := craft.Records(m, nil, craft.GarbledNothing)
		cut := min(1400, len(stream)-1)
		all = append(all, []stranger{
			packet.AppendTCP(nil, aloneClient, aloneServer, 2, 1, packet.ACK, 64, stream[:cut]),
			packet.AppendTCP(nil, aloneClient, aloneServer, 2+uint32(cut), 1, packet.ACK|packet.PSH, 64, stream[cut:]),
		})
	}
	return all, nil
}

// quicStrangers are ClientHellos over QUIC, as Chrome writes them, each in two Initials.
func quicStrangers(name string) (all [][]stranger, err error) {
	for i := range uint64(pairs) {
		q := craft.Initial{Hello: craft.Hello{Name: name, Fingerprint: craft.Chrome, QUIC: true}, Version: craft.QUICv1, Datagrams: 2, Frames: 4, Shuffled: true}
		var pair []stranger
		for _, payload := range q.Payloads(rand.New(rand.NewPCG(1, i))) {
			pair = append(pair, packet.AppendUDP(nil, aloneClient, aloneServer, 64, payload))
		}
		if len(pair) != 2 {
			return nil, fmt.Errorf("%d Initials, expected a pair", len(pair))
		}
		all = append(all, pair)
	}
	return all, nil
}
