package rules

import "fmt"

func (c *Compiled) indexStats() (all []IndexStats) {
	add := func(of, structure string, values, rules int, bytes int64) {
		if values > 0 {
			all = append(all, IndexStats{of, structure, values, rules, bytes})
		}
	}
	n := &c.names
	add("names", "table of suffixes", n.suffixes.count, 0, n.suffixes.bytes())
	for i := range n.big {
		add("names", "table of suffixes of one list, which has its bytes", n.big[i].count, 0, 0)
	}
	if a := n.pieces; a != nil {
		add("names", "automaton of stars, by states", len(a.found), 0, bytesOf(a.next)+bytesOf(a.found))
	}
	add("names", "keywords", len(n.labels), 0, 0)
	if x := n.regexps; x != nil {
		states, bytes := 0, int64(0)
		for _, t := range x.tables {
			states += len(t.found)
			bytes += bytesOf(t.next) + bytesOf(t.found) + bytesOf(t.end)
		}
		add("names", "automatons of regular expressions, by states", states, 0, bytes)
		states, bytes = 0, 0
		for _, m := range x.slow {
			states += len(m.steps)
			bytes += bytesOf(m.steps) + bytesOf(m.bits)
		}
		add("names", "regular expressions too large for automatons, by steps", states, 0, bytes)
	}
	add("names", "classes", len(n.classes.members)-1, 0, n.classes.bytes())
	a := c.addrs
	add("addresses", "intervals", len(a.four.all)+len(a.six.all)+len(a.inner), 0, a.four.bytes()+a.six.bytes()+bytesOf(a.inner))
	add("addresses", "classes", len(a.classes.members)-1, 0, a.classes.bytes())
	x := c.index
	for i := range x.classed {
		p := &x.classed[i]
		add("rules by "+factNames[p.fact], structured("lists by value", p.subs()), len(p.bunches)+len(p.wild), len(p.all), p.bytes())
	}
	for i := range x.ranged {
		p := &x.ranged[i]
		add("rules by "+factNames[p.fact], structured("tree of ranges", p.subs()), len(p.cuts), len(p.all), p.bytes())
	}
	structure := "list, tried in turn"
	if len(x.rest.rows) > 0 {
		structure = "rows of bits"
	}
	add("rules by nothing rare", structure, len(x.rest.rules), len(x.rest.rules), x.rest.bytes())
	return all
}

func structured(what string, subs int) string {
	if subs == 0 {
		return what
	}
	return fmt.Sprintf("%s, %d of them with indexes of their own", what, subs)
}

func (c *classes) bytes() int64 {
	n := bytesOf(c.members)
	for _, set := range c.members {
		n += bytesOf(set)
	}
	return n
}

func (x *intervals) bytes() int64 { return bytesOf(x.all) + bytesOf(x.top) + bytesOf(x.index) }

// bytes is what the index is made of. Lists are parts of others', and count once.
func (x *index) bytes() (n int64) {
	if x == nil {
		return 0
	}
	for i := range x.classed {
		n += x.classed[i].bytes()
	}
	for i := range x.ranged {
		n += x.ranged[i].bytes()
	}
	return n + x.rest.bytes()
}

func (t *table) bytes() int64 {
	n := bytesOf(t.rules) + bytesOf(t.rows)
	for i := range t.rows {
		n += bytesOf(t.rows[i].bits)
	}
	return n
}

func (b *bunch) bytes() int64 { return bytesOf(b.list) + b.sub.bytes() }

func (p *postings) bytes() int64 {
	n := bytesOf(p.places.near) + bytesOf(p.places.atoms) + bytesOf(p.bunches) + bytesOf(p.wild) + bytesOf(p.all) + p.hidden.bytes()
	for i := range p.bunches {
		n += p.bunches[i].bytes()
	}
	for i := range p.wild {
		n += p.wild[i].bytes()
	}
	return n
}

func (x *stretches) bytes() int64 {
	n := bytesOf(x.cuts) + bytesOf(x.nodes) + bytesOf(x.all) + x.hidden.bytes()
	for i := range x.nodes {
		n += x.nodes[i].bytes()
	}
	return n
}

// subs is how many values have indexes of their own.
func (p *postings) subs() (n int) {
	for i := range p.bunches {
		n += p.bunches[i].subs()
	}
	for i := range p.wild {
		n += p.wild[i].subs()
	}
	return n
}

func (x *stretches) subs() (n int) {
	for i := range x.nodes {
		n += x.nodes[i].subs()
	}
	return n
}

func (b *bunch) subs() int {
	if b.sub != nil {
		return 1
	}
	return 0
}

// factNames are the words that policy files use.
var factNames = [factCount]string{"sni", "host", "query", "certificate", "ja3", "ja4", "to", "from", "protocol", "port", "source port",
	"transport", "opened", "hello", "ech", "quic", "size", "signs"}
