package opengfw

import (
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"dpilab/internal/strictyaml"
	"dpilab/rules"
)

// maxStars is how many lists, and patterns in rules, of a policy may use stars, keywords and regular expressions.
const maxStars = 32

// settle brings the rules into a policy that loads, and gives its text; nil where no rule is left.
func (c *converter) settle() []byte {
	d := draft{file: c.file, options: c.options, rules: c.made, lists: c.lists}
	if d.stars() > maxStars {
		d.rules = joinRuns(d.rules)
	}
	for d.stars() > maxStars {
		i := lastStar(d.rules)
		c.note(d.rules[i].from, Cannot, "one rule too many with parts of names: a policy has at most %d of such rules and lists", maxStars)
		d.rules = slices.Delete(d.rules, i, i+1)
	}
	d.gather()
	for len(d.rules) > 0 {
		d.prune()
		text, of := d.render()
		_, err := d.check(text)
		if err == nil {
			c.made = d.rules
			for _, name := range slices.Sorted(maps.Keys(d.lists)) {
				l := d.lists[name]
				c.note(l.from, Needs, "%s: %s", l.file, l.command())
			}
			return text
		}
		at, why := blame(err, of)
		i := at.rule
		if i < 0 {
			c.note(d.rules[0].from, Cannot, "the policy as a whole: %s", why)
			break
		}
		kind := Cannot
		if strings.Contains(why, "never reached") {
			kind, why = Nothing, "never reached: rules above take all of its streams"
		}
		c.note(d.rules[i].from, kind, "%s", why)
		d.rules = slices.Delete(d.rules, i, i+1)
	}
	c.made = nil
	return nil
}

// try reads the rule as a policy has it, and gives why it cannot stand in one, "" if it can. An unless that excepts nothing is left out.
func (r *rule) try(known map[string]list, lists []list) string {
	for {
		one := *r
		one.name, one.when, one.unless = "try", r.when.clone(), slices.Clone(r.unless)
		d := draft{file: "rules", options: Options{"try", "2000-01-01"}, rules: []*rule{&one}, lists: maps.Clone(known)}
		for _, l := range lists {
			d.lists[l.name] = l
		}
		d.gather()
		d.prune()
		text, of := d.render()
		p, err := d.check(text)
		if err == nil {
			r.read = &p.Rules[0]
			return ""
		}
		at, why := blame(err, of)
		if at.unless < 0 || !strings.Contains(why, "excepts nothing more") && !strings.Contains(why, "never holds together with the when") {
			return why
		}
		r.unless = slices.Delete(slices.Clone(r.unless), at.unless, at.unless+1)
	}
}

// check loads the policy as one with these lists.
func (d *draft) check(text []byte) (*rules.Policy, error) {
	files := stubs{}
	for _, l := range d.lists {
		files[l.file] = "example.com\n"
		if l.geo == "geoip" {
			files[l.file] = "192.0.2.0/24\n"
		}
	}
	p, err := rules.Parse(d.options.Name+".yaml", text, files)
	if err == nil {
		_, err = p.Compile()
	}
	return p, err
}

// blame finds what an error is about, and gives its text.
func blame(err error, of []place) (place, string) {
	var e *strictyaml.Error
	if !errors.As(err, &e) {
		return place{-1, -1}, err.Error()
	}
	if e.Line < 1 || e.Line > len(of) {
		return place{-1, -1}, e.Text
	}
	return of[e.Line-1], e.Text
}

// prune forgets lists that no rule names any more.
func (d *draft) prune() {
	used := map[string]bool{}
	for _, r := range d.rules {
		for _, c := range r.conditions() {
			for key, values := range c {
				for _, v := range values {
					used[v] = used[v] || isName(key)
				}
			}
		}
	}
	d.lists, d.inline = maps.Clone(d.lists), maps.Clone(d.inline)
	maps.DeleteFunc(d.lists, func(name string, _ list) bool { return !used[name] })
	maps.DeleteFunc(d.inline, func(name string, _ []string) bool { return !used[name] })
}

// stubs are files that stand for lists that are not there yet.
type stubs map[string]string

// Open implements fs.FS.
func (s stubs) Open(name string) (fs.File, error) {
	text, ok := s[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &stub{Reader: strings.NewReader(text), name: name}, nil
}
