package rules

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"dpilab/internal/strictyaml"
)

// twin is the slow, obvious matcher: it tries every rule in turn with string functions, and knows no class.
type twin struct{ *Policy }

// plain is Facts with the names and addresses themselves in place of their classes.
type plain struct {
	Facts
	sni, host, query      string
	certificate, ja3, ja4 string
	to, from              netip.Addr
	extensions            []Extension // of the hello, each with its length
	payloads              [][]byte    // of the packets so far
	tricks                []Trick     // so far
	lost                  map[int]bool
}

// facts gives the same in the form of c.
func (p plain) facts(c *Compiled) *Facts {
	f := p.Facts
	f.SNI, f.Host, f.Query = c.Name([]byte(p.sni)), c.Name([]byte(p.host)), c.Name([]byte(p.query))
	f.Certificate, f.JA3, f.JA4 = c.Name([]byte(p.certificate)), c.Name([]byte(p.ja3)), c.Name([]byte(p.ja4))
	f.To, f.From = c.Addr(p.to), c.Addr(p.from)
	for _, s := range c.Signs().Extensions {
		if p.hasExtension(s.Extension) {
			f.Signs |= s.Bit
		}
	}
	for _, s := range c.Signs().Payloads {
		if slices.ContainsFunc(p.payloads, func(b []byte) bool {
			return !slices.ContainsFunc(s.Stretches, func(s Stretch) bool { return s.At > len(b) || !bytes.HasPrefix(b[s.At:], s.Bytes) })
		}) {
			f.Signs |= s.Bit
		}
	}
	for _, t := range p.tricks {
		f.Signs |= c.Signs().Tricks[t]
	}
	for _, x := range c.Chances() {
		if p.lost[x.Rule] {
			f.Lost |= x.Bit
		}
	}
	return &f
}

func (p *plain) hasExtension(want Extension) bool {
	return slices.ContainsFunc(p.extensions, func(e Extension) bool { return e == want || e.ID == want.ID && want.Length < 0 })
}

// hasPayload compares letters: each stretch is looked up in the hex dump of each packet.
func (p *plain) hasPayload(want Payload) bool {
	return slices.ContainsFunc(p.payloads, func(b []byte) bool {
		for part := range strings.SplitSeq(want.Stretches, ",") {
			var at int
			place, digits, _ := strings.Cut(part, ":")
			_, err := fmt.Sscan(place, &at)
			must(err)
			dump := strings.Repeat("   ", at) + strings.TrimSpace(digits)
			for i, c := range fmt.Sprintf("% x", b) + strings.Repeat(".", len(dump)) {
				if i < len(dump) && i >= 3*at && dump[i] != byte(c) {
					return false
				}
			}
		}
		return true
	})
}

func (t twin) match(p plain) int {
	for i := range t.Rules {
		if t.rule(i, p) == yes {
			return i
		}
	}
	return -1
}

func (t twin) pending(p plain) bool {
	for i := range t.Rules {
		switch t.rule(i, p) {
		case yes:
			return false
		case maybe:
			return true
		}
	}
	return false
}

func (t twin) rule(i int, p plain) answer {
	r := &t.Rules[i]
	if p.lost[i] && r.Chance.Share > 0 || p.Again && !r.Again {
		return no
	}
	result := t.condition(r.When, p)
	for _, u := range r.Unless {
		if reflect.ValueOf(u).IsZero() {
			continue
		}
		result = min(result, yes-t.condition(u, p)) // one that holds is a no
	}
	return result
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
	names(FactCertificate, c.Certificate, p.certificate)
	names(FactJA3, c.JA3, p.ja3)
	names(FactJA4, c.JA4, p.ja4)
	addrs(FactTo, c.To, p.to)
	addrs(FactFrom, c.From, p.from)
	add(len(c.Protocol) > 0, FactProtocol, func() bool { return slices.Contains(c.Protocol, p.Protocol) })
	add(len(c.Transport) > 0, FactTransport, func() bool { return slices.Contains(c.Transport, p.Transport) })
	add(c.Opened != SideUnknown, FactOpened, func() bool { return c.Opened == p.Opened })
	ranges := func(fact Fact, all []Range, v uint16) {
		add(len(all) > 0, fact, func() bool {
			return slices.ContainsFunc(all, func(r Range) bool { return r.Min <= int(v) && int(v) <= r.Max })
		})
	}
	ranges(FactPort, c.Port, p.Port)
	ranges(FactSourcePort, c.SourcePort, p.SourcePort)
	ranges(FactSize, c.Size, p.Size)
	add(len(c.Hello) > 0, FactHello, func() bool { return slices.Contains(c.Hello, p.Hello) })
	add(len(c.QUIC) > 0, FactQUIC, func() bool { return slices.Contains(c.QUIC, p.QUIC) })
	add(c.ECH != nil, FactECH, func() bool { return *c.ECH == p.ECH })
	if len(c.Extension) > 0 && !slices.ContainsFunc(c.Extension, p.hasExtension) {
		add(true, FactSigns, func() bool { return false })
	}
	if len(c.Payload) > 0 && !slices.ContainsFunc(c.Payload, p.hasPayload) {
		add(true, FactSigns, func() bool { return false })
	}
	if len(c.Trick) > 0 && !slices.ContainsFunc(c.Trick, func(t Trick) bool { return slices.Contains(p.tricks, t) }) {
		add(true, FactSigns, func() bool { return false })
	}
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
		lines = l.lines()
	}
	return slices.ContainsFunc(lines, func(line string) bool { return lineHas(line, name) })
}

func lineHas(line, name string) bool {
	if expr, ok := strings.CutPrefix(line, "regexp:"); ok {
		letters := make([]rune, len(name)) // a byte is a letter
		for i := range len(name) {
			letters[i] = rune(name[i])
		}
		return regexp.MustCompile("(?i)" + expr).MatchString(string(letters))
	}
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
	if start, ok := strings.CutSuffix(line, "*"); ok {
		return strings.HasPrefix(name, start)
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
	switch d.IntN(10) {
	case 9:
		return "regexp:" + d.expression()
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
	case 5:
		return name + "*"
	}
	return name
}

// expression gives one of few letters, with all that RE2 has.
func (d dice) expression() string {
	s := ""
	for range 1 + d.IntN(4) {
		s += pick(d, "a", "B", "ab", `\.`, ".", "[^a]", "[a-c]", `\w`, `\D`, "^", "$", `\b`, `\B`, "x?", "c*", "a+?", "(b|ab)", "(?:a.){2}", "(|x)", "(?m:^)")
		if d.IntN(6) == 0 {
			s += "|"
		}
	}
	return s
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
		var lines []string
		for range 1 + d.IntN(4) {
			lines = append(lines, d.pattern())
		}
		l, err := parseList(name, "l.domains", []byte(strings.Join(lines, "\n")))
		must(err)
		p.lists[name] = l
	}
	for _, name := range []string{"nets1", "nets2", "nets3"} {
		l := &List{Name: name}
		for range 1 + d.IntN(3) {
			must(l.add(d.prefix()))
		}
		p.lists[name] = l
	}
	most := 12
	if d.IntN(20) == 0 {
		most = 100 // more than a list is tried in turn
	}
	for range d.IntN(most) {
		r := Rule{When: d.condition(3), Again: d.IntN(3) == 0}
		for range max(0, d.IntN(6)-3) {
			r.Unless = append(r.Unless, d.condition(2))
		}
		if d.IntN(most) < 3 {
			r.Chance = Chance{0.5, ChanceOf(d.IntN(4))}
		}
		p.Rules = append(p.Rules, r)
	}
	return p
}

func (d dice) condition(most int) (c Condition) {
	for range d.IntN(most + 1) {
		switch d.IntN(20) {
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
			c.Port = []Range{{from, from + d.IntN(2)*d.IntN(40)}, {d.IntN(4), 4}, {65533 + d.IntN(3), 65535}}[:1+d.IntN(3)]
		case 8:
			c.Opened = Side(d.IntN(3))
		case 9:
			c.Certificate = d.words(d.nameWord)
		case 10:
			c.JA3 = d.words(d.nameWord)
		case 11:
			c.JA4 = d.words(d.nameWord)
		case 12:
			c.SourcePort = []Range{{d.IntN(4), 4}, {20, 20 + d.IntN(20)}}
		case 13:
			c.Size = []Range{{d.IntN(30), 30 + d.IntN(20)}, {65533, 65533 + d.IntN(3)}}[d.IntN(2):]
		case 14:
			c.Hello = []HelloKind{HelloKind(d.IntN(helloCount)), HelloKind(d.IntN(helloCount))}
		case 15:
			c.QUIC = []QUICVersion{QUICVersion(d.IntN(quicCount)), QUICVersion(d.IntN(quicCount))}
		case 16:
			ech := d.IntN(2) == 0
			c.ECH = &ech
		case 17:
			for range 1 + d.IntN(2) {
				c.Extension = append(c.Extension, d.extension(d.IntN(4)-1))
			}
		case 18:
			c.Payload = []Payload{{d.stretches()}, {d.stretches()}}[d.IntN(2):]
		case 19:
			c.Trick = []Trick{Trick(d.IntN(int(TrickCount))), Trick(d.IntN(int(TrickCount)))}
		}
	}
	return c
}

func (d dice) extension(length int) Extension { return Extension{uint16(d.IntN(3)), length} }

// stretches gives one or two that do not overlap, of the bytes 0 and 1.
func (d dice) stretches() string {
	s := fmt.Sprintf("%d: 0%d", d.IntN(2), d.IntN(2))
	if d.IntN(2) == 0 {
		s += fmt.Sprintf(", %d: 0%d 0%d", 2+d.IntN(2), d.IntN(2), d.IntN(2))
	}
	return s
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
	p.Port, p.SourcePort, p.Size = d.number(), d.number(), d.number()
	p.certificate, p.ja3, p.ja4 = d.name(), d.name(), d.name()
	p.Hello, p.QUIC, p.ECH = HelloKind(d.IntN(helloCount)), QUICVersion(d.IntN(quicCount)), d.IntN(2) == 0
	p.Again, p.lost = d.IntN(4) == 0, map[int]bool{}
	for i := range 100 {
		p.lost[i] = d.IntN(3) == 0
	}
	p.signs(d)
	return p
}

func (d dice) number() uint16 {
	if d.IntN(6) == 0 {
		return uint16(65533 + d.IntN(3))
	}
	return uint16(d.IntN(50))
}

// signs adds more of what can be seen.
func (p *plain) signs(d dice) {
	for range d.IntN(3) {
		p.extensions = append(p.extensions, d.extension(d.IntN(3)))
		p.tricks = append(p.tricks, Trick(d.IntN(int(TrickCount))))
		b := make([]byte, d.IntN(6))
		for i := range b {
			b[i] = byte(d.IntN(2))
		}
		p.payloads = append(p.payloads, b)
	}
}

func pick(d dice, words ...string) string { return words[d.IntN(len(words))] }

func must(err error) {
	if err != nil {
		panic(err)
	}
}
