package opengfw

import (
	"maps"
	"slices"
	"strings"

	"dpilab/internal/strictyaml"
)

// isListName tells the name of a list from a pattern: a pattern has a star, an equals sign or a colon.
func isListName(word string) bool { return strictyaml.IsLabel(word) }

// isStar tells whether a word of a rule takes one of the few places for parts of names. A list of geosite may have such entries.
func isStar(word string) bool {
	return strings.Contains(word, "*") && !strings.HasPrefix(word, "*.") || strings.HasPrefix(word, "regexp:") || strings.HasPrefix(word, "geosite-")
}

// conditions gives the when, and each unless.
func (r *rule) conditions() []cond { return append([]cond{r.when}, r.unless...) }

// stars counts the places that the rules take: one a word, and one a list that gather will make.
func (d *draft) stars() int {
	words := map[string]bool{}
	lists := 0
	for _, r := range d.rules {
		for _, c := range r.conditions() {
			for key, values := range c {
				several := isName(key) && count(values) > 1
				if several {
					lists++
				}
				for _, v := range values {
					if isName(key) && isStar(v) && (!several || isListName(v)) {
						words[v] = true
					}
				}
			}
		}
	}
	return lists + len(words)
}

// count gives the number of patterns with a star.
func count(values []string) (n int) {
	for _, v := range values {
		if isStar(v) && !isListName(v) {
			n++
		}
	}
	return n
}

// gather makes a list of several patterns with stars in one place, since a list takes one place and each pattern takes one.
func (d *draft) gather() {
	d.inline = map[string][]string{}
	for i := range d.rules {
		r := d.rules[i]
		r.when = d.gathered(r.when, r.name+"-names")
		for j, u := range r.unless {
			r.unless[j] = d.gathered(u, r.name+"-exceptions")
		}
	}
}

func (d *draft) gathered(c cond, name string) cond {
	for _, key := range c.keys() {
		if !isName(key) || count(c[key]) < 2 {
			continue
		}
		c = c.clone()
		own := slices.DeleteFunc(slices.Clone(c[key]), isListName)
		unused := name
		for d.taken(unused) {
			unused += "-more"
		}
		d.inline[unused] = own
		c[key] = append(slices.DeleteFunc(c[key], func(w string) bool { return !isListName(w) }), unused)
	}
	return c
}

func (d *draft) taken(name string) bool {
	_, file := d.lists[name]
	_, inline := d.inline[name]
	return file || inline
}

// joinRuns makes one rule of neighbours that differ in their names alone.
func joinRuns(all []*rule) (joined []*rule) {
	for _, r := range all {
		if n := len(joined); n > 0 && joined[n-1].take(r) {
			continue
		}
		r.when = r.when.clone()
		joined = append(joined, r)
	}
	return joined
}

// take adds the names of the next rule, if the two differ in nothing else.
func (r *rule) take(next *rule) bool {
	if r.do != next.do || len(r.unless)+len(next.unless) > 0 || !slices.Equal(r.when.keys(), next.when.keys()) {
		return false
	}
	differs := ""
	for key := range maps.Keys(r.when) {
		switch {
		case slices.Equal(r.when[key], next.when[key]):
		case isName(key) && key != "to" && key != "from" && differs == "":
			differs = key
		default:
			return false
		}
	}
	for _, v := range next.when[differs] {
		if !slices.Contains(r.when[differs], v) {
			r.when[differs] = append(r.when[differs], v)
		}
	}
	if next.from.line != r.from.line {
		r.also, r.last = r.also+1, next.from.line
	}
	return true
}

// lastStar gives the last rule that takes a place.
func lastStar(all []*rule) int {
	for i := range slices.Backward(all) {
		for _, c := range all[i].conditions() {
			for key, values := range c {
				if isName(key) && slices.ContainsFunc(values, isStar) {
					return i
				}
			}
		}
	}
	return len(all) - 1
}
