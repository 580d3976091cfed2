package rules

import "dpilab/internal/strictyaml"

// check refuses what can be read but makes no sense.
func (d *draft) check() error {
	used := map[string]bool{}
	for i := range d.own {
		if err := d.own[i].checkWords(d.Policy); err != nil {
			return err
		}
	}
	for i := range d.base {
		if err := d.checkBase(&d.base[i]); err != nil {
			return err
		}
	}
	for i := range d.Rules {
		for _, c := range d.Rules[i].conditions() {
			for _, words := range c.words() {
				for _, w := range words {
					used[w] = true
				}
			}
		}
	}
	for _, name := range d.listNames() {
		if at, own := d.places[name]; own && !used[name] {
			return at.Fail("found the list %q, which no rule names, expected a rule that does", name)
		}
	}
	for i := range d.own {
		if err := d.own[i].check(&d.Profile); err != nil {
			return err
		}
		for j := range i {
			if d.own[i].ShadowedBy(&d.own[j].Rule) {
				return d.own[i].at.Fail("found rule %q, which is never reached: rule %q in line %d takes all of its flows before",
					d.own[i].Name, d.own[j].Name, d.own[j].Line)
			}
		}
	}
	return nil
}

// conditions gives the when, and each unless.
func (r *Rule) conditions() []*Condition {
	all := []*Condition{&r.When}
	for i := range r.Unless {
		all = append(all, &r.Unless[i])
	}
	return all
}

// words gives what the condition has by the fact that it is about; the order is that of classFacts.
func (c *Condition) words() [classedFacts][]string {
	return [classedFacts][]string{c.SNI, c.Host, c.Query, c.Certificate, c.JA3, c.JA4, c.To, c.From}
}

var classKeys = [classedFacts]string{"sni", "host", "query", "certificate", "ja3", "ja4", "to", "from"}

func (r *parsedRule) checkWords(p *Policy) error {
	places := append([]strictyaml.Node{r.when}, r.unless...)
	for part, c := range r.conditions() {
		for fact, words := range c.words() {
			for i, w := range words {
				if _, err := p.wordList(wordKey(Fact(fact), w)); err != nil {
					return wordAt(places[part], classKeys[fact], i).Fail("%s", err)
				}
			}
		}
	}
	return nil
}

func wordKey(fact Fact, word string) atomKey {
	return atomKey{word, fact != FactTo && fact != FactFrom}
}

// wordAt gives the place of the value number i of a key that was read before.
func wordAt(n strictyaml.Node, key string, i int) strictyaml.Node {
	fields, _ := n.Fields("")
	f := strictyaml.Find(fields, key)
	if f == nil {
		return n
	}
	if items, err := f.OneOrMore(""); err == nil && i < len(items) {
		return items[i]
	}
	return f.Node
}

// checkBase finds lists of this file that a rule of the base cannot use.
func (d *draft) checkBase(r *Rule) error {
	for _, c := range r.conditions() {
		for fact, words := range c.words() {
			for _, w := range words {
				if _, err := d.wordList(wordKey(Fact(fact), w)); err != nil {
					return d.places[w].Fail("%s, as rule %q of %s wants", err, r.Name, r.Policy)
				}
			}
		}
	}
	return nil
}
