package opengfw

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// cond is a condition of a policy: values by key, as a file has them.
type cond map[string][]string

// keys gives the keys in the order in which they are written.
func (c cond) keys() []string {
	order := []string{"protocol", "transport", "sni", "host", "query", "to", "port", "from", "source port", "hello", "ech", responseKey}
	return slices.DeleteFunc(order, func(k string) bool { _, ok := c[k]; return !ok })
}

func (c cond) clone() cond {
	d := cond{}
	for k, v := range c {
		d[k] = slices.Clone(v)
	}
	return d
}

// isName tells whether a key has names of lists, patterns or prefixes, of which one set cannot be cut with another.
func isName(key string) bool {
	return key == "sni" || key == "host" || key == "query" || key == "to" || key == "from"
}

// and narrows c to what d asks for as well. A key without values is left where nothing fits both.
func (c cond) and(d cond) error {
	for _, key := range d.keys() {
		have, ok := c[key]
		if !ok {
			c[key] = slices.Clone(d[key])
			continue
		}
		switch {
		case key == "port" || key == "source port":
			c[key] = cut(have, d[key])
		case isName(key):
			a, b := common(have, d[key]), min(len(have), len(d[key]))
			if len(a) != b {
				return fmt.Errorf("two conditions about %s that must both hold: a rule has one", key)
			}
			c[key] = a
		default:
			c[key] = common(have, d[key])
		}
	}
	return nil
}

// never tells whether nothing fits.
func (c cond) never() bool {
	for _, values := range c {
		if len(values) == 0 {
			return true
		}
	}
	return false
}

// without leaves out what another condition asks for already.
func (c cond) without(d cond) cond {
	e := cond{}
	for k, v := range c {
		if !slices.Equal(d[k], v) {
			e[k] = v
		}
	}
	return e
}

func common(a, b []string) (both []string) {
	for _, v := range a {
		if slices.Contains(b, v) {
			both = append(both, v)
		}
	}
	return both
}

// span is a range of ports.
type span struct{ from, to int }

func (s span) String() string {
	if s.from == s.to {
		return strconv.Itoa(s.from)
	}
	return fmt.Sprintf("%d..%d", s.from, s.to)
}

func parseSpan(s string) span {
	a, b, ok := strings.Cut(s, "..")
	from, _ := strconv.Atoi(a)
	if !ok {
		return span{from, from}
	}
	to, _ := strconv.Atoi(b)
	return span{from, to}
}

// ports gives spans as a condition has them: those within 0 to 65535, in order and joined.
func ports(spans ...span) (all []string) {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var joined []span
	for _, s := range spans {
		s.from, s.to = max(s.from, 0), min(s.to, 65535)
		if s.from > s.to {
			continue
		}
		if n := len(joined); n > 0 && s.from <= joined[n-1].to+1 {
			joined[n-1].to = max(joined[n-1].to, s.to)
			continue
		}
		joined = append(joined, s)
	}
	for _, s := range joined {
		all = append(all, s.String())
	}
	return all
}

// cut gives the ports that are in both.
func cut(a, b []string) []string {
	var both []span
	for _, v := range a {
		for _, w := range b {
			x, y := parseSpan(v), parseSpan(w)
			both = append(both, span{max(x.from, y.from), min(x.to, y.to)})
		}
	}
	return ports(both...)
}
