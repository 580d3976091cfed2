package lists

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// field is one of a protobuf message: number, and a number or bytes.
type field struct {
	number protowire.Number
	value  uint64
	bytes  []byte // nil where the field is a number
}

// fields walks a message. The bytes are parts of it.
func fields(message []byte, yield func(field)) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
		f := field{number: number}
		switch kind {
		case protowire.VarintType:
			f.value, n = protowire.ConsumeVarint(message)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(message)
			if f.bytes == nil {
				f.bytes = []byte{}
			}
		default:
			n = protowire.ConsumeFieldValue(number, kind, message)
			f.number = 0
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
		if f.number != 0 {
			yield(f)
		}
	}
	return nil
}

// Fields of GeoSiteList, GeoIPList, GeoSite and GeoIP (v2fly/v2ray-core, app/router/routercommon/common.proto).
const (
	fieldEntry       = 1 // of both lists
	fieldCountryCode = 1
	fieldDomain      = 2           // of GeoSite
	fieldCIDR        = fieldDomain // of GeoIP
	fieldInverse     = 3           // of GeoIP
	fieldSiteCode    = 4           // of GeoSite: code, where country_code is empty
	fieldIPCode      = 5           // of GeoIP
)

// datList is an entry of the outer message.
type datList struct {
	code    string
	inverse bool
	message []byte
}

// entries walks its domains or prefixes, counted from 1.
func (l datList) entries(yield func(int, []byte) bool) {
	n, going := 0, true
	_ = fields(l.message, func(f field) { // which parseDatList has walked
		if going && f.number == fieldDomain && f.bytes != nil {
			n++
			going = yield(n, f.bytes)
		}
	})
}

func parseDatList(message []byte, codeField protowire.Number) (l datList, err error) {
	l.message = message
	second := ""
	err = fields(message, func(f field) {
		switch {
		case f.number == fieldCountryCode && f.bytes != nil:
			l.code = string(f.bytes)
		case f.number == codeField && f.bytes != nil:
			second = string(f.bytes)
		case f.number == fieldInverse && f.bytes == nil && codeField == fieldIPCode:
			l.inverse = f.value != 0
		}
	})
	if l.code == "" {
		l.code = second
	}
	return l, err
}

// whole reads the rest of a file, as far as memory allows.
func (s *source) whole() ([]byte, error) {
	in := s.in
	if m := s.im.MaxMemory; m > 0 {
		in = io.LimitReader(s.in, m/4+1)
	}
	data, err := io.ReadAll(in)
	if err == nil && s.im.MaxMemory > 0 && int64(len(data)) > s.im.MaxMemory/4 {
		err = fmt.Errorf("larger than a quarter of the memory limit of %d MB: raise --max-memory", s.im.MaxMemory>>20)
	}
	return data, err
}

// dat reads the lists of a .dat that are wanted.
func (s *source) dat(wanted []string, flag string, codeField protowire.Number, take func(datList)) {
	data, err := s.whole()
	if err != nil {
		s.fail(s.im.place(s.name, 0, "cannot read: %v", err))
		return
	}
	var codes []string
	only := datList{}
	found := map[string]bool{}
	err = fields(data, func(f field) {
		if f.number != fieldEntry || f.bytes == nil || s.failed != nil {
			return
		}
		l, err := parseDatList(f.bytes, codeField)
		if err != nil {
			s.fail(s.im.place(s.name, 0, "list %d is broken: %v", len(codes)+1, err))
			return
		}
		codes = append(codes, l.code)
		only = l
		for _, w := range wanted {
			if strings.EqualFold(w, l.code) {
				found[strings.ToLower(w)] = true
				take(l)
				return
			}
		}
	})
	switch {
	case s.failed != nil:
		return
	case err != nil:
		s.fail(s.im.place(s.name, 0, "broken behind list %d: %v", len(codes), err))
	case len(wanted) == 0 && len(codes) == 1:
		take(only)
	case len(wanted) == 0:
		s.fail(s.im.place(s.name, 0, "has %s: choose with %s (%s)", counted(len(codes), "list", "lists"), flag, some(codes)))
	}
	for _, w := range wanted {
		if !found[strings.ToLower(w)] {
			s.fail(s.im.place(s.name, 0, "has no list %q: it has %s", w, some(codes)))
		}
	}
}

// some names the first of many.
func some(codes []string) string {
	const most = 20
	slices.Sort(codes)
	n := len(codes)
	shown := slices.Clone(codes[:min(n, most)])
	for i := range shown {
		shown[i] = printable(strings.ToLower(shown[i]))
	}
	s := strings.Join(shown, ", ")
	if n > most {
		s += fmt.Sprintf(" and %d more", n-most)
	}
	return s
}

// detectDat tells the two kinds apart by the first entry of the first list: a CIDR begins with bytes and ends with a number, a domain
// has its number first, or none.
func detectDat(head []byte) (Format, error) {
	kind := Detect
	look := func(entry []byte) {
		first, isIP := true, false
		_ = fields(entry, func(f field) {
			if first {
				first, isIP = false, f.number == 1 && f.bytes != nil && (len(f.bytes) == 4 || len(f.bytes) == 16)
			}
		})
		if kind == Detect && !first {
			if kind = GeoSite; isIP {
				kind = GeoIP
			}
		}
	}
	// The first list may be longer than the head: its fields are walked as far as they go.
	_, _, n := protowire.ConsumeTag(head)
	if n < 0 || head[0] != fieldEntry<<3|byte(protowire.BytesType) {
		return Detect, fmt.Errorf("is no list of v2fly: name its format with --format")
	}
	_, m := protowire.ConsumeVarint(head[n:])
	if m > 0 {
		_ = fields(head[n+m:], func(f field) {
			if f.number == fieldDomain && f.bytes != nil {
				look(f.bytes)
			}
		})
	}
	if kind == Detect {
		return Detect, fmt.Errorf("could be domains or addresses: name its format with --format (geosite, geoip)")
	}
	return kind, nil
}
