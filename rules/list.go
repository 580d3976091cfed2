package rules

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"strings"
	"time"
)

// List is a named set of domains or of prefixes: one of the two, never both.
//
// A file of domains (ending .domains) has one of these a line:
//
//	name.tld       the name and all under it
//	=name.tld      that name only
//	*.name.tld     what is under it only
//	*name.tld      whatever ends with these letters: othername.tld as well
//	letters*       whatever begins with these letters
//	*letters*      whatever has these letters in it
//	keyword:word   whatever has this label: word.example, www.word.tld
//	regexp:EXPR    whatever this regular expression is found in, as RE2 has them, with anchors as written: regexp:^cdn\d+\.
//
// Expressions are the last resort: they are found in one pass, all together, but what they cost grows with their number. Case makes no
// difference, a # is written \x23, and a byte that is no ASCII is a letter of that number.
//
// Fingerprints of hellos (ja3, ja4) are names without dots, and the same forms serve them:
//
//	t13d1516h2_8daaf6152771_d8a2da3f94cd    this JA4
//	t13d*                                   every one over TCP and TLS 1.3 with a server name
//	*_8daaf6152771_*                        with these cipher suites
//	*_d8a2da3f94cd                          with these extensions and signature algorithms
//	e7d705a3286e19ea42f587b344ee6865        this JA3
//
// A file of prefixes (ending .prefixes) has an IPv4 or IPv6 prefix or address a line. In both, # starts a comment, and
// empty lines, CRLF and a byte order mark do no harm. A line has 4096 bytes at most.
//
// A long list of domains has a compiled form beside it: see CompileList.
type List struct {
	Name     string
	File     string // where its entries are: a file of its own, or the policy's
	Prefixes []netip.Prefix
	patterns []pattern // of a file, those with stars, keywords and expressions
	suffixes nameTable // of a file, all others, with a byte of hits each
	mapped   *mapping  // holds what suffixes are made of, if they were compiled
	domains  bool
	took     time.Duration // to read it from its file
}

// Domains tells whether this is a list of domains.
func (l *List) Domains() bool { return l.domains }

// Len is the number of entries. Those of one name in a file of domains are one.
func (l *List) Len() int { return len(l.Prefixes) + len(l.patterns) + l.suffixes.count }

// The endings of list files.
const (
	domainsEnding  = ".domains"
	prefixesEnding = ".prefixes"
)

func (l *List) add(entry string) error {
	if l.domains {
		p, err := parsePattern(entry)
		if err != nil {
			return err
		}
		l.patterns = append(l.patterns, p)
		return nil
	}
	p, err := parsePrefix(entry)
	if err != nil {
		return err
	}
	l.Prefixes = append(l.Prefixes, p)
	return nil
}

// inlineList makes a list of what a policy has between brackets: of prefixes if all entries are.
func inlineList(name, file string, entries []string) (*List, int, error) {
	l := &List{Name: name, File: file}
	for _, e := range entries {
		if !looksLikePrefix(e) {
			l.domains = true
		}
	}
	for i, e := range entries {
		if err := l.add(e); err != nil {
			return nil, i, err
		}
	}
	return l, 0, nil
}

// looksLikePrefix tells whether s was meant as a prefix or address, so that the message about a wrong one fits.
func looksLikePrefix(s string) bool {
	head, _, _ := strings.Cut(s, "/")
	_, err := netip.ParseAddr(head)
	return err == nil
}

// looksLikeJA3 tells whether s is an MD5 sum, which has the letters of a list's name.
func looksLikeJA3(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == 32
}

func parsePrefix(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("found %q, expected a prefix or an address", s)
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return netip.Prefix{}, fmt.Errorf("found %q, expected a prefix or an address", s)
	case p.Addr().Is4In6():
		return netip.Prefix{}, fmt.Errorf("found %q, expected the prefix in its IPv4 form", s)
	case p != p.Masked():
		return netip.Prefix{}, fmt.Errorf("found %q, which has bits behind the prefix, expected %s", s, p.Masked())
	}
	return p, nil
}

// cause is an I/O error without the path, which the message has already.
func cause(err error) string {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
