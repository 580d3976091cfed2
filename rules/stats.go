package rules

import (
	"maps"
	"slices"
	"time"
	"unsafe"
)

// Stats says what a compiled policy costs, and what it makes a box look at. Bytes are of what the indexes and lists are made of, and leave
// out the rules as they are written.
type Stats struct {
	Rules   int          `json:"rules"`
	Lists   []ListStats  `json:"lists"`   // by name
	Indexes []IndexStats `json:"indexes"` // those that have something in them
	Bytes   int64        `json:"bytes"`   // of both
	Queue   QueueStats   `json:"queue"`
	Seen    []SeenStats  `json:"seen"` // how long flows are seen: those that no rule hits first
}

// ListStats are of one list.
type ListStats struct {
	Name    string        `json:"name"`
	File    string        `json:"file"`
	Domains bool          `json:"domains"` // otherwise prefixes
	Entries int           `json:"entries"`
	Bytes   int64         `json:"bytes"`
	Mapped  bool          `json:"mapped"`  // they are those of the compiled file, which the kernel may share and take back
	Own     bool          `json:"own"`     // it has a table of its own; otherwise its entries are in an index with those of others, too
	Reading time.Duration `json:"reading"` // how long it took; 0 for what is in the policy itself. Nanoseconds
}

// IndexStats are of one index.
type IndexStats struct {
	Of        string `json:"of"`        // names or addresses, which it finds the class of; or rules by what they ask for
	Structure string `json:"structure"` // in words
	Values    int    `json:"values"`    // that it tells apart
	Rules     int    `json:"rules"`     // that are kept in it; 0 for those that give classes
	Bytes     int64  `json:"bytes"`
}

// Stats derives them. It takes about as long as Need, which it calls.
func (c *Compiled) Stats() Stats {
	s := Stats{Rules: len(c.Rules), Lists: []ListStats{}, Indexes: c.indexStats(), Queue: c.queueStats(), Seen: c.seenStats()}
	for _, name := range slices.Sorted(maps.Keys(c.Policy.lists)) {
		s.Lists = append(s.Lists, c.listStats(c.Policy.lists[name]))
	}
	for _, x := range s.Lists {
		s.Bytes += x.Bytes
	}
	for _, x := range s.Indexes {
		s.Bytes += x.Bytes
	}
	return s
}

func (c *Compiled) listStats(l *List) ListStats {
	s := ListStats{Name: l.Name, File: l.File, Domains: l.domains, Entries: l.Len(), Mapped: l.mapped != nil, Reading: l.took}
	s.Bytes = bytesOf(l.Prefixes) + l.suffixes.bytes() + bytesOf(l.patterns)
	for i := range l.patterns {
		s.Bytes += int64(len(l.patterns[i].text))
	}
	for i := range c.names.big {
		s.Own = s.Own || c.names.big[i].nameTable == &l.suffixes
	}
	return s
}

// bytesOf is what the elements take, without what they point to.
func bytesOf[T any](all []T) int64 { return int64(cap(all)) * int64(unsafe.Sizeof(*new(T))) }

func (t *nameTable) bytes() int64 { return int64(cap(t.entries) + cap(t.starts)) }
