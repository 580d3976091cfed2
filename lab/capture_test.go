package lab

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"github.com/stretchr/testify/require"
)

// captured counts echo requests and answers in a file, for each of its interfaces, by the interface's name.
func captured(t *testing.T, file string) map[string][2]int {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	r, err := pcapgo.NewNgReader(f, pcapgo.DefaultNgReaderOptions)
	require.NoError(t, err)
	byIndex := map[int][2]int{}
	for {
		data, ci, err := r.ReadPacketData()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		require.NotZero(t, ci.Timestamp.Unix())
		n := byIndex[ci.InterfaceIndex]
		p := gopacket.NewPacket(data, layers.LayerTypeEthernet, gopacket.Default)
		if icmp, ok := p.Layer(layers.LayerTypeICMPv4).(*layers.ICMPv4); ok {
			switch icmp.TypeCode.Type() {
			case layers.ICMPv4TypeEchoRequest:
				n[0]++
			case layers.ICMPv4TypeEchoReply:
				n[1]++
			}
		}
		byIndex[ci.InterfaceIndex] = n
	}
	all := map[string][2]int{}
	for i := range r.NInterfaces() {
		about, err := r.Interface(i)
		require.NoError(t, err)
		require.Contains(t, about.Comment, "larger than the MTU")
		all[about.Name] = byIndex[i]
	}
	return all
}

func TestCaptureHasThePackets(t *testing.T) {
	l := build(t, "subscriber")
	dir := filepath.Join(t.TempDir(), "new")
	c, err := l.Capture(dir)
	require.NoError(t, err)
	_, err = ping(t, l.Host("client"), l.Host("meta").Addr4(), 64, 10)
	require.NoError(t, err)
	stats, err := c.Stop()
	require.NoError(t, err)
	again, err := c.Stop()
	require.NoError(t, err)
	require.Equal(t, stats, again)
	require.Len(t, stats, len(l.Topology.Links)+1, "an end each, both of the link with the box")
	for _, s := range stats {
		require.Zero(t, s.Dropped)
	}
	ten := [2]int{10, 10}
	require.Equal(t, map[string][2]int{"client/access": ten}, captured(t, filepath.Join(dir, "access.pcapng")))
	require.Equal(t, map[string][2]int{"isp/uplink": ten, "border/uplink": ten}, captured(t, filepath.Join(dir, "uplink.pcapng")))
	require.Equal(t, map[string][2]int{"exchange/vk": {}}, captured(t, filepath.Join(dir, "vk.pcapng")))
}

func TestCaptureOfOneLinkIsStoppedByClose(t *testing.T) {
	l := build(t, pair(""))
	dir := t.TempDir()
	_, err := l.Capture(dir, "other")
	require.ErrorContains(t, err, `no link "other"`)
	_, err = l.Capture(dir, "wire")
	require.NoError(t, err)
	_, err = ping(t, l.Host("a"), l.Host("b").Addr4(), 64, 3)
	require.NoError(t, err)
	require.NoError(t, l.Close())
	require.Equal(t, map[string][2]int{"a/wire": {3, 3}}, captured(t, filepath.Join(dir, "wire.pcapng")))
}

func TestCaptureSaysThatItCannotWrite(t *testing.T) {
	l := build(t, pair(""))
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := l.Capture(file)
	require.ErrorContains(t, err, "capture:")
	require.False(t, strings.Contains(err.Error(), "\n"))
}
