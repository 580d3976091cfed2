package main

import (
	"bytes"
	"hash/fnv"

	"dpilab/dpi/packet"
)

// streamID is one number for both directions of a 5-tuple. OpenGFW picks a worker by it, and finds UDP streams by it, comparing the
// addresses afterwards. A fragment has no ports to go by.
func streamID(data []byte) uint32 {
	var p packet.Packet
	_ = p.Decode(data) // what it could not read is zero
	a, b := p.Src[:], p.Dst[:]
	ap, bp := p.SrcPort, p.DstPort
	if c := bytes.Compare(a, b); c > 0 || c == 0 && ap > bp {
		a, b, ap, bp = b, a, bp, ap
	}
	h := fnv.New32a()
	_, _ = h.Write(a)
	_, _ = h.Write(b)
	_, _ = h.Write([]byte{p.Protocol, byte(ap >> 8), byte(ap), byte(bp >> 8), byte(bp)})
	return h.Sum32()
}
