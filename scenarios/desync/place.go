package desync

import (
	"slices"
	"strconv"
	"strings"
)

// place is somewhere in what the client writes first: a mark, and bytes from there.
type place struct {
	mark string // "": the beginning, "end", or one of the marks
	off  int
}

// marks are the words for places, the longest of those that begin alike first.
var marks = []string{"sniext", "sni", "midsni", "endsni", "host", "midhost", "endhost"}

const wantPlace = "a place such as 3, -5, sni+1, midsni, endsni-2, sniext or host"

// parsePlace reads 3, -5, midsni, sni+2, endhost-1.
func parsePlace(text string) (p place, ok bool) {
	rest := text
	for _, m := range marks {
		if after, found := strings.CutPrefix(text, m); found {
			p.mark, rest = m, after
			break
		}
	}
	if p.mark != "" && rest == "" {
		return p, true
	}
	if rest == "" || p.mark != "" && rest[0] != '+' && rest[0] != '-' || p.mark == "" && rest[0] == '+' {
		return p, false
	}
	n, err := strconv.ParseInt(rest, 10, 32)
	if err != nil || n < -65535 || n > 65535 {
		return p, false
	}
	if p.mark == "" && rest[0] == '-' {
		if n == 0 {
			return p, false
		}
		p.mark = "end"
	}
	if n == 0 && p.mark != "" { // sni+0 is sni
		return p, true
	}
	p.off = int(n)
	return p, p.mark != "" || n > 0
}

func (p place) String() string {
	switch {
	case p.mark == "" || p.mark == "end":
		return strconv.Itoa(p.off)
	case p.off == 0:
		return p.mark
	case p.off > 0:
		return p.mark + "+" + strconv.Itoa(p.off)
	}
	return p.mark + strconv.Itoa(p.off)
}

// resolve finds the place in the first bytes; ok is false where it is not there, or nothing lies before or behind it.
func (p place) resolve(where map[string]int, size int) (at int, ok bool) {
	base := 0
	switch p.mark {
	case "":
	case "end":
		base = size
	default:
		if base, ok = where[p.mark]; !ok {
			return 0, false
		}
	}
	at = base + p.off
	return at, at > 0 && at < size
}

// resolveAll gives the places that are there, in order, each once.
func resolveAll(all []place, where map[string]int, size int) (at []int) {
	for _, p := range all {
		if n, ok := p.resolve(where, size); ok {
			at = append(at, n)
		}
	}
	slices.Sort(at)
	return slices.Compact(at)
}
