package replay

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/netip"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

// Options are settings of Run. Policy is required.
type Options struct {
	Policy    *rules.Compiled
	Seed      uint64         // of every chance that the policy takes
	Inside    []netip.Prefix // that the inside has; none: the opener of each flow is inside
	Interface string         // name or index of the interface that the box is at, in a capture of several; "": all of them
	Checksums Checksums
	Out       io.Writer // gets the capture as it comes out; nil: nobody wants it
	PCAPNG    bool      // Out is pcapng, whatever the capture is
	Marked    bool      // what the box drops stays in Out, with a comment; only where Out is pcapng
	Flows     int       // flows that are remembered and listed at most; 0: 65,536
	Story     bool      // list what the box did in every flow
}

// ErrMarked is Options.Marked for a format without comments.
var ErrMarked = errors.New("pcap has no comments that could mark dropped packets: write pcapng, or leave them out")

const (
	defaultFlows = 1 << 16
	probeBytes   = 1 << 20 // from which ChecksumsAuto judges
)

// Run gives a capture to a box and says what it did. The report is there with a *BrokenError and with an error of the context too: for
// what was read until then. It is the only goroutine that uses r and o.Out.
func Run(ctx context.Context, r io.Reader, o Options) (*Report, error) {
	if o.Flows <= 0 {
		o.Flows = defaultFlows
	}
	var repairs [2]repair
	switch o.Checksums {
	case ChecksumsFixed:
		repairs = [2]repair{repairAll, repairAll}
	case ChecksumsAuto:
		head, err := io.ReadAll(io.LimitReader(r, probeBytes))
		if err != nil {
			return nil, err
		}
		repairs = probe(head, &o)
		r = io.MultiReader(bytes.NewReader(head), r)
	}
	from, err := open(r)
	if err != nil {
		return nil, err
	}
	if s, ok := from.(*pcapSource); ok && !understood(s.faces[0].link) {
		return nil, &LinkError{s.faces[0].link}
	}
	if _, ok := from.(*pcapSource); ok && o.Marked && o.Out != nil && !o.PCAPNG {
		return nil, ErrMarked
	}
	x := newRun(from, &o, repairs)
	if err = x.all(ctx); err == nil {
		err = x.interfaceError()
	}
	x.drain()
	return x.finish(err), errors.Join(err, x.out.finish())
}

// probe counts checksums at the beginning of a capture.
func probe(head []byte, o *Options) (repairs [2]repair) {
	from, err := open(bytes.NewReader(head))
	if err != nil {
		return repairs
	}
	t := newFlows(o.Flows, o.Inside)
	t.onGone = func(*flow) {}
	var r record
	var p packet.Packet
	var both [2]sums
	for from.next(&r) == nil {
		if !r.packet || r.length > len(r.frame) {
			continue
		}
		if !o.wanted(from.interfaces(), r.face) {
			continue
		}
		at, _ := above(from.interfaces()[r.face].link, r.frame)
		if at < 0 || p.Decode(r.frame[at:]) != nil {
			continue
		}
		if _, dir, ok := t.of(&p); ok {
			both[sideIndex(dir)].add(&p)
		}
	}
	return [2]repair{both[0].repair(), both[1].repair()}
}
