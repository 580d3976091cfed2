package rules

import (
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
)

// Limits bound what a policy may take of the machine.
type Limits struct {
	// Memory, in bytes, is what the lists of one policy may come to while they are read and compiled, as estimated from their entries; 0 is
	// DefaultMemory. What a compiled list maps does not count: the kernel can take that back.
	Memory int64
}

// DefaultMemory is enough for 20 million domains (choice).
const DefaultMemory = 1 << 30

var limits atomic.Pointer[Limits]

// UseLimits sets the limits for every policy that this process reads from now on. It may be called by any goroutine.
func UseLimits(l Limits) { limits.Store(&l) }

// ParseMemory reads bytes in B, KB, MB, GB (1000) or KiB, MiB, GiB (1024): 512MiB. They are more than nothing.
func ParseMemory(s string) (int64, error) {
	n, ok := amount(s, slices.Concat([]unit{{"GB", 1e9}, {"GiB", 1 << 30}}, sizeUnits))
	if !ok {
		return 0, fmt.Errorf("found %q, expected bytes such as 512MiB or 2GB", s)
	}
	return n, nil
}

// budget is what is left of the memory that one policy may take.
type budget struct{ most, left int64 }

func newBudget() *budget {
	b := &budget{DefaultMemory, DefaultMemory}
	if l := limits.Load(); l != nil && l.Memory > 0 {
		b.most, b.left = l.Memory, l.Memory
	}
	return b
}

// take counts bytes, and fails once there are no more.
func (b *budget) take(bytes int) error {
	if b.left -= int64(bytes); b.left < 0 {
		return fmt.Errorf("found more than fits into %s of memory, together with the policy's other lists: raise --max-memory, or use a part of the list", memoryWord(b.most))
	}
	return nil
}

// fits cuts a wish for memory down to what is left.
func (b *budget) fits(bytes int64) int64 { return max(0, min(bytes, b.left)) }

func memoryWord(bytes int64) string {
	units := []string{"B", "KiB", "MiB", "GiB"}
	for bytes%1024 == 0 && len(units) > 1 {
		bytes, units = bytes/1024, units[1:]
	}
	return strconv.FormatInt(bytes, 10) + units[0]
}

// What an entry takes while a list is read and the policy compiled, in bytes: a name stands in two tables for a moment, with its hash; a prefix is sorted and
// becomes two intervals; each letter of a pattern with stars is a row of an automaton, of an expression some steps of a machine.
const (
	nameCost     = 2*(1+entryName) + 12 // and each letter twice
	prefixCost   = 160
	patternCost  = 128
	unparsedCost = 1 << 10
	starCost     = 256 // a letter of either
)

// cost gives what a pattern with stars, a keyword or an expression takes.
func (p pattern) cost() int {
	if p.form == formRegexp {
		return unparsedCost + starCost*len(p.text)
	}
	return patternCost + starCost*len(p.text)
}
