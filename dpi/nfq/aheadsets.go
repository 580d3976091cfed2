package nfq

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync/atomic"

	"dpilab/rules"

	"github.com/google/nftables"
)

// aheadSets are the kernel's sets behind the decisions, by family suffix where they hold addresses. A nil set is empty or, where an
// interest is concerned, not asked for.
type aheadSets struct {
	blocks [2]map[string]*nftables.Set
	to     []map[string]*nftables.Set
	ports  []*nftables.Set
	all    []*nftables.Set
	unsent int // messages with elements
}

// elementsAtOnce fit one message, whose list of elements has 64 KiB at most: the nftables package does not check.
const elementsAtOnce = 1000

var setNumber atomic.Uint32 // of names and ids, which the nftables package would give without a lock

// load makes the sets and fills them, in as many transactions as the socket's buffer needs. No rule knows them yet.
func (a *attachment) load(d *decisions) (*aheadSets, error) {
	s := &aheadSets{}
	for i, blocks := range d.blocks {
		if i == 1 && slices.Equal(blocks, d.blocks[0]) {
			s.blocks[1] = s.blocks[0]
			continue
		}
		sets, err := a.addressSets(s, blocks)
		if err != nil {
			return s, err
		}
		s.blocks[i] = sets
	}
	for i := range d.interests {
		x := &d.interests[i]
		to, err := a.addressSets(s, x.to)
		if err != nil {
			return s, err
		}
		var ports *nftables.Set
		if x.ports != nil {
			if ports, err = a.filled(s, nftables.TypeInetService, portElements(x.ports)); err != nil {
				return s, err
			}
		}
		s.to, s.ports = append(s.to, to), append(s.ports, ports)
	}
	return s, a.conn.Flush()
}

func (a *attachment) addressSets(s *aheadSets, of spans) (map[string]*nftables.Set, error) {
	sets := map[string]*nftables.Set{}
	for _, f := range a.families {
		part := of.of(&f)
		if len(part) == 0 {
			continue
		}
		set, err := a.filled(s, f.address, part.elements())
		if err != nil {
			return nil, err
		}
		sets[f.suffix] = set
	}
	return sets, nil
}

// filled makes an interval set.
func (a *attachment) filled(s *aheadSets, key nftables.SetDatatype, elements []nftables.SetElement) (*nftables.Set, error) {
	n := setNumber.Add(1)
	set := &nftables.Set{Table: a.table, ID: n, Name: fmt.Sprintf("ahead%d", n), KeyType: key, Interval: true}
	if err := a.conn.AddSet(set, nil); err != nil {
		return nil, fmt.Errorf("nfq: set %s: %w", set.Name, err)
	}
	s.all = append(s.all, set)
	for part := range slices.Chunk(elements, 2*elementsAtOnce) {
		if err := a.conn.SetAddElements(set, part); err != nil {
			return nil, fmt.Errorf("nfq: set %s: %w", set.Name, err)
		}
		if s.unsent++; s.unsent >= a.atOnce {
			s.unsent = 0
			if err := a.conn.Flush(); err != nil {
				return nil, fmt.Errorf("nfq: fill a set of prefixes: %w", err)
			}
		}
	}
	return set, nil
}

// elements are pairs of a beginning and an end that is not in it any more; the last address of all has no end.
func (s spans) elements() []nftables.SetElement {
	all := make([]nftables.SetElement, 0, 2*len(s))
	for _, x := range s {
		all = append(all, nftables.SetElement{Key: x.from.AsSlice()})
		if next := x.to.Next(); next.IsValid() {
			all = append(all, nftables.SetElement{Key: next.AsSlice(), IntervalEnd: true})
		}
	}
	return all
}

// portElements does the same for ports.
func portElements(ports []rules.Range) (all []nftables.SetElement) {
	key := func(n int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(n)) }
	for _, r := range rules.JoinRanges(ports) {
		all = append(all, nftables.SetElement{Key: key(r.Min)})
		if r.Max < 65535 {
			all = append(all, nftables.SetElement{Key: key(r.Max + 1), IntervalEnd: true})
		}
	}
	return all
}
