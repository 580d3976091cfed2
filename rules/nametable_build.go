package rules

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
)

// longestBucket is how many bytes the names may take whose hashes fall together: hundreds of times what chance brings about.
const longestBucket = 64 << 10

// add appends an entry, lower-case, which is found once build was called.
func (t *nameTable) add(name []byte, value ...byte) {
	t.entries = append(append(t.entries, value...), 0, byte(len(name)))
	from := len(t.entries)
	t.entries = append(t.entries, name...)
	for i, c := range t.entries[from:] {
		t.entries[from+i] = lowerByte(c)
	}
	t.count++
}

// build sorts what was added into buckets. Of entries of one name one stays, and merge brings the value of each other into it.
func (t *nameTable) build(merge func(into, value []byte)) error {
	if len(t.entries) > math.MaxUint32 {
		return errors.New("found more names than a list can have: 4 GiB of them")
	}
	t.buckets = uint64(t.count/bucketNames + 1)
	t.starts = make([]byte, startBytes*(t.buckets+1))
	free, hashes := t.measure()
	sorted := make([]byte, len(t.entries))
	count, at := 0, 0
	for _, h := range hashes {
		entry := t.entries[at:t.next(at)]
		at += len(entry)
		entry[t.width+entryTag] = byte(h)
		bucket, _ := bits.Mul64(h, t.buckets)
		from, to := t.start(bucket), free[bucket]
		filter := t.starts[startBytes*bucket+4:][:4]
		if bits := binary.LittleEndian.Uint32(filter); bits&filterOf(h) == 0 {
			binary.LittleEndian.PutUint32(filter, bits|filterOf(h))
		} else if first := t.same(sorted[from:to], entry); first != nil {
			merge(first[:t.width], entry[:t.width])
			continue
		}
		if int(to-from)+len(entry) > longestBucket {
			return errors.New("found names that were chosen to slow the box down: their hashes are alike")
		}
		free[bucket] += uint32(copy(sorted[to:], entry))
		count++
	}
	t.entries = sorted
	if count < t.count {
		t.closeGaps(free)
	}
	t.count = count
	return nil
}

func (t *nameTable) start(bucket uint64) uint32 {
	return binary.LittleEndian.Uint32(t.starts[startBytes*bucket:])
}

func (t *nameTable) setStart(bucket uint64, at uint32) {
	binary.LittleEndian.PutUint32(t.starts[startBytes*bucket:], at)
}

// measure fills starts, and gives the same again, and the hash of each entry.
func (t *nameTable) measure() (starts []uint32, hashes []uint64) {
	starts, hashes = make([]uint32, t.buckets+1), make([]uint64, 0, t.count)
	var k nameKey
	for at := 0; at < len(t.entries); at = t.next(at) {
		next := t.next(at)
		h, depth := k.of(t.entries[at+t.width+entryName : next])
		hashes = append(hashes, h)
		bucket, _ := bits.Mul64(h, t.buckets)
		starts[bucket+1] += uint32(next - at)
		t.depths |= 1 << min(depth, 63)
	}
	for i := range t.buckets {
		starts[i+1] += starts[i]
		t.setStart(i+1, starts[i+1])
	}
	return starts, hashes
}

// same gives the entry of a bucket that has the name of another, or nil.
func (t *nameTable) same(bucket, entry []byte) []byte {
	for len(bucket) > 0 {
		next := t.width + entryName + int(bucket[t.width+entryLength])
		if bytes.Equal(bucket[t.width:next], entry[t.width:]) {
			return bucket[:next]
		}
		bucket = bucket[next:]
	}
	return nil
}

// closeGaps moves the buckets, of which each ends where ends says, together.
func (t *nameTable) closeGaps(ends []uint32) {
	to := uint32(0)
	for i := range t.buckets {
		from := t.start(i)
		t.setStart(i, to)
		to += uint32(copy(t.entries[to:], t.entries[from:ends[i]]))
	}
	t.setStart(t.buckets, to)
	t.entries = t.entries[:to]
}
