package replay

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"strconv"
	"strings"

	"dpilab/dpi/packet"
)

// twice finds packets that a capture has more than once, since it was taken at several interfaces: the same bytes above IP, under another
// link header or by another interface, among some of the last thousand. A packet that is sent again has the same header.
type twice struct {
	seed  maphash.Seed
	seen  [1024]struct{ hash, where uint64 }
	found uint64
}

func (t *twice) add(p *packet.Packet, face int, link uint32) {
	var h maphash.Hash
	h.SetSeed(t.seed)
	h.Write(p.Src[:])
	h.Write(p.Dst[:])
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], p.FragID)
	h.Write(b[:])
	h.Write(p.Data[p.Transport:min(len(p.Data), p.Transport+128)])
	sum, where := h.Sum64(), uint64(face+1)<<32|uint64(link)
	at := &t.seen[sum%uint64(len(t.seen))]
	if at.hash == sum && at.where != where {
		t.found++
	}
	at.hash, at.where = sum, where
}

// InterfaceError is Options.Interface of which the capture has no packet.
type InterfaceError struct {
	Wanted string
	Has    []string
}

func (e *InterfaceError) Error() string {
	return fmt.Sprintf("no packet is of interface %q; the capture has %s", e.Wanted, strings.Join(e.Has, ", "))
}

// wanted tells whether an interface is the one that the box is at.
func (o *Options) wanted(all []face, face int) bool {
	return o.Interface == "" || o.Interface == all[face].name || o.Interface == strconv.Itoa(face)
}

// interfaceError is there when all packets were of other interfaces.
func (x *run) interfaceError() error {
	t := &x.report.Totals
	if t.Other == 0 || t.Other < t.Packets {
		return nil
	}
	e := &InterfaceError{Wanted: x.o.Interface}
	for i, f := range x.from.interfaces() {
		e.Has = append(e.Has, strings.TrimSpace(fmt.Sprintf("%d %s", i, f.name)))
	}
	return e
}
