package replay

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/packet"
)

// Every kind of pcap is read and written as it came, and the box finds IP under every link header.
func TestFormats(t *testing.T) {
	query := udp(client, server, "hello")
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		for _, magic := range []uint32{magicMicro, magicNano, magicModified} {
			in := newPcap(order, magic, linkEthernet).add(ethernet(query)).add(ethernet(query)).data
			r, out := replay(t, in, Options{Policy: policyOf(t, hitsNone)})
			require.Equal(t, in, out)
			require.EqualValues(t, 2, r.Flows[0].Up.Packets)
			require.Equal(t, 0.001, r.Seconds)
			require.Equal(t, "2023-11-14T22:13:20Z", r.Start)
		}
	}
}

func TestLinks(t *testing.T) {
	head := func(b ...byte) []byte { return b }
	macs := frameHead[:12]
	with := func(b []byte, more ...byte) []byte { return append(append([]byte(nil), b...), more...) }
	v4, v6 := udp(client, server, "x"), packet.AppendUDP(nil, client6, server6, 64, []byte("x"))
	for name, c := range map[string]struct {
		link uint32
		head []byte
		ip   []byte
	}{
		"ethernet":    {linkEthernet, frameHead, v4},
		"ethernet v6": {linkEthernet, with(macs, 0x86, 0xdd), v6},
		"vlan":        {linkEthernet, with(macs, 0x81, 0, 0, 7, 8, 0), v4},
		"qinq":        {linkEthernet, with(macs, 0x88, 0xa8, 0, 7, 0x81, 0, 0, 8, 8, 0), v4},
		"pppoe":       {linkEthernet, with(macs, 0x88, 0x64, 0x11, 0, 0, 1, 0, byte(len(v4)+2), 0, 0x21), v4},
		"fcs bits":    {linkEthernet | 0x24000000, frameHead, v4},
		"sll":         {linkSLL, head(0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0), v4},
		"sll2":        {linkSLL2, head(8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 4, 6, 2, 0, 0, 0, 0, 1, 0, 0), v4},
		"raw":         {linkRaw, nil, v4},
		"raw bsd":     {linkRawBSD, nil, v6},
		"raw open":    {linkRawOpen, nil, v4},
		"ipv4":        {linkIPv4, nil, v4},
		"ipv6":        {linkIPv6, nil, v6},
		"null":        {linkNull, head(2, 0, 0, 0), v4},
		"loop":        {linkLoop, head(0, 0, 0, 24), v6},
		"ppp":         {linkPPP, head(0xff, 3, 0, 0x21), v4},
	} {
		in := newPcap(binary.LittleEndian, magicMicro, c.link).add(append(with(c.head), c.ip...)).data
		r, out := replay(t, in, Options{Policy: policyOf(t, hitsNone)})
		require.Equal(t, in, out, name)
		require.EqualValues(t, 1, r.Totals.Box, name)
		require.Zero(t, r.Totals.Broken, name)

		// A packet that the box makes longer or shorter keeps the header, and PPPoE's length is right.
		framed := appendFrame(nil, c.link&0xffff, c.head, append(with(c.ip), 1, 2, 3))
		at, pppoe := above(c.link&0xffff, framed)
		require.Equal(t, len(c.head), at, name)
		require.Equal(t, pppoe > 0, name == "pppoe")
		if pppoe > 0 {
			require.Equal(t, len(c.ip)+3+2, int(binary.BigEndian.Uint16(framed[pppoe+4:])))
		}
		back := turned(c.link&0xffff, turned(c.link&0xffff, c.head))
		require.True(t, bytes.Equal(c.head, back), name)
	}
	_, err := Run(t.Context(), bytes.NewReader(newPcap(binary.LittleEndian, magicMicro, 127).add(v4).data), Options{Policy: policyOf(t, hitsNone)})
	var link *LinkError
	require.ErrorAs(t, err, &link)
	require.ErrorContains(t, err, "link type 127")
}

// What is not IP, or stays on its link, goes past the box.
func TestPast(t *testing.T) {
	arp := append(append([]byte(nil), frameHead[:12]...), 8, 6, 0, 1)
	in := plainPcap().add(arp).add(nil).
		add(ethernet(udp(client, addrPort("224.0.0.251:5353"), "mdns"))).
		add(ethernet(udp(addrPort("169.254.1.1:68"), addrPort("255.255.255.255:67"), "dhcp"))).
		add(ethernet([]byte{0x45, 0})).
		add(ethernet(udp(client, server, "crosses"))).data
	r, out := replay(t, in, Options{Policy: policyOf(t, small+`rules: [{rule: all, when: {transport: udp}, do: {drop: both}, source: {ref: choice}}]`)})
	require.EqualValues(t, 2, r.Totals.NotIP)
	require.EqualValues(t, 2, r.Totals.Beside)
	require.EqualValues(t, 1, r.Totals.Broken)
	require.EqualValues(t, 1, r.Totals.Dropped)
	require.Len(t, framesOf(t, out), 5)
}

// pcapng is copied block by block: several interfaces and sections, blocks that are not known, options.
func TestPcapng(t *testing.T) {
	hello := udp(client, server, "hello")
	f := &ngFile{order: binary.BigEndian}
	f.section().face(linkEthernet, "\x06").face(linkRaw, "\x09").face(127, "\x8a")
	f.block(4, []byte("names of hosts.."))
	f.packet(0, 1_700_000_000_000_000, ethernet(hello), f.option(optionComment, "mine"), f.u32(0))
	f.packet(1, 1_700_000_000_002_000_000, hello)
	f.packet(2, 1_700_000_000<<10, hello)
	f.block(blockSimple, f.u32(uint32(len(ethernet(hello)))), ethernet(hello))
	f.block(blockOld, []byte{0, 1, 0, 0}, f.u32(0, 0, uint32(len(hello)), uint32(len(hello))), hello)
	f.order = binary.LittleEndian
	f.section().face(linkRaw, "\x06").packet(0, 1_700_000_001_000_000, hello)

	r, out := replay(t, f.data, Options{Policy: policyOf(t, hitsNone)})
	require.Equal(t, f.data, out)
	require.EqualValues(t, 6, r.Totals.Packets)
	require.EqualValues(t, 5, r.Totals.Box)
	require.EqualValues(t, 1, r.Totals.Unknown)
	require.EqualValues(t, 2, r.Totals.Earlier)
	require.Equal(t, 1.0, r.Seconds)
	require.Len(t, r.Flows, 1)
	require.EqualValues(t, 5, r.Flows[0].Up.Packets)

	// Comments come after what options a packet had, in either byte order, and the rest is as it was.
	r, out = replay(t, f.data, Options{Marked: true, Policy: policyOf(t, small+`rules: [{rule: all, when: {transport: udp}, do: {drop: both}, source: {ref: choice}}]`)})
	require.EqualValues(t, 5, r.Totals.Dropped)
	require.Equal(t, 5, bytes.Count(out, []byte("dpilab: dropped by rule all (mine), drop")))
	require.Equal(t, 1, bytes.Count(out, []byte("dpilab: hit by rule all (mine), drop")))
	r, again := replay(t, out, Options{Policy: policyOf(t, hitsNone)})
	require.Equal(t, out, again)
	require.EqualValues(t, 6, r.Totals.Packets)
	require.Contains(t, string(again), "mine")
}

// A capture of both sides of a box has each packet twice: that is said, and one side can be chosen.
func TestSeveralInterfaces(t *testing.T) {
	f := (&ngFile{order: binary.LittleEndian}).section().face(linkRaw, "\x06").face(linkRaw, "\x06")
	for i := range 10 {
		p := tcp(client, server, uint32(i), packet.ACK, "data")
		f.packet(0, uint64(i), p).packet(1, uint64(i), p)
	}
	f.packet(0, 20, tcp(client, server, 9, packet.ACK, "data")) // sent again
	f.packet(0, 21, tcp(client, server, 9, packet.ACK, "data"))
	r, _ := replay(t, f.data, Options{Policy: policyOf(t, hitsNone)})
	require.InDelta(t, 11, r.Totals.Twice, 2)
	require.EqualValues(t, 22, r.Totals.Box)
	r, out := replay(t, f.data, Options{Policy: policyOf(t, hitsNone), Interface: "1"})
	require.Zero(t, r.Totals.Twice)
	require.EqualValues(t, 10, r.Totals.Box)
	require.EqualValues(t, 12, r.Totals.Other)
	require.Equal(t, f.data, out)
	_, err := Run(t.Context(), bytes.NewReader(f.data), Options{Policy: policyOf(t, hitsNone), Interface: "eth7"})
	require.ErrorContains(t, err, `no packet is of interface "eth7"; the capture has 0 eth0, 1 eth0`)
}

// A file that makes no sense says where; one that is none says what it is.
func TestBroken(t *testing.T) {
	whole := plainPcap().add(ethernet(udp(client, server, "one"))).add(ethernet(udp(client, server, "two"))).data
	o := Options{Policy: policyOf(t, hitsNone)}
	for name, c := range map[string]struct {
		data []byte
		want string
		done uint64
	}{
		"header":        {whole[:20], "broken at packet 1 (byte 0): the file ends within the header of the file", 0},
		"record header": {whole[:len(whole)-50], "packet 2 (byte 85): the file ends within the header of a packet", 1},
		"record":        {whole[:len(whole)-1], "packet 2 (byte 85): the file ends within a packet", 1},
		"length":        {append(append([]byte(nil), whole...), bytes.Repeat([]byte{0xff}, 16)...), "packet 3 (byte 146): it claims to have 4294967295 bytes", 2},
		"section":       {(&ngFile{order: binary.LittleEndian}).section().data[:20], "packet 1 (byte 0): the file ends within a block", 0},
		"interface":     {(&ngFile{order: binary.LittleEndian}).section().packet(3, 0, nil).data, "it is of interface 3, and there are 0", 0},
		"ends":          {append((&ngFile{order: binary.LittleEndian}).section().data, 1, 0, 0, 0, 12, 0, 0, 0, 16, 0, 0, 0), "12 bytes by its head and 16 by its end", 0},
	} {
		r, err := Run(t.Context(), bytes.NewReader(c.data), o)
		var broken *BrokenError
		require.ErrorAs(t, err, &broken, name)
		require.ErrorContains(t, err, c.want, name)
		if r != nil {
			require.Equal(t, c.done, r.Totals.Accepted, name)
			require.Equal(t, err.Error(), r.Broken)
		}
	}
	for data, want := range map[string]error{"": ErrEmpty, "\x1f\x8b\x08\x00": ErrGzip, "#!/bin/sh": ErrUnknown, "abc": ErrUnknown} {
		_, err := Run(t.Context(), bytes.NewReader([]byte(data)), o)
		require.True(t, errors.Is(err, want), data)
	}
	r, out := replay(t, plainPcap().data, o)
	require.Equal(t, plainPcap().data, out)
	require.Empty(t, r.Flows)
	require.Empty(t, r.Start)
}
