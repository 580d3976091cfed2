package rules

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

func (l loader) parse(file string, data []byte) (*Policy, error) {
	top, err := readYAML(file, data)
	if err != nil {
		return nil, err
	}
	fields, err := top.fields("a policy", "policy", "date", "about", "extends", "lists", "profile", "rules")
	if err != nil {
		return nil, err
	}
	for _, want := range []string{"policy", "date", "about"} {
		if find(fields, want) == nil {
			return nil, top.fail("found a policy without the key %q, expected policy, date and about", want)
		}
	}
	p := &Policy{File: file, Profile: DefaultProfile(), lists: map[string]*List{}}
	d := draft{Policy: p, places: map[string]node{}}
	if f := find(fields, "extends"); f != nil {
		base, err := l.extended(file, f.node)
		if err != nil {
			return nil, err
		}
		p.Profile, d.base = base.Profile, base.Rules
		maps.Copy(p.lists, base.lists)
	}
	for _, f := range fields {
		if err := d.field(f, l.fsys); err != nil {
			return nil, err
		}
	}
	if len(d.own)+len(d.base) == 0 {
		return nil, top.fail("found a policy without rules, expected rules or extends")
	}
	d.join()
	return p, d.check()
}

// draft is a policy in the making.
type draft struct {
	*Policy
	places map[string]node // of the lists of this file
	own    []parsedRule
	base   []Rule
}

func (d *draft) field(f field, fsys fs.FS) (err error) {
	switch f.name {
	case "policy":
		d.Name, err = f.label("a policy's name")
		if want := strings.TrimSuffix(path.Base(d.File), policyEnding); err == nil && d.Name != want {
			err = f.fail("found %q, expected %q as the file is called", d.Name, want)
		}
	case "date":
		const what = "a date such as 2026-02-12"
		if d.Date, err = f.text(what); err == nil {
			if _, bad := time.Parse(time.DateOnly, d.Date); bad != nil {
				err = f.expected(what)
			}
		}
	case "about":
		d.About, err = f.text("one line of text")
	case "lists":
		err = d.readLists(f.node, fsys)
	case "profile":
		err = f.profile(&d.Profile)
	case "rules":
		err = d.readRules(f.node)
	}
	return err
}

func (d *draft) readLists(n node, fsys fs.FS) error {
	fields, err := n.fields("names of lists", nil...)
	if err != nil {
		return err
	}
	for _, f := range fields {
		if _, err := f.key.label("a list's name"); err != nil {
			return err
		}
		list, err := d.readList(f, fsys)
		if err != nil {
			return err
		}
		d.lists[f.name], d.places[f.name] = list, f.key
	}
	return nil
}

func (d *draft) readList(f field, fsys fs.FS) (*List, error) {
	const what = "a file that ends in .domains or .prefixes, or entries in brackets"
	s, ok := f.word()
	if !ok {
		items, err := f.items(what)
		if err != nil {
			return nil, err
		}
		return f.inlineList(d.File, items)
	}
	if strings.ContainsAny(s, "\r\n") || !strings.HasSuffix(s, domainsEnding) && !strings.HasSuffix(s, prefixesEnding) {
		return nil, f.expected(what)
	}
	file := beside(d.File, s)
	data, err := fs.ReadFile(fsys, file)
	if err != nil {
		return nil, f.fail("cannot read %s: %s", file, cause(err))
	}
	return parseList(f.name, file, data)
}

func (f field) inlineList(file string, items []node) (*List, error) {
	entries := make([]string, len(items))
	for i, item := range items {
		s, err := item.text("a domain or a prefix")
		if err != nil {
			return nil, err
		}
		entries[i] = s
	}
	l, bad, err := inlineList(f.name, file, entries)
	if err != nil {
		return nil, items[bad].fail("%s", err)
	}
	return l, nil
}

func (d *draft) readRules(n node) error {
	items, err := n.items("a list of rules")
	if err != nil {
		return err
	}
	for _, item := range items {
		r, err := item.rule()
		if err != nil {
			return err
		}
		for _, other := range d.own {
			if other.Name == r.Name {
				return r.name.fail("found a second rule %q, expected names that differ; the first is in line %d", r.Name, other.Line)
			}
		}
		d.own = append(d.own, r)
	}
	return nil
}

// join puts the own rules first, then those of the base that none of them replaces.
func (d *draft) join() {
	for i := range d.own {
		d.own[i].Policy = d.Name
		d.Rules = append(d.Rules, d.own[i].Rule)
	}
	d.base = slices.DeleteFunc(slices.Clone(d.base), func(r Rule) bool {
		return slices.ContainsFunc(d.own, func(o parsedRule) bool { return o.Name == r.Name })
	})
	d.Rules = append(d.Rules, d.base...)
}
