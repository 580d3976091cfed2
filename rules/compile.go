package rules

import (
	"fmt"
	"net/netip"
	"slices"

	"dpilab/internal/strictyaml"
)

// Compiled is a policy in the form that a box reads: immutable, and safe for any number of goroutines.
type Compiled struct {
	Policy  *Policy
	Profile Profile
	Rules   []Rule // in the order in which they win

	tests []test
	names names
	addrs *addrs
	index *index
	reads FactSet

	signs   Signs
	chances []ChanceRule
}

type test struct{ when, unless condition }

// Name gives the class of a server name, host or question, in any case. It allocates nothing. A name of more than 255
// bytes is in no list.
func (c *Compiled) Name(name []byte) Class { return c.names.class(name) }

// Addr gives the class of an address; one that is written ::ffff:a.b.c.d is IPv4. It allocates nothing.
func (c *Compiled) Addr(a netip.Addr) Class { return c.addrs.class(a) }

// Reads gives the facts that at least one rule asks for.
func (c *Compiled) Reads() FactSet { return c.reads }

// Compile makes the policy fast. The policy must not change afterwards. An error names the rule that cannot be compiled;
// a policy that Parse gave has none except too many lists with stars.
func (p *Policy) Compile() (*Compiled, error) {
	b := compiler{
		policy: p,
		atoms:  map[atomKey]wanted{},
		names:  newNamesBuilder(p.Profile.TrailingDot),
		sets:   newClasses(),
		own:    map[netip.Prefix]uint32{},
	}
	c := &Compiled{Policy: p, Profile: p.Profile, Rules: p.Rules, tests: make([]test, len(p.Rules))}
	for i := range p.Rules {
		r := &p.Rules[i]
		var err error
		if c.tests[i].when, err = b.condition(&r.When); err == nil {
			c.tests[i].unless, err = b.condition(&r.Unless)
		}
		if err != nil {
			return nil, r.fail(err.Error())
		}
		c.reads |= c.tests[i].when.facts | c.tests[i].unless.facts
	}
	c.names, c.addrs = b.names.build(), newAddrs(b.sets, b.own)
	c.names.classes.forget()
	c.addrs.classes.forget()
	all := make([]int32, len(c.Rules))
	for i := range all {
		all[i] = int32(i)
	}
	c.index = c.newIndex(all, 0)
	return c, nil
}

// fail makes an error that names the rule and its place.
func (r *Rule) fail(text string) error {
	return &Error{File: r.file, Line: r.Line, Text: fmt.Sprintf("rule %s: %s", r.Name, text)}
}

type compiler struct {
	policy *Policy
	atoms  map[atomKey]wanted // what a word wants, without the fact
	names  namesBuilder
	sets   *classes // of addresses
	own    map[netip.Prefix]uint32
	wild   int
	last   uint32
}

// atomKey is a word of a rule: of names, or of addresses.
type atomKey struct {
	word  string
	names bool
}

func (b *compiler) condition(from *Condition) (condition, error) {
	w := condition{opened: from.Opened, ports: from.Port}
	for _, p := range from.Protocol {
		w.protocols |= 1 << p
		w.facts = w.facts.With(FactProtocol)
	}
	for _, t := range from.Transport {
		w.transports |= 1 << t
		w.facts = w.facts.With(FactTransport)
	}
	if from.Opened != SideUnknown {
		w.facts = w.facts.With(FactOpened)
	}
	if len(from.Port) > 0 {
		w.facts = w.facts.With(FactPort)
	}
	for _, r := range from.Port {
		if r.Min < 0 || r.Min > r.Max || r.Max > 65535 {
			return w, fmt.Errorf("ports %d..%d, expected 0..65535", r.Min, r.Max)
		}
	}
	for fact, words := range from.words() {
		if len(words) == 0 {
			continue
		}
		w.facts = w.facts.With(Fact(fact))
		x, err := b.wanted(Fact(fact), words)
		if err != nil {
			return w, err
		}
		w.wanted = append(w.wanted, x)
	}
	return w, nil
}

func (b *compiler) wanted(fact Fact, words []string) (wanted, error) {
	all := wanted{fact: fact}
	for _, word := range words {
		k := wordKey(fact, word)
		x, ok := b.atoms[k]
		if !ok {
			var err error
			if x, err = b.atom(k); err != nil {
				return all, err
			}
			b.atoms[k] = x
		}
		all.atoms = append(all.atoms, x.atoms...)
		all.wild |= x.wild
	}
	slices.Sort(all.atoms)
	all.atoms = slices.Compact(all.atoms)
	return all, nil
}

// atom enters a list, or what is written in a rule, into the indexes.
func (b *compiler) atom(k atomKey) (wanted, error) {
	l, err := b.policy.wordList(k)
	if err != nil {
		return wanted{}, err
	}
	x := wanted{atoms: []uint32{b.last}}
	b.last++
	if !k.names {
		one := b.sets.single(x.atoms[0])
		for _, p := range l.Prefixes {
			b.own[p] = b.sets.union(b.own[p], one)
		}
		return x, nil
	}
	one := b.names.classes.single(x.atoms[0])
	for _, p := range l.patterns {
		if p.form >= formEnds && x.wild == 0 {
			if b.wild == maxWild {
				return x, fmt.Errorf("%q is one too many: at most %d lists and rules of a policy may use stars and keywords; put some together in one list",
					k.word, maxWild)
			}
			x.wild = 1 << b.wild
			b.wild++
		}
		b.names.add(p, one, x.wild)
	}
	return x, nil
}

// wordList gives the list that a word of a rule means: the one of that name, or one of what the word itself describes.
func (p *Policy) wordList(k atomKey) (*List, error) {
	if l := p.lists[k.word]; l != nil {
		if l.domains != k.names {
			return nil, fmt.Errorf("found %q, a list of %s, expected one of %s", k.word, kind(l.domains), kind(k.names))
		}
		return l, nil
	}
	l := &List{Name: k.word, domains: k.names}
	if strictyaml.IsLabel(k.word) && !looksLikePrefix(k.word) {
		return nil, fmt.Errorf("found %q, which is no list here, expected a list's name or values%s", k.word, strictyaml.Suggest(k.word, p.listNames()))
	}
	return l, l.add(k.word)
}

func kind(domains bool) string {
	if domains {
		return "domains"
	}
	return "prefixes"
}

func (p *Policy) listNames() []string {
	var all []string
	for name := range p.lists {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// List gives the list of that name, or nil.
func (p *Policy) List(name string) *List { return p.lists[name] }
