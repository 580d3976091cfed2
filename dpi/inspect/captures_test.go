package inspect

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/gopacket/pcapgo"
	"github.com/stretchr/testify/require"

	"dpilab/dpi/packet"
)

// flow is what one side of a captured flow sent. The captures are of real programs, each named by its file.
type flow struct {
	tcp     bool
	client  bool   // sent by the side that began
	srcPort uint16 // of this side's packets
	dstPort uint16
	parts   [][]byte // TCP: segments in order of their sequence numbers, without repeated bytes; UDP: datagrams
}

func (f *flow) stream() []byte {
	var all []byte
	for _, part := range f.parts {
		all = append(all, part...)
	}
	return all
}

// captures names all files of testdata.
func captures(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.pcap")
	require.NoError(t, err)
	require.Greater(t, len(files), 50)
	return files
}

// capture reads testdata/<name>.pcap into its flows, in the order of their first packets with payload.
func capture(t testing.TB, name string) []*flow {
	t.Helper()
	file, err := os.Open("testdata/" + strings.TrimSuffix(filepath.Base(name), ".pcap") + ".pcap")
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	reader, err := pcapgo.NewReader(file)
	require.NoError(t, err)

	var flows []*flow
	begun, sides, next := map[string]bool{}, map[string]*flow{}, map[string]uint32{}
	for {
		frame, _, err := reader.ReadPacketData()
		if err != nil {
			return flows
		}
		var p packet.Packet
		if frame[12] != 8 || p.Decode(frame[14:]) != nil || !p.HasTransport {
			continue
		}
		src, dst := fmt.Sprint(p.Src, p.SrcPort), fmt.Sprint(p.Dst, p.DstPort)
		proto := fmt.Sprint(p.Protocol)
		key, back := proto+src+dst, proto+dst+src
		begun[key] = begun[key] || !begun[back]
		tcp := p.Protocol == packet.TCP
		if tcp && p.Flags&packet.SYN != 0 {
			next[key] = p.Seq + 1
			delete(sides, key)
		}
		payload := p.Payload
		if tcp && len(payload) > 0 {
			seen := int32(next[key] - p.Seq)
			require.GreaterOrEqual(t, seen, int32(0), "%s: a gap", name)
			payload = payload[min(int(seen), len(payload)):]
			next[key] += uint32(len(payload))
		}
		if len(payload) == 0 {
			continue
		}
		if sides[key] == nil {
			sides[key] = &flow{tcp: tcp, client: begun[key], srcPort: p.SrcPort, dstPort: p.DstPort}
			flows = append(flows, sides[key])
		}
		sides[key].parts = append(sides[key].parts, append([]byte(nil), payload...))
	}
}

// captured gives the client's side of the first flow of the capture over TCP, or of the first over UDP to port 443.
func captured(t testing.TB, name string, tcp bool) *flow {
	t.Helper()
	for _, f := range capture(t, name) {
		if f.client && f.tcp == tcp && (tcp || f.dstPort == 443) {
			return f
		}
	}
	require.FailNow(t, "no such flow", name)
	return nil
}
