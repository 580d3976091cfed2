package trace

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"dpilab/internal/strictyaml"
)

var headKeys = []string{
	"observation", "about", "source", "confidence", "behaviour", "date", "policy", "seed", "repeat", "path", "box", "client", "server",
	"ipv6", "live",
}

var confidences = []string{"P", "P2", "C", "D", "A", "MEM", "choice"}

var gap = regexp.MustCompile(`\s{2,}`)

// head reads a line of the head, with its fields two or more spaces apart.
func (p *parser) head(l line, block *inline) error {
	p.headSeen = true
	text := l.text
	if i := strings.Index(text, " #"); i >= 0 {
		text = strings.TrimRight(text[:i], " \t")
	}
	from := l.indent
	var used bool
	for _, cut := range append(gap.FindAllStringIndex(text[l.indent:], -1), []int{len(text) - l.indent, len(text) - l.indent}) {
		field := text[from : l.indent+cut[0]]
		at := place{l.number, from + 1}
		from = l.indent + cut[1]
		if field == "" {
			continue
		}
		key, value, _ := strings.Cut(field, " ")
		if !slices.Contains(headKeys, key) {
			return fail(p.file, at, "found %q, expected a field of the head (%s)%s", key, strictyaml.OrList(headKeys), strictyaml.Suggest(key, headKeys))
		}
		for _, w := range strings.Fields(value) {
			if key != "about" && key != "live" && key != "box" && key != "path" && slices.Contains(headKeys, w) {
				return fail(p.file, at, "found %q within the field %s, expected two spaces between fields", w, key)
			}
		}
		words, err := scan(p.file, l.number, strings.Repeat(" ", at.column-1)+field)
		if err != nil {
			return err
		}
		words.i++
		var mine *inline
		if block != nil && strings.HasSuffix(field, "with:") {
			mine, used = block, true
		}
		if err := p.headField(key, strings.TrimSpace(value), at, words, mine); err != nil {
			return err
		}
	}
	if block != nil && !used {
		return fail(p.file, place{block.first, 1}, "found an indented line, expected with: in the line before it")
	}
	return nil
}

func (p *parser) headField(key, value string, at place, s *scanner, block *inline) (err error) {
	t := p.t
	if value == "" && key != "ipv6" {
		return fail(p.file, at, "found %s without a value", key)
	}
	switch key {
	case "observation":
		t.IDs = strings.Fields(strings.ReplaceAll(value, ",", " "))
	case "about":
		t.About = value
	case "source":
		t.Source = value
	case "confidence":
		if t.Confidence = value; !slices.Contains(confidences, value) {
			return fail(p.file, at, "found %q, expected %s", value, strictyaml.OrList(confidences))
		}
	case "behaviour":
		t.Behaviour = value
	case "date":
		t.Date = value
	case "policy":
		t.boxes[""], err = p.policyAfter(s, block)
	case "box":
		name := s.next().text
		t.boxes[name], err = p.policyAfter(s, block)
	case "seed":
		t.Seed, err = strconv.ParseUint(value, 10, 63)
		if err != nil {
			return fail(p.file, at, "found %q, expected a whole number", value)
		}
	case "repeat":
		t.Repeat, err = s.number("a number of runs", 1, 10_000)
	case "path":
		err = p.path(value, at)
	case "client":
		t.client, err = clientOf(p.file, s.next())
	case "server":
		t.server, err = serverOf(p.file, s.next())
	case "ipv6":
		t.ipv6 = true
	case "live":
		why, ok := strings.CutPrefix(value, "no:")
		if t.noLive = strings.TrimSpace(why); !ok || t.noLive == "" {
			return fail(p.file, at, "found %q, expected live no: and a reason", value)
		}
		return nil
	}
	if err == nil && slices.Contains([]string{"policy", "box", "repeat", "client", "server"}, key) && s.more() {
		err = s.expected(s.peek(), "the end of the field")
	}
	return err
}

// policyAfter reads NAME [with:], or with: alone.
func (p *parser) policyAfter(s *scanner, block *inline) (policyRef, error) {
	w := word{at: s.peek().at}
	if s.peek().text != "with:" {
		w = s.next()
	}
	if w.text == "" && s.peek().text != "with:" {
		return policyRef{}, s.expected(w, "the name of a policy, or with:")
	}
	if s.take("with:") && block == nil {
		return policyRef{}, fail(p.file, s.end, "found with: and no deeper indented lines, expected what differs from the policy")
	}
	return p.readPolicy(w, block)
}

func (p *parser) path(value string, at place) error {
	const what = "client, N hops, box, ..., server"
	parts := strings.Split(value, ",")
	for i := range parts {
		parts[i] = strings.Join(strings.Fields(parts[i]), " ")
	}
	if len(parts) < 2 || parts[0] != "client" || parts[len(parts)-1] != "server" {
		return fail(p.file, at, "found path %s, expected %s", value, what)
	}
	p.t.way = []wayPoint{}
	for _, part := range parts[1 : len(parts)-1] {
		f := strings.Fields(part)
		switch {
		case len(f) == 2 && (f[1] == "hops" || f[1] == "hop"):
			n, err := strconv.Atoi(f[0])
			if err != nil || n < 0 || n > 100 {
				return fail(p.file, at, "found %q, expected 0 to 100 hops", part)
			}
			p.t.way = append(p.t.way, wayPoint{hops: n, box: routers})
		case len(f) >= 1 && len(f) <= 2 && f[0] == "box":
			p.t.way = append(p.t.way, wayPoint{box: strings.Join(f[1:], "")})
		default:
			return fail(p.file, at, "found %q, expected %s", part, what)
		}
	}
	return nil
}

// finish checks what the whole file says.
func (p *parser) finish() error {
	t := p.t
	if t.way == nil {
		t.way = []wayPoint{{box: ""}}
	}
	for _, w := range t.way {
		if w.box != routers && t.boxes[w.box].compiled == nil {
			if t.boxes[w.box] = t.boxes[""]; t.boxes[w.box].compiled == nil {
				return fail(p.file, place{line: 1}, "found no policy for box %s, expected a line such as: policy 2025-home", w.box)
			}
		}
	}
	if t.Confidence == "" || t.Source == "" {
		return fail(p.file, place{line: 1}, "found a head without source and confidence, expected both, as in: source IMC22  confidence P")
	}
	return nil
}

// clientOf reads ADDRESS, :PORT or both.
func clientOf(file string, w word) (netip.AddrPort, error) {
	if a, err := netip.ParseAddr(w.text); err == nil {
		return netip.AddrPortFrom(a, 0), nil
	}
	if a, err := netip.ParseAddrPort(w.text); err == nil {
		return a, nil
	}
	if port, ok := strings.CutPrefix(w.text, ":"); ok {
		if n, err := strconv.ParseUint(port, 10, 16); err == nil {
			return netip.AddrPortFrom(netip.Addr{}, uint16(n)), nil
		}
	}
	return netip.AddrPort{}, fail(file, w.at, "found %q, expected an address, :port or both", w.text)
}

// serverOf reads the same, or the name of a list with or without a port.
func serverOf(file string, w word) (serverSpec, error) {
	if a, err := clientOf(file, w); err == nil {
		return serverSpec{addr: a.Addr(), port: a.Port(), at: w.at}, nil
	}
	list, port, found := strings.Cut(w.text, ":")
	list, more, _ := strings.Cut(list, "+")
	spec := serverSpec{list: list, at: w.at}
	if more != "" {
		n, err := strconv.ParseUint(more, 10, 16)
		if err != nil {
			return spec, fail(file, w.at, "found %q, expected a whole number behind +", w.text)
		}
		spec.more = int(n)
	}
	if found {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return spec, fail(file, w.at, "found %q, expected an address or a list of the policy, with or without a port", w.text)
		}
		spec.port = uint16(n)
	}
	if list == "" {
		return spec, fail(file, w.at, "found %q, expected an address or a list of the policy, with or without a port", w.text)
	}
	return spec, nil
}
