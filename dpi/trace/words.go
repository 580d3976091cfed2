package trace

import (
	"strconv"
	"strings"
)

var flagNames = []string{"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"}

// flagsOf reads syn,ack; ok is false for anything else.
func flagsOf(text string) (flags uint8, ok bool) {
	if text == "" {
		return 0, false
	}
	for _, name := range strings.Split(text, ",") {
		found := false
		for i, x := range flagNames {
			if x == name {
				flags, found = flags|1<<i, true
			}
		}
		if !found {
			return 0, false
		}
	}
	return flags, true
}

func flagText(flags uint8) string {
	var all []string
	for _, i := range []int{1, 2, 0, 3, 4, 5, 6, 7} { // syn,ack and rst,ack, as people say
		if flags&(1<<i) != 0 {
			all = append(all, flagNames[i])
		}
	}
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, ",")
}

// spot is a place in a payload.
type spot struct {
	base   byte // 's': the payload's begin; 'n': the name's begin; 'N': the name's end; 'e': the payload's end
	offset int
}

// spotOf reads 200, sni+3, sni-end-2, end-10.
func spotOf(text string) (x spot, ok bool) {
	rest := text
	switch {
	case strings.HasPrefix(text, "sni-end"):
		x.base, rest = 'N', text[len("sni-end"):]
	case strings.HasPrefix(text, "sni"):
		x.base, rest = 'n', text[len("sni"):]
	case strings.HasPrefix(text, "end"):
		x.base, rest = 'e', text[len("end"):]
	default:
		x.base = 's'
		n, err := strconv.ParseUint(text, 0, 20)
		x.offset = int(n)
		return x, err == nil
	}
	if rest == "" {
		return x, true
	}
	if rest[0] != '+' && rest[0] != '-' {
		return x, false
	}
	n, err := strconv.ParseInt(rest, 10, 20)
	x.offset = int(n)
	return x, err == nil
}

// spots reads places up to the first word that is none.
func spots(s *scanner) (all []spot) {
	for s.more() {
		x, ok := spotOf(s.peek().text)
		if !ok {
			break
		}
		all = append(all, x)
		s.i++
	}
	return all
}

// in gives the place in a payload of n bytes whose name is there.
func (x spot) in(n, name, nameEnd int) int {
	at := map[byte]int{'s': 0, 'n': name, 'N': nameEnd, 'e': n}[x.base] + x.offset
	return min(max(at, 0), n)
}
