package packet

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"github.com/stretchr/testify/require"
)

// captured gives the IP packets of every capture in testdata (Ethernet, each with one client's traffic).
func captured(t testing.TB) [][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/*.pcap")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var all [][]byte
	for _, name := range files {
		file, err := os.Open(name)
		require.NoError(t, err)
		reader, err := pcapgo.NewReader(file)
		require.NoError(t, err)
		for {
			frame, _, err := reader.ReadPacketData()
			if err != nil {
				break
			}
			if kind := uint16(frame[12])<<8 | uint16(frame[13]); kind == 0x0800 || kind == 0x86dd {
				all = append(all, frame[14:])
			}
		}
		require.NoError(t, file.Close())
	}
	require.Greater(t, len(all), 100)
	return all
}

// twin is what gopacket, the slow and obvious decoder, makes of the data; ok is false when it does not accept it.
func twin(data []byte) (gopacket.Packet, bool) {
	first := layers.LayerTypeIPv4
	if len(data) > 0 && data[0]>>4 == 6 {
		first = layers.LayerTypeIPv6
		// With hop-by-hop options gopacket cuts behind the end: it takes the length for what follows the options, and it is
		// that of the options too (RFC 8200, 3). Without bytes behind the packet that makes no difference.
		if len(data) >= 40 {
			data = data[:min(len(data), 40+(int(data[4])<<8|int(data[5])))]
		}
	}
	decoded := gopacket.NewPacket(data, first, gopacket.DecodeOptions{})
	return decoded, decoded.ErrorLayer() == nil && !decoded.Metadata().Truncated
}

// requireTwin compares a decoded packet with gopacket's view of the same data.
func requireTwin(t *testing.T, p *Packet, decoded gopacket.Packet) {
	t.Helper()
	if ip, ok := decoded.Layer(layers.LayerTypeIPv4).(*layers.IPv4); ok && p.Version == 4 {
		require.Equal(t, ip.TTL, p.TTL)
		require.Equal(t, ip.Id, p.IPID)
		require.Equal(t, uint8(ip.Protocol), p.Protocol)
		require.Equal(t, ip.SrcIP.String(), AddrOf(p.Src).String())
		require.Equal(t, ip.DstIP.String(), AddrOf(p.Dst).String())
		require.Equal(t, int(ip.FragOffset)*8, p.FragOffset)
		require.Equal(t, ip.Flags&layers.IPv4MoreFragments != 0, p.MoreFragments)
		require.Equal(t, len(ip.Contents), p.Transport)
	}
	if ip, ok := decoded.Layer(layers.LayerTypeIPv6).(*layers.IPv6); ok && p.Version == 6 {
		require.Equal(t, ip.HopLimit, p.TTL)
		src, _ := netip.AddrFromSlice(ip.SrcIP)
		dst, _ := netip.AddrFromSlice(ip.DstIP)
		require.Equal(t, src.Unmap(), AddrOf(p.Src))
		require.Equal(t, dst.Unmap(), AddrOf(p.Dst))
	}
	requireTwinTransport(t, p, decoded)
}

func requireTwinTransport(t *testing.T, p *Packet, decoded gopacket.Packet) {
	t.Helper()
	if !p.HasTransport || p.Fragment {
		return
	}
	switch above := decoded.TransportLayer().(type) {
	case *layers.TCP:
		require.EqualValues(t, TCP, p.Protocol)
		require.Equal(t, uint16(above.SrcPort), p.SrcPort)
		require.Equal(t, uint16(above.DstPort), p.DstPort)
		require.Equal(t, above.Seq, p.Seq)
		require.Equal(t, above.Ack, p.Ack)
		require.Equal(t, above.Window, p.Window)
		require.Equal(t, []bool{above.FIN, above.SYN, above.RST, above.PSH, above.ACK, above.URG, above.ECE, above.CWR}, flagList(p.Flags))
		require.Equal(t, len(above.Contents), tcpLen+len(p.TCPOptions))
		require.Equal(t, string(above.Payload), string(p.Payload))
	case *layers.UDP:
		require.EqualValues(t, UDP, p.Protocol)
		require.Equal(t, uint16(above.SrcPort), p.SrcPort)
		require.Equal(t, uint16(above.DstPort), p.DstPort)
		require.Equal(t, string(above.Payload), string(p.Payload))
	}
}

func flagList(flags uint8) []bool {
	list := make([]bool, 8)
	for i := range list {
		list[i] = flags&(1<<i) != 0
	}
	return list
}

// requireInRange holds Decode to its word about offsets.
func requireInRange(t *testing.T, p *Packet, data []byte) {
	t.Helper()
	require.LessOrEqual(t, len(p.Data), len(data))
	require.LessOrEqual(t, p.Transport, len(p.Data))
	require.GreaterOrEqual(t, p.Transport, ipv4Len)
	require.LessOrEqual(t, len(p.Payload), len(p.Data)-p.Transport)
	if p.HasTransport {
		require.False(t, p.FragOffset != 0)
		require.Contains(t, []uint8{TCP, UDP}, p.Protocol)
	}
}
