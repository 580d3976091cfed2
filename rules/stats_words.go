package rules

import (
	"fmt"
	"strings"
)

// String says which packets these are.
func (x *Interest) String() string {
	var words []string
	if t := x.Transports & anyTransport; t != 0 && t != anyTransport {
		var names []string
		for i, name := range transportNames {
			if t&(1<<i) != 0 {
				names = append(names, name)
			}
		}
		words = append(words, strings.Join(names, " or "))
	}
	if x.Ports != nil {
		var all []string
		for _, r := range x.Ports {
			all = append(all, spanText(r))
		}
		words = append(words, "port "+few(all, ", "))
	}
	if x.To != nil {
		words = append(words, "to "+prefixesWord(len(x.To)))
	}
	if len(words) == 0 {
		return "packets"
	}
	return "packets, " + strings.Join(words, ", ")
}

// String says how much that is, in the words of policy files; UnitBytes in bytes.
func (n Count) String() string {
	unit := [...]string{"packets", "payload packets", "data packets", "B"}[n.Unit]
	s := spanText(n.Range) + " " + unit
	if n.Direction != Both {
		s += " " + n.Direction.String()
	}
	return s
}

func spanText(r Range) string {
	if r.Min == r.Max {
		return fmt.Sprint(r.Min)
	}
	return fmt.Sprintf("%d..%d", r.Min, r.Max)
}

func prefixesWord(n int) string {
	if n == 1 {
		return "1 prefix"
	}
	return fmt.Sprintf("%d prefixes", n)
}

func directed(d Direction) string {
	switch d {
	case Up:
		return "what goes to the addresses"
	case Down:
		return "what comes from the addresses"
	}
	return "packets to and from the addresses"
}

// fewNames is how many names a line has at most (choice).
const fewNames = 4

func few(names []string, between string) string {
	if len(names) > fewNames {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:fewNames], between), len(names)-fewNames)
	}
	return strings.Join(names, between)
}

// names gives the words that policy files use.
func (s FactSet) names() (names []string) {
	for f, name := range factNames {
		if s.Has(Fact(f)) {
			names = append(names, name)
		}
	}
	return names
}
