package rules

import (
	"fmt"
	"slices"

	"dpilab/internal/strictyaml"
)

// atomKey is a word of a rule: of names, or of addresses.
type atomKey struct {
	word  string
	names bool
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
		one := b.addrs.classes.single(x.atoms[0])
		b.addrs.grow(l.Prefixes)
		for _, p := range l.Prefixes {
			b.addrs.add(p, one)
		}
		return x, nil
	}
	one := b.names.classes.single(x.atoms[0])
	for _, p := range l.patterns {
		if p.form >= formEnds && x.wild == 0 {
			if b.wild == maxWild {
				return x, fmt.Errorf("%q is one too many: at most %d lists and rules of a policy may use stars, keywords and regular expressions; put some together in one list",
					k.word, maxWild)
			}
			x.wild = b.bit()
		}
		if err := b.names.add(p, one, x.wild); err != nil {
			return x, err
		}
	}
	if l.suffixes.count >= bigList && (x.wild != 0 || b.spare > 0) {
		if x.wild == 0 {
			b.spare--
			x.wild = b.bit()
		}
		b.names.big = append(b.names.big, bigNames{&l.suffixes, x.wild})
		return x, nil
	}
	l.suffixes.each(func(hits, name []byte) { b.names.addSuffix(string(name), hits[0], one) })
	return x, nil
}

// bigList is how many names a list must have to be kept in a table of its own, if a bit is left for it (choice): below, what it costs to
// merge it with others is too little to be seen, and a table more is one more to look at for every name.
var bigList = 4096

func (b *compiler) bit() uint32 {
	b.wild++
	return 1 << (b.wild - 1)
}

// spareBits gives how many bits those that use stars, keywords and expressions leave to big lists.
func (p *Policy) spareBits() int {
	starred := map[string]bool{}
	for i := range p.Rules {
		for _, c := range p.Rules[i].conditions() {
			for fact, words := range c.words() {
				for _, w := range words {
					if k := wordKey(Fact(fact), w); k.names {
						starred[w] = starred[w] || p.hasStars(w)
					}
				}
			}
		}
	}
	spare := maxWild
	for _, yes := range starred {
		if yes {
			spare--
		}
	}
	return max(spare, 0)
}

func (p *Policy) hasStars(word string) bool {
	if l := p.lists[word]; l != nil {
		return slices.ContainsFunc(l.patterns, func(p pattern) bool { return p.form >= formEnds })
	}
	one, err := parsePattern(word)
	return err == nil && one.form >= formEnds
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
	if strictyaml.IsLabel(k.word) && !looksLikePrefix(k.word) && !looksLikeJA3(k.word) {
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
