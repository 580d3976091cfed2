package rules

import (
	"encoding/binary"
	"math/bits"
	"runtime"
)

// nameTable keeps names, each with a value of some bytes, in two blocks without a pointer. It is exact: the bytes of a name are
// compared. Once built it is immutable and safe for any number of goroutines.
//
// Entries stand one behind the other: the value, a tag, the length of the name, the name. Those whose hashes fall together are neighbours, a
// bucket, and starts says where each bucket begins. Waiting for memory is what costs: of a million names starts takes 2 MB, which a cache of
// the CPU holds, and tells seven of eight names that are not there; a bucket is one fetch of one or two lines beside each other. A table
// with open addressing was slower: it has to fetch the place first, and then the name.
type nameTable struct {
	width   int    // bytes of a value
	entries []byte // at most 4 GiB
	starts  []byte // of each bucket and of the end: uint32, little-endian, where it begins, and a bit for each name out of 32, by its hash
	buckets uint64
	depths  uint64 // a bit for each number of labels that some name has; bit 63: so many or more
	count   int    // names
}

const (
	bucketNames = 4 // in a bucket, on average
	startBytes  = 8
)

// Behind its value an entry has:
const (
	entryTag    = iota // eight bits of the hash
	entryLength        // of the name
	entryName
)

// has tells whether there can be a name of so many labels.
func (t *nameTable) has(depth int) bool { return t.depths&(1<<min(depth, 63)) != 0 }

// find gives the offset of the entry of a name with that hash, or -1. It takes any bytes for a table: a broken one gives wrong answers,
// and no more than a bucket is read.
func (t *nameTable) find(h uint64, name []byte) int {
	if t.buckets == 0 {
		return -1
	}
	bucket, _ := bits.Mul64(h, t.buckets)
	head := t.starts[startBytes*bucket:][:2*startBytes]
	if binary.LittleEndian.Uint32(head[4:])&filterOf(h) == 0 {
		return -1
	}
	at, end := int(binary.LittleEndian.Uint32(head)), int(binary.LittleEndian.Uint32(head[startBytes:]))
	if at >= end || end > len(t.entries) || t.entries[end-1] == noLetter { // so the end is fetched beside the beginning
		return -1
	}
	for at+t.width+entryName <= end {
		head := t.entries[at+t.width:][:entryName]
		from := at + t.width + entryName
		next := from + int(head[entryLength])
		if head[entryTag] == byte(h) && next <= end && string(t.entries[from:next]) == string(name) {
			return at
		}
		at = next
	}
	return -1
}

const noLetter = 0xff

func filterOf(h uint64) uint32 { return 1 << (h >> 8 & 31) }

// each gives the entries in their order: their values and names.
func (t *nameTable) each(give func(value, name []byte)) {
	for at := 0; at < len(t.entries); {
		next := t.next(at)
		give(t.entries[at:at+t.width], t.entries[at+t.width+entryName:next])
		at = next
	}
	runtime.KeepAlive(t) // and what holds the memory of t
}

func (t *nameTable) next(at int) int {
	return at + t.width + entryName + int(t.entries[at+t.width+entryLength])
}
