package desync

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"github.com/stretchr/testify/require"

	"dpilab/lab"
)

// seen is a packet on a link.
type seen struct {
	at time.Time
	on string // interface: NODE/LINK
	gopacket.Packet
}

// capture runs f while links are captured, and gives what was on them, a link after the other.
func capture(t *testing.T, l *lab.Lab, f func(), links ...string) (all []seen) {
	t.Helper()
	dir := t.TempDir()
	c, err := l.Capture(dir, links...)
	require.NoError(t, err)
	f()
	_, err = c.Stop()
	require.NoError(t, err)
	for _, link := range links {
		file, err := os.Open(filepath.Join(dir, link+".pcapng"))
		require.NoError(t, err)
		defer file.Close()
		r, err := pcapgo.NewNgReader(file, pcapgo.DefaultNgReaderOptions)
		require.NoError(t, err)
		for {
			b, info, err := r.ReadPacketData()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			about, err := r.Interface(info.InterfaceIndex)
			require.NoError(t, err)
			all = append(all, seen{info.Timestamp, about.Name, gopacket.NewPacket(b, layers.LayerTypeEthernet, gopacket.Default)})
		}
	}
	return all
}

// flow is what the packets of a client's port show. Places are relative to the first byte of the stream, times to the SYN's.
type flow struct {
	port    uint16
	first   uint32 // sequence number of the stream's first byte
	ack     uint32 // the first acknowledgement, of the server's SYN
	stamp   uint32
	syn     []string
	packets []string // those with data, and fragments
}

// read tells what a client's packets to a server's port were, from those with this source port and the fragments among them.
func read(t *testing.T, all []seen, port, to uint16) *flow {
	t.Helper()
	f := &flow{port: port}
	for _, p := range all {
		if at, size, more, isFragment := fragmentOf(p); isFragment {
			f.packets = append(f.packets, fmt.Sprintf("frag %d..%d%s", at, at+size, map[bool]string{true: "+"}[more]))
			continue
		}
		tcp, ok := p.TransportLayer().(*layers.TCP)
		if !ok || uint16(tcp.SrcPort) != port || uint16(tcp.DstPort) != to {
			continue
		}
		text := f.describe(t, p, tcp)
		switch {
		case tcp.SYN:
			f.first = tcp.Seq + 1
			f.stamp, _ = stampOf(tcp)
			f.syn = append(f.syn, text)
		case f.ack == 0:
			f.ack = tcp.Ack
		}
		if len(tcp.Payload) > 0 && !tcp.SYN {
			f.packets = append(f.packets, text)
		}
	}
	return f
}

// describe says a packet in words: its bytes in the stream, and all that is not as it should be.
func (f *flow) describe(t *testing.T, p seen, tcp *layers.TCP) string {
	at := int(int32(tcp.Seq - f.first))
	words := []string{fmt.Sprintf("%d..%d", at, at+len(tcp.Payload))}
	if tcp.SYN {
		words = []string{fmt.Sprintf("syn %d", len(tcp.Payload))}
	}
	say := func(when bool, format string, args ...any) {
		if when {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	ttl := 0
	switch ip := p.NetworkLayer().(type) {
	case *layers.IPv4:
		ttl = int(ip.TTL)
	case *layers.IPv6:
		ttl = int(ip.HopLimit)
	}
	say(ttl != usualTTL, "ttl %d", ttl)
	say(!tcp.SYN && !tcp.ACK, "noack")
	say(tcp.URG, "urg %d", tcp.Urgent)
	say(f.ack != 0 && tcp.ACK && tcp.Ack != f.ack, "ack %d", int32(tcp.Ack-f.ack))
	for _, o := range tcp.Options {
		say(o.OptionType == 19, "md5")
		if o.OptionType == layers.TCPOptionKindMSS && len(o.OptionData) == 2 {
			say(o.OptionData[0] == 0, "mss %d", o.OptionData[1])
		}
	}
	stamp, ok := stampOf(tcp)
	past := int32(stamp - f.stamp)
	say(ok && !tcp.SYN && past < 0, "ts %d min", (past-59_999)/60_000)
	if len(tcp.Payload) > 0 && !tcp.SYN {
		// The kernel's own segments leave their checksum to the interface.
		say(ttl != usualTTL && !sumOK(t, p) || ttl == usualTTL && f.odd(p, tcp, t), "badsum")
	}
	return strings.Join(words, " ")
}

// odd tells whether a checksum is neither right nor that of the pseudo header alone, which an interface is to finish.
func (f *flow) odd(p seen, tcp *layers.TCP, t *testing.T) bool {
	got := tcp.Checksum
	if sumOK(t, p) {
		return false
	}
	from, to := p.NetworkLayer().NetworkFlow().Endpoints()
	var sum uint32
	for _, raw := range [][]byte{from.Raw(), to.Raw()} {
		for i := 0; i < len(raw); i += 2 {
			sum += uint32(raw[i])<<8 | uint32(raw[i+1])
		}
	}
	sum += protocolTCP + uint32(len(tcp.Contents)+len(tcp.Payload))
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return got != uint16(sum)
}

func stampOf(tcp *layers.TCP) (uint32, bool) {
	for _, o := range tcp.Options {
		if o.OptionType == layers.TCPOptionKindTimestamps && len(o.OptionData) == 8 {
			return uint32(o.OptionData[0])<<24 | uint32(o.OptionData[1])<<16 | uint32(o.OptionData[2])<<8 | uint32(o.OptionData[3]), true
		}
	}
	return 0, false
}

// fragmentOf tells of a fragment where it lies in the whole IP payload.
func fragmentOf(p gopacket.Packet) (at, size int, more, ok bool) {
	if ip, is := p.NetworkLayer().(*layers.IPv4); is {
		more = ip.Flags&layers.IPv4MoreFragments != 0
		return int(ip.FragOffset) * 8, len(ip.Payload), more, more || ip.FragOffset > 0
	}
	if f, is := p.Layer(layers.LayerTypeIPv6Fragment).(*layers.IPv6Fragment); is {
		return int(f.FragmentOffset) * 8, len(f.Payload), f.MoreFragments, true
	}
	return 0, 0, false, false
}

var symbol = regexp.MustCompile(`\b[A-Z]([+-]\d+)?\b`)

// fill puts numbers for letters such as S+1.
func fill(text string, values map[byte]int) string {
	return symbol.ReplaceAllStringFunc(text, func(w string) string {
		n := 0
		if len(w) > 1 {
			n, _ = strconv.Atoi(w[1:])
		}
		return strconv.Itoa(values[w[0]] + n)
	})
}
