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

// size is what the set holds, in bytes.
func (d *domains) size() int64 {
	return int64(len(d.blocks))*blockSize + int64(cap(d.index))*16
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
func (d *domains) compact() (c counts) {
	slices.SortFunc(d.index, d.compare)
	kept := domains{index: make([]ref, 0, len(d.index))}
	var above []byte // the nearest kept entry that covers others, without its form
	var f form
	for i, r := range d.index {
		key := d.key(r)
		if i > 0 && d.compare(d.index[i-1], r) == 0 {
			c.Duplicates++
			continue
		}
		if above != nil && bytes.HasPrefix(key, above) {
			if f == formUnder && len(key) == len(above)+1 { // *.name, and now =name: together they are the tree
				f = kept.widen()
				c.Merged++
				continue
			}
			c.Covered++
			continue
		}
		kept.put(key)
		if above = nil; key[0] != lastForms {
			if f = form(key[len(key)-1]); f != formExact {
				above = key[:len(key)-1]
			}
		}
	}
	*d = kept
	return c
}

// widen makes a tree of the last entry, which is what is under a name.
func (d *domains) widen() form {
	last := &d.index[len(d.index)-1]
	key := d.key(*last)
	key[len(key)-1] = byte(formTree)
	last.head = head(key)
	return formTree
}

// each gives the entries in order as a list has them, names by their labels from the right.
func (d *domains) each(yield func(string) bool) {
	for _, r := range d.index {
		key := d.key(r)
		entry := ""
		if key[0] == lastForms {
			entry = form(key[1]).written(string(key[2:]))
		} else {
			labels := strings.Split(string(key[:len(key)-2]), "\x00")
			slices.Reverse(labels)
			entry = form(key[len(key)-1]).written(strings.Join(labels, "."))
		}
		if !yield(entry) {
			return
		}
	}
}
