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
