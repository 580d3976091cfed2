package lists

import (
	"iter"
	"strconv"
	"strings"
)

// mmdbData is the data section of a MaxMind DB, or its metadata: values one behind the other, each with its type and size, where maps may
// point to values elsewhere. What is broken is found absent.
type mmdbData []byte

// Types of values that are looked at.
const (
	mmdbExtended = 0
	mmdbPointer  = 1
	mmdbString   = 2
	mmdbUint16   = 5
	mmdbUint32   = 6
	mmdbMap      = 7
	mmdbUint64   = 9
	mmdbUint128  = 10
	mmdbArray    = 11
	mmdbBoolean  = 14
)

// value is what stands at a place: its type, its size (bytes, or entries of a map or an array), and where its content begins. Of a pointer,
// size is where it points to.
type value struct {
	kind int
	size int
	at   int
}

func (d mmdbData) value(at int) (v value, ok bool) {
	if at < 0 || at >= len(d) {
		return v, false
	}
	control := d[at]
	v.kind, v.size, v.at = int(control>>5), int(control&31), at+1
	if v.kind == mmdbPointer {
		return d.pointer(v)
	}
	if v.kind == mmdbExtended {
		if v.at >= len(d) {
			return v, false
		}
		v.kind = int(d[v.at]) + 7
		v.at++
	}
	if v.size < 29 {
		return v, true
	}
	n := v.size - 28
	if v.at+n > len(d) {
		return v, false
	}
	v.size = []int{29, 285, 65821}[n-1] + int(bigEndian(d[v.at:v.at+n]))
	v.at += n
	return v, true
}

func (d mmdbData) pointer(v value) (value, bool) {
	n := v.size>>3 + 1
	if v.at+n > len(d) {
		return v, false
	}
	to := bigEndian(d[v.at : v.at+n])
	if n < 4 {
		to |= uint64(v.size&7) << (8 * n)
		to += []uint64{0, 2048, 526336}[n-1]
	}
	v.size, v.at = int(to), v.at+n
	return v, true
}

func bigEndian(b []byte) (n uint64) {
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}

// target follows a pointer, which never points to another.
func (d mmdbData) target(v value) (value, bool) {
	if v.kind != mmdbPointer {
		return v, true
	}
	v, ok := d.value(v.size)
	return v, ok && v.kind != mmdbPointer
}

// skip gives the place behind a value, or -1. Each step moves on in the data, so it ends.
func (d mmdbData) skip(at int) int {
	for left := 1; left > 0; left-- {
		v, ok := d.value(at)
		if !ok {
			return -1
		}
		switch at = v.at; v.kind {
		case mmdbPointer, mmdbBoolean:
		case mmdbMap:
			left += 2 * v.size
		case mmdbArray:
			left += v.size
		default:
			at += v.size
		}
	}
	return at
}

// entries gives keys of the map at a place, and where their values are.
func (d mmdbData) entries(at int) iter.Seq2[[]byte, int] {
	return func(yield func([]byte, int) bool) {
		m, ok := d.value(at)
		if ok {
			m, ok = d.target(m)
		}
		if !ok || m.kind != mmdbMap {
			return
		}
		at := m.at
		for range m.size {
			key, ok := d.bytes(at)
			at = d.skip(at)
			if !ok || at < 0 || !yield(key, at) {
				return
			}
			if at = d.skip(at); at < 0 {
				return
			}
		}
	}
}

// bytes gives a string.
func (d mmdbData) bytes(at int) ([]byte, bool) {
	v, ok := d.value(at)
	if ok {
		v, ok = d.target(v)
	}
	if !ok || v.kind != mmdbString || v.at+v.size > len(d) {
		return nil, false
	}
	return d[v.at : v.at+v.size], true
}

// number gives an unsigned number of up to 64 bits.
func (d mmdbData) number(at int) (uint64, bool) {
	v, ok := d.value(at)
	if ok {
		v, ok = d.target(v)
	}
	if !ok || v.size > 8 || v.at+v.size > len(d) {
		return 0, false
	}
	switch v.kind {
	case mmdbUint16, mmdbUint32, mmdbUint64, mmdbUint128:
		return bigEndian(d[v.at : v.at+v.size]), true
	}
	return 0, false
}

// owner gives the country and the AS number of a record, as far as it has them: country.iso_code and autonomous_system_number of MaxMind
// and DB-IP; country, country_code and asn ("AS64496") of IPinfo.
func (d mmdbData) owner(place uint32) (country string, asn uint32) {
	for key, at := range d.entries(int(place)) {
		switch string(key) {
		case "country":
			if code, ok := d.bytes(at); ok && len(code) == 2 {
				country = string(code)
			}
			for inner, at := range d.entries(at) {
				if code, ok := d.bytes(at); ok && string(inner) == "iso_code" {
					country = string(code)
				}
			}
		case "country_code":
			if code, ok := d.bytes(at); ok {
				country = string(code)
			}
		case "autonomous_system_number":
			if n, ok := d.number(at); ok {
				asn = uint32(n)
			}
		case "asn":
			if text, ok := d.bytes(at); ok {
				n, _ := strconv.ParseUint(strings.TrimPrefix(string(text), "AS"), 10, 32)
				asn = uint32(n)
			}
		}
	}
	return country, asn
}
