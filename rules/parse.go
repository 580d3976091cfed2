package rules

import (
	"errors"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"dpilab/internal/strictyaml"
)

func (l loader) parse(file string, data []byte) (*Policy, error) {
	top, err := strictyaml.Parse(file, data, "policy")
	if err != nil {
		return nil, err
	}
	fields, err := top.Fields("a policy", "policy", "date", "about", "extends", "lists", "profile", "rules")
	if err != nil {
		return nil, err
	}
	if err := top.Require(fields, "policy", "policy", "date", "about"); err != nil {
		return nil, err
	}
	p := &Policy{File: file, Profile: DefaultProfile(), lists: map[string]*List{}}
	d := draft{Policy: p, places: map[string]strictyaml.Node{}}
	if f := strictyaml.Find(fields, "extends"); f != nil {
		base, err := l.extended(file, f.Node)
		if err != nil {
			return nil, err
		}
		p.Profile, d.base = base.Profile, base.Rules
		maps.Copy(p.lists, base.lists)
	}
	for _, f := range fields {
		if err := d.field(f, l); err != nil {
			return nil, err
		}
	}
	if len(d.own)+len(d.base) == 0 {
		return nil, top.Fail("found a policy without rules, expected rules or extends")
	}
	d.join()
	return p, d.check()
}

// draft is a policy in the making.
type draft struct {
	*Policy
	places map[string]strictyaml.Node // of the lists of this file
	own    []parsedRule
	base   []Rule
}

func (d *draft) field(f strictyaml.Field, l loader) (err error) {
	switch f.Name {
	case "policy":
		d.Name, err = f.Label("a policy's name")
		if want := strings.TrimSuffix(path.Base(d.File), policyEnding); err == nil && d.Name != want {
			err = f.Fail("found %q, expected %q as the file is called", d.Name, want)
		}
	case "date":
		const what = "a date such as 2026-02-12"
		if d.Date, err = f.Text(what); err == nil {
			if _, bad := time.Parse(time.DateOnly, d.Date); bad != nil {
				err = f.Expected(what)
			}
		}
	case "about":
		d.About, err = f.Text("one line of text")
	case "lists":
		err = d.readLists(f.Node, l)
	case "profile":
		err = readProfile(f.Node, &d.Profile)
	case "rules":
		err = d.readRules(f.Node)
	}
	return err
}

func (d *draft) readLists(n strictyaml.Node, l loader) error {
	fields, err := n.Fields("names of lists")
	if err != nil {
		return err
	}
	for _, f := range fields {
		if _, err := f.Key.Label("a list's name"); err != nil {
			return err
		}
		list, err := d.readList(f, l)
		if err != nil {
			return err
		}
		d.lists[f.Name], d.places[f.Name] = list, f.Key
	}
	return nil
}

func (d *draft) readList(f strictyaml.Field, l loader) (*List, error) {
	const what = "a file that ends in .domains or .prefixes, entries in brackets, or {addresses: NAME}"
	if f.IsMapping() {
		return addressList(f)
	}
	s, ok := f.Word()
	if !ok {
		items, err := f.Items(what)
		if err != nil {
			return nil, err
		}
		return readInlineList(f, d.File, items)
	}
	if strings.ContainsAny(s, "\r\n") || !strings.HasSuffix(s, domainsEnding) && !strings.HasSuffix(s, prefixesEnding) {
		return nil, f.Expected(what)
	}
	file := beside(d.File, s)
	begun := time.Now()
	list, err := openList(f.Name, file, l.fsys, l.left)
	if err == nil {
		list.took = time.Since(begun)
	}
	if bad := (*Error)(nil); err != nil && !errors.As(err, &bad) {
		return nil, f.Fail("cannot read %s: %s", file, cause(err))
	}
	return list, err
}

func readInlineList(f strictyaml.Field, file string, items []strictyaml.Node) (*List, error) {
	entries := make([]string, len(items))
	for i, item := range items {
		s, err := item.Text("a domain or a prefix")
		if err != nil {
			return nil, err
		}
		entries[i] = s
	}
	l, bad, err := inlineList(f.Name, file, entries)
	if err != nil {
		return nil, items[bad].Fail("%s", err)
	}
	return l, nil
}

func (d *draft) readRules(n strictyaml.Node) error {
	items, err := n.Items("a list of rules")
	if err != nil {
		return err
	}
	for _, item := range items {
		r, err := readRule(item)
		if err != nil {
			return err
		}
		for _, other := range d.own {
			if other.Name == r.Name {
				return r.name.Fail("found a second rule %q, expected names that differ; the first is in line %d", r.Name, other.Line)
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
