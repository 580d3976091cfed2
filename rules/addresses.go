package rules

import (
	"bytes"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"dpilab/internal/strictyaml"
)

// Addresses says which prefixes belong to which organisation: the stand-ins of the lab, or real ones of a user. It is immutable.
//
// A file has a line for each: a name of small letters, digits and hyphens, and one prefix or more behind it. # starts a comment.
type Addresses struct {
	entries map[string]addressEntry
}

type addressEntry struct {
	prefixes []netip.Prefix
	file     string
}

// Names gives the organisations in alphabetical order.
func (a *Addresses) Names() []string { return slices.Sorted(maps.Keys(a.entries)) }

// Prefixes gives what an organisation has, in the order of the file; nil for one that is not there. The caller must not change it.
func (a *Addresses) Prefixes(name string) []netip.Prefix { return a.entries[name].prefixes }

// With gives a table whose entries are those of other, and of a where other has none of that name.
func (a *Addresses) With(other *Addresses) *Addresses {
	all := maps.Clone(a.entries)
	maps.Copy(all, other.entries)
	return &Addresses{all}
}

// ParseAddresses reads a table; file is for messages. Errors are of type *Error.
func ParseAddresses(file string, data []byte) (*Addresses, error) {
	a := &Addresses{map[string]addressEntry{}}
	err := eachLine(file, bytes.NewReader(data), len(data), func(line []byte) error {
		words := strings.Fields(string(line))
		name := words[0]
		switch _, twice := a.entries[name]; {
		case !strictyaml.IsLabel(name) || looksLikePrefix(name):
			return fmt.Errorf("found %q, expected a name of small letters, digits and hyphens", name)
		case twice:
			return fmt.Errorf("found %q a second time, expected all its prefixes in one line", name)
		case len(words) == 1:
			return fmt.Errorf("found %q without a prefix, expected at least one behind it", name)
		}
		x := addressEntry{file: file}
		for _, word := range words[1:] {
			p, err := parsePrefix(word)
			if err != nil {
				return err
			}
			x.prefixes = append(x.prefixes, p)
		}
		a.entries[name] = x
		return nil
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

// ShippedAddresses is the table of the lab.
var ShippedAddresses = sync.OnceValue(func() *Addresses {
	const file = "policies/lists/addresses.table"
	data, _ := policies.ReadFile(file)
	a, err := ParseAddresses(file, data)
	if err != nil {
		return &Addresses{} // a test reads it
	}
	return a
})

// ownAddresses is what UseAddresses was given, or nil.
var ownAddresses atomic.Pointer[Addresses]

// UseAddresses reads a table whose entries take the place of those of the same name that ship, for every policy that this process
// reads from now on: the shipped ones as well. It may be called by any goroutine.
func UseAddresses(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return &Error{File: file, Text: "cannot read the addresses: " + cause(err)}
	}
	a, err := ParseAddresses(file, data)
	if err != nil {
		return err
	}
	ownAddresses.Store(ShippedAddresses().With(a))
	return nil
}

// StandIns gives the table that policies are read with.
func StandIns() *Addresses {
	if a := ownAddresses.Load(); a != nil {
		return a
	}
	return ShippedAddresses()
}

// addressList makes a list of what the table has for some organisations.
func addressList(f strictyaml.Field) (*List, error) {
	const what = "{addresses: NAME}, or several names in brackets"
	fields, err := f.Fields(what, "addresses")
	if err != nil {
		return nil, err
	}
	table := StandIns()
	l := &List{Name: f.Name}
	_, err = each(fields[0].Node, what, func(n strictyaml.Node) (string, error) {
		name, err := n.Text(what)
		if err != nil {
			return "", err
		}
		x, ok := table.entries[name]
		if !ok {
			return "", n.Fail("found %q, which is not in the table of addresses%s", name, strictyaml.Suggest(name, table.Names()))
		}
		l.File, l.Prefixes = x.file, append(l.Prefixes, x.prefixes...)
		return name, nil
	})
	return l, err
}
