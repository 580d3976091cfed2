package lists

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
)

// domains is a set of entries, packed.
//
// The key of a name is its labels from the right, each with a zero behind it, and then its form: com\0example\0\1. Sorted by bytes, a
// name comes directly before all that is under it, tree before under before exact. Other forms sort behind all names: \xff, the form, the text.
type domains struct {
	blocks [][]byte // keys, each behind its length in two bytes
	index  []ref
	live   int // bytes of the blocks that the index speaks of
}

// ref finds a key. Its head decides most comparisons without it.
type ref struct {
	head  uint64 // the first 8 bytes of the key
	place uint64 // number of the block and offset there
}

const (
	blockSize = 1 << 20
	lastForms = 0xff
	maxKey    = 1 << 15
)

// size is what the set needs, in bytes: the index is copied as it grows, by a quarter each time.
func (d *domains) size() int64 {
	return int64(len(d.blocks))*blockSize + int64(len(d.index))*(16+20)
}

// add enters an entry. The text of a named form is a canonical name; no text is longer than maxKey/2.
func (d *domains) add(f form, text string) {
	var room [2 * maxName]byte
	key := room[:0]
	if f.named() {
		key = appendName(key, text)
		key = append(key, byte(f))
	} else {
		key = append(key, lastForms, byte(f))
		key = append(key, text...)
	}
	d.put(key)
}

func appendName(key []byte, name string) []byte {
	for name != "" {
		i := strings.LastIndexByte(name, '.')
		key = append(key, name[i+1:]...)
		key = append(key, 0)
		name = name[:max(i, 0)]
	}
	return key
}

func (d *domains) put(key []byte) {
	last := len(d.blocks) - 1
	if last < 0 || len(d.blocks[last])+2+len(key) > blockSize {
		d.blocks = append(d.blocks, make([]byte, 0, blockSize))
		last++
	}
	b := d.blocks[last]
	place := uint64(last)<<32 | uint64(len(b))
	d.blocks[last] = append(binary.LittleEndian.AppendUint16(b, uint16(len(key))), key...)
	d.index = append(d.index, ref{head(key), place})
	d.live += 2 + len(key)
}

func head(key []byte) uint64 {
	var h [8]byte
	copy(h[:], key)
	return binary.BigEndian.Uint64(h[:])
}

func (d *domains) key(r ref) []byte {
	b := d.blocks[r.place>>32][uint32(r.place):]
	n := binary.LittleEndian.Uint16(b)
	return b[2 : 2+n : 2+n]
}

func (d *domains) compare(a, b ref) int {
	if a.head != b.head {
		return cmp.Compare(a.head, b.head)
	}
	return bytes.Compare(d.key(a), d.key(b))
}

// compact sorts the set and takes out what it need not have.
func (d *domains) compact() (c Counts) {
	slices.SortFunc(d.index, d.compare)
	kept := d.index[:0]
	var above []byte // the nearest kept entry that covers others, without its form
	var f form
	var before ref
	for i, r := range d.index {
		key := d.key(r)
		same := i > 0 && d.compare(before, r) == 0
		before = r
		if covered := above != nil && bytes.HasPrefix(key, above); same || covered {
			d.live -= 2 + len(key)
			switch {
			case same:
				c.Duplicates++
			case f == formUnder && len(key) == len(above)+1: // *.name, and now =name: together they are the tree
				f = formTree
				d.widen(&kept[len(kept)-1])
				c.Merged++
			default:
				c.Covered++
			}
			continue
		}
		kept = append(kept, r)
		if above = nil; key[0] != lastForms {
			if f = form(key[len(key)-1]); f != formExact {
				above = key[:len(key)-1]
			}
		}
	}
	d.index = kept
	if d.live < len(d.blocks)*blockSize/2 {
		d.pack()
	}
	return c
}

// widen makes a tree of what is under a name. It is the last entry of its name that is left, so the order stays.
func (d *domains) widen(r *ref) {
	key := d.key(*r)
	key[len(key)-1] = byte(formTree)
	r.head = head(key)
}

// pack copies the keys that are left.
func (d *domains) pack() {
	packed := domains{index: d.index[:0]}
	for _, r := range d.index {
		packed.put(d.key(r))
	}
	*d = packed
}

// each gives the entries in order as a list has them, names by their labels from the right. The bytes are good until the next.
func (d *domains) each(yield func([]byte) bool) {
	var entry []byte
	for _, r := range d.index {
		key := d.key(r)
		if key[0] == lastForms {
			entry = append(entry[:0], form(key[1]).written(string(key[2:]))...)
		} else {
			entry = appendKey(entry[:0], key)
		}
		if !yield(entry) {
			return
		}
	}
}

// appendKey turns the key of a name back into the entry.
func appendKey(entry, key []byte) []byte {
	f, labels := form(key[len(key)-1]), key[:len(key)-2]
	switch f {
	case formUnder:
		entry = append(entry, "*."...)
	case formExact:
		entry = append(entry, '=')
	}
	for i := bytes.LastIndexByte(labels, 0); i >= 0; i = bytes.LastIndexByte(labels, 0) {
		entry = append(entry, labels[i+1:]...)
		entry = append(entry, '.')
		labels = labels[:i]
	}
	return append(entry, labels...)
}
