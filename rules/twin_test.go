package rules

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"

	"dpilab/internal/strictyaml"
)

// twin is the slow, obvious matcher: it tries every rule in turn with string functions, and knows no class.
type twin struct{ *Policy }

// plain is Facts with the names and addresses themselves in place of their classes.
type plain struct {
	Facts
	sni, host, query string
	to, from         netip.Addr
}

// facts gives the same in the form of c.
func (p plain) facts(c *Compiled) *Facts {
	f := p.Facts
	f.SNI, f.Host, f.Query = c.Name([]byte(p.sni)), c.Name([]byte(p.host)), c.Name([]byte(p.query))
	f.To, f.From = c.Addr(p.to), c.Addr(p.from)
	return &f
}

func (t twin) match(p plain) int {
	return slices.IndexFunc(t.Rules, func(r Rule) bool { return t.rule(&r, p) == yes })
}

func (t twin) pending(p plain) bool {
	for i := range t.Rules {
		switch t.rule(&t.Rules[i], p) {
		case yes:
			return false
		case maybe:
			return true
		}
	}
	return false
}

func (t twin) rule(r *Rule, p plain) answer {
	when, unless := t.condition(r.When, p), t.condition(r.Unless, p)
	switch {
	case r.Unless.none():
		return when
	case when == no || unless == yes:
		return no
	case when == yes && unless == no:
		return yes
	}
	return maybe
}

func (t twin) condition(c Condition, p plain) answer {
	result := yes
	add := func(asked bool, fact Fact, holds func() bool) {
		switch {
		case !asked || result == no:
		case !p.Known.Has(fact):
			result = maybe
		case !holds():
			result = no
		}
	}
	names := func(fact Fact, words []string, name string) {
		add(len(words) > 0, fact, func() bool {
			return slices.ContainsFunc(words, func(w string) bool { return t.nameIn(w, name) })
		})
	}
	addrs := func(fact Fact, words []string, a netip.Addr) {
		add(len(words) > 0, fact, func() bool {
			return slices.ContainsFunc(words, func(w string) bool { return t.addrIn(w, a) })
		})
	}
	names(FactSNI, c.SNI, p.sni)
	names(FactHost, c.Host, p.host)
	names(FactQuery, c.Query, p.query)
	addrs(FactTo, c.To, p.to)
	addrs(FactFrom, c.From, p.from)
	add(len(c.Protocol) > 0, FactProtocol, func() bool { return slices.Contains(c.Protocol, p.Protocol) })
	add(len(c.Transport) > 0, FactTransport, func() bool { return slices.Contains(c.Transport, p.Transport) })
	add(c.Opened != SideUnknown, FactOpened, func() bool { return c.Opened == p.Opened })
	add(len(c.Port) > 0, FactPort, func() bool {
		return slices.ContainsFunc(c.Port, func(r Range) bool { return r.Min <= int(p.Port) && int(p.Port) <= r.Max })
	})
	return result
}

func (t twin) nameIn(word, name string) bool {
	if len(name) > 255 {
		return false
	}
	name = strings.ToLower(name)
	if t.Profile.TrailingDot {
		name = strings.TrimSuffix(name, ".")
	}
	lines := []string{word}
	if l := t.lists[word]; l != nil {
		lines = nil
		for _, p := range l.patterns {
			lines = append(lines, p.String())
		}
	}
	return slices.ContainsFunc(lines, func(line string) bool { return lineHas(line, name) })
}

func lineHas(line, name string) bool {
	if word, ok := strings.CutPrefix(line, "keyword:"); ok {
		return slices.Contains(strings.Split(name, "."), word)
	}
	if exact, ok := strings.CutPrefix(line, "="); ok {
		return name == exact
	}
	if rest, ok := strings.CutPrefix(line, "*"); ok {
		if part, ok := strings.CutSuffix(rest, "*"); ok {
			return strings.Contains(name, part)
		}
		return strings.HasSuffix(name, rest)
	}
	return name == line || strings.HasSuffix(name, "."+line)
}

func (t twin) addrIn(word string, a netip.Addr) bool {
	if l := t.lists[word]; l != nil {
		return slices.ContainsFunc(l.Prefixes, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) })
	}
	p, err := parsePrefix(word)
	return err == nil && p.Contains(a.Unmap())
}

// dice makes random policies and facts out of few letters and few addresses, so that things meet.
type dice struct{ *rand.Rand }

func (d dice) name() string {
	labels := make([]string, 1+d.IntN(4))
	for i := range labels {
		labels[i] = pick(d, "a", "b", "ab", "c", "x", "B")
	}
	return strings.Join(labels, ".") + pick(d, "", "", "", ".")
}

func (d dice) pattern() string {
	name := lower(strings.TrimSuffix(d.name(), "."))
	switch d.IntN(8) {
	case 0:
		return "=" + name
	case 1:
		return "*." + name
	case 2:
		return "*" + name
	case 3:
		return "*" + name + "*"
	case 4:
		return "keyword:" + pick(d, "a", "ab", "c")
	}
	return name
}

func (d dice) addr() netip.Addr {
	if d.IntN(3) == 0 {
		return netip.AddrFrom16([16]byte{0: 0x20, 1: 1, 15: byte(d.IntN(8))})
	}
	a := netip.AddrFrom4([4]byte{192, 0, byte(d.IntN(3)), byte(d.IntN(8))})
	if d.IntN(4) == 0 {
		return netip.AddrFrom16(a.As16())
	}
	return a
}

func (d dice) prefix() string {
	a := d.addr().Unmap()
	p, _ := a.Prefix(d.IntN(a.BitLen() + 1))
	if d.IntN(2) == 0 {
		p, _ = a.Prefix(a.BitLen() - d.IntN(4))
	}
	return p.String()
}

func (d dice) policy() *Policy {
	p := &Policy{Profile: DefaultProfile(), lists: map[string]*List{}}
	p.Profile.TrailingDot = d.IntN(2) == 0
	for _, name := range []string{"names1", "names2", "names3"} {
		l := &List{Name: name, domains: true}
		for range 1 + d.IntN(4) {
			must(l.add(d.pattern()))
		}
		p.lists[name] = l
	}
	for _, name := range []string{"nets1", "nets2", "nets3"} {
		l := &List{Name: name}
		for range 1 + d.IntN(3) {
			must(l.add(d.prefix()))
		}
		p.lists[name] = l
	}
	for range d.IntN(12) {
		r := Rule{When: d.condition(3)}
		if d.IntN(3) == 0 {
			r.Unless = d.condition(2)
		}
		p.Rules = append(p.Rules, r)
	}
	return p
}

func (d dice) condition(most int) (c Condition) {
	for range d.IntN(most + 1) {
		switch d.IntN(9) {
		case 0:
			c.SNI = d.words(d.nameWord)
		case 1:
			c.Host = d.words(d.nameWord)
		case 2:
			c.Query = d.words(d.nameWord)
		case 3:
			c.To = d.words(d.addrWord)
		case 4:
			c.From = d.words(d.addrWord)
		case 5:
			c.Protocol = []Protocol{Protocol(d.IntN(protocolCount)), Protocol(d.IntN(protocolCount))}
		case 6:
			c.Transport = []Transport{Transport(d.IntN(transportCount))}
		case 7:
			from := d.IntN(8)
			c.Port = []Range{{from, from + d.IntN(2)*d.IntN(40)}, {d.IntN(4), 4}}
		case 8:
			c.Opened = Side(d.IntN(3))
		}
	}
	return c
}

func (d dice) words(word func() string) (all []string) {
	for range 1 + d.IntN(2) {
		all = append(all, word())
	}
	return all
}

func (d dice) nameWord() string {
	if p := d.pattern(); d.IntN(2) == 0 && !strictyaml.IsLabel(p) {
		return p
	}
	return pick(d, "names1", "names2", "names3")
}

func (d dice) addrWord() string {
	if d.IntN(2) == 0 {
		return d.prefix()
	}
	return pick(d, "nets1", "nets2", "nets3")
}

func (d dice) facts() plain {
	p := plain{sni: d.name(), host: d.name(), query: d.name(), to: d.addr(), from: d.addr()}
	p.Known = FactSet(d.Uint32()|d.Uint32()) & AllFacts
	p.Transport = Transport(d.IntN(transportCount))
	p.Protocol = Protocol(d.IntN(protocolCount))
	p.Opened = Side(d.IntN(3))
	p.Port = uint16(d.IntN(50))
	return p
}

func pick(d dice, words ...string) string { return words[d.IntN(len(words))] }

func must(err error) {
	if err != nil {
		panic(err)
	}
}
