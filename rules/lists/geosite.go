package lists

import "strings"

// Types of Domain in common.proto of v2fly: a piece of a name, an expression, a name with all under it, a name.
var siteForms = [...]form{formContains, formRegexp, formTree, formExact}

func geosite(s *source) {
	want := parseAttributes(s.im.Attributes)
	s.dat(s.im.Tags, "--tag", fieldSiteCode, func(l datList) {
		s.list = shownCode(l.code)
		for n, entry := range l.entries {
			s.site(n, entry, want)
			if s.failed != nil {
				return
			}
		}
	})
}

func (s *source) site(n int, entry []byte, want attributes) {
	kind, text := uint64(0), ""
	var has []string
	err := fields(entry, func(f field) {
		switch {
		case f.number == 1 && f.bytes == nil:
			kind = f.value
		case f.number == 2 && f.bytes != nil:
			text = string(f.bytes)
		case f.number == 3 && f.bytes != nil:
			_ = fields(f.bytes, func(a field) {
				if a.number == 1 && a.bytes != nil {
					has = append(has, strings.ToLower(string(a.bytes)))
				}
			})
		}
	})
	switch {
	case err != nil:
		s.bad(n, "is broken: %v", err)
	case kind >= uint64(len(siteForms)):
		s.bad(n, "found type %d, expected 0 to 3", kind)
	case !want.take(has):
		s.skip()
	default:
		s.add(n, siteForms[kind], text)
	}
}

// shownCode is the code of a list in messages.
func shownCode(code string) string {
	if code == "" {
		return "list without a code"
	}
	return printable(code)
}
