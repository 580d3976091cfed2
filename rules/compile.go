package rules

import (
	"fmt"
	"net/netip"
	"runtime"
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
	short int // rules of a list that are tried in turn

	signs   Signs
	chances []ChanceRule
}

// test is a rule in the form that is quick to try.
type test struct {
	when   condition
	unless []condition
	lost   uint64 // its bit in Facts.Lost
	again  bool
}

// Name gives the class of a server name, host or question, in any case. It allocates nothing. A name of more than 255
// bytes is in no list.
func (c *Compiled) Name(name []byte) Class {
	class := c.names.class(name)
	runtime.KeepAlive(c) // lists in files that are mapped: they go with c
	return class
}

// Addr gives the class of an address; one that is written ::ffff:a.b.c.d is IPv4. It allocates nothing.
func (c *Compiled) Addr(a netip.Addr) Class { return c.addrs.class(a) }

// Reads gives the facts that at least one rule asks for.
func (c *Compiled) Reads() FactSet { return c.reads }

// Compile makes the policy fast. The policy must not change afterwards. An error names the rule that cannot be compiled;
// a policy that Parse gave has none except too many lists with stars.
func (p *Policy) Compile() (*Compiled, error) { return p.compile(shortList) }

func (p *Policy) compile(short int) (*Compiled, error) {
	b := compiler{
		policy: p,
		signs:  signsBuilder{payloads: map[string]uint64{}},
		atoms:  map[atomKey]wanted{},
		names:  newNamesBuilder(p.Profile.TrailingDot),
		addrs:  addrsBuilder{classes: newClasses()},
		spare:  p.spareBits(),
	}
	c := &Compiled{Policy: p, Profile: p.Profile, Rules: p.Rules, short: short, tests: make([]test, len(p.Rules))}
	for i := range p.Rules {
		r := &p.Rules[i]
		var err error
		if c.tests[i], err = b.test(r); err == nil {
			err = c.drawn(i)
		}
		if err != nil {
			return nil, r.fail(err.Error())
		}
		c.reads |= c.tests[i].reads()
	}
	c.signs = b.signs.Signs
	var err error
	if c.names, err = b.names.build(); err != nil {
		return nil, &Error{File: p.File, Text: err.Error()}
	}
	c.addrs = b.addrs.build()
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
	addrs  addrsBuilder
	wild   int
	spare  int // bits that big lists may have
	last   uint32
	signs  signsBuilder
}

func (b *compiler) test(r *Rule) (t test, err error) {
	t.again = r.Again
	if t.when, err = b.condition(&r.When); err != nil {
		return t, err
	}
	for i := range r.Unless {
		if r.Unless[i].none() {
			continue
		}
		w, err := b.condition(&r.Unless[i])
		if err != nil {
			return t, err
		}
		t.unless = append(t.unless, w)
	}
	return t, nil
}

// reads gives the facts that the rule asks for.
func (t *test) reads() FactSet {
	all := t.when.reads()
	for i := range t.unless {
		all |= t.unless[i].reads()
	}
	return all
}

func (b *compiler) condition(from *Condition) (condition, error) {
	w := condition{
		protocols: bitsOf(from.Protocol), transports: bitsOf(from.Transport), opened: from.Opened,
		hellos: bitsOf(from.Hello), quic: bitsOf(from.QUIC),
		ports: from.Port, sourcePorts: from.SourcePort, sizes: from.Size,
	}
	if from.ECH != nil {
		w.ech = *from.ECH
	}
	for _, x := range []struct {
		fact  Fact
		asked bool
	}{
		{FactProtocol, len(from.Protocol) > 0}, {FactTransport, len(from.Transport) > 0}, {FactOpened, from.Opened != SideUnknown},
		{FactPort, len(from.Port) > 0}, {FactSourcePort, len(from.SourcePort) > 0}, {FactSize, len(from.Size) > 0},
		{FactHello, len(from.Hello) > 0}, {FactECH, from.ECH != nil}, {FactQUIC, len(from.QUIC) > 0},
	} {
		if x.asked {
			w.facts = w.facts.With(x.fact)
		}
	}
	for _, ranges := range [][]Range{from.Port, from.SourcePort, from.Size} {
		for _, r := range ranges {
			if r.Min < 0 || r.Min > r.Max || r.Max > 65535 {
				return w, fmt.Errorf("the range %d..%d, expected 0..65535", r.Min, r.Max)
			}
		}
	}
	if err := b.signs.ask(from, &w); err != nil {
		return w, err
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
