package desync

import (
	"fmt"
	"slices"
	"strings"
)

// stepReaders reads what stands behind the first word of a step.
var stepReaders = map[string]func(*reader, *Strategy){
	"window":  func(r *reader, s *Strategy) { s.window = r.number("window", 1, 65535) },
	"mss":     func(r *reader, s *Strategy) { s.mss = r.number("mss", 88, 1460) },
	"syndata": func(r *reader, s *Strategy) { p := r.payload(streamPayloads); s.syn = &p },

	"x25519":      func(_ *reader, s *Strategy) { s.x25519 = true },
	"tls12":       func(_ *reader, s *Strategy) { s.tls12 = true },
	"padding":     func(r *reader, s *Strategy) { s.padding = r.number("padding", 2, 8000) },
	"alert":       func(r *reader, s *Strategy) { s.alerts = r.optional(1, 1, 5) },
	"tlsrec":      func(r *reader, s *Strategy) { s.records = r.places() },
	"hostcase":    func(r *reader, s *Strategy) { r.spell(s, "host") },
	"hostspell":   readSpell,
	"domcase":     func(_ *reader, s *Strategy) { s.http.domcase = true },
	"hostdot":     func(_ *reader, s *Strategy) { s.http.dot = true },
	"hosttab":     func(_ *reader, s *Strategy) { s.http.tab = true },
	"hostnospace": func(_ *reader, s *Strategy) { s.http.noSpace = true },
	"hostspace":   func(_ *reader, s *Strategy) { s.http.twoSpace = true },
	"methodspace": func(_ *reader, s *Strategy) { s.http.methodSpace = true },

	"fake":     func(r *reader, s *Strategy) { s.fakes = append(s.fakes, r.fake(streamPayloads, streamWhy)) },
	"split":    readSplit,
	"disorder": readDisorder,
	"oob":      func(r *reader, s *Strategy) { p := r.place(); s.oob = &p },
	"seqovl":   func(r *reader, s *Strategy) { s.overlap = r.number("seqovl", 1, 1400) },
	"delay":    func(r *reader, s *Strategy) { s.delay = r.duration() },
	"ipfrag":   func(r *reader, s *Strategy) { s.fragment = r.fragment() },

	"udpfake": func(r *reader, s *Strategy) { s.udpFakes = append(s.udpFakes, r.fake(datagramPayloads, datagramWhy)) },
	"udpfrag": func(r *reader, s *Strategy) { s.udpFragment = r.fragment() },
	"sport":   func(r *reader, s *Strategy) { s.sourcePort = r.number("sport", 1, 65535) },
}

// repeatable are the steps that may stand more than once.
var repeatable = []string{"fake", "udpfake"}

// Parse reads a strategy from its text: steps, joined by semicolons. The empty text does nothing. Errors say what was found and what was
// expected.
func Parse(text string) (Strategy, error) {
	var s Strategy
	seen := map[string]bool{}
	if strings.TrimSpace(text) == "" {
		return s, nil
	}
	for i, part := range strings.Split(text, ";") {
		r := &reader{words: strings.Fields(part)}
		if len(r.words) == 0 {
			return Strategy{}, fmt.Errorf("desync %q: step %d is empty; expected one of: %s", text, i+1, stepNames())
		}
		name := r.next()
		read, ok := stepReaders[name]
		switch {
		case !ok:
			return Strategy{}, fmt.Errorf("desync %q: unknown step %q; expected one of: %s", text, name, stepNames())
		case seen[name] && !slices.Contains(repeatable, name):
			return Strategy{}, fmt.Errorf("desync %q: %s stands twice; expected once", text, name)
		}
		seen[name] = true
		if read(r, &s); r.err == nil && r.more() {
			r.fail("the end of the step")
		}
		if r.err != nil {
			return Strategy{}, fmt.Errorf("desync %q: %s: %w", text, name, r.err)
		}
	}
	if err := conflict(seen, s); err != nil {
		return Strategy{}, fmt.Errorf("desync %q: %w", text, err)
	}
	return s, nil
}

// Must is Parse for texts that are known to be right; it panics where they are not.
func Must(text string) Strategy {
	s, err := Parse(text)
	if err != nil {
		panic(err)
	}
	return s
}

// conflict finds steps that cannot stand together.
func conflict(seen map[string]bool, s Strategy) error {
	for _, pair := range [][2]string{{"split", "disorder"}, {"hostcase", "hostspell"}, {"hostnospace", "hostspace"}, {"seqovl", "disorder"}} {
		if seen[pair[0]] && seen[pair[1]] {
			return fmt.Errorf("%s and %s stand together; expected one of them", pair[0], pair[1])
		}
	}
	if seen["delay"] && len(s.cuts) == 0 && s.oob == nil {
		return fmt.Errorf("delay without segments to wait between; expected a split, disorder or oob besides")
	}
	if seen["window"] && s.window < leastWindow && len(s.cuts) == 0 && s.oob == nil {
		return fmt.Errorf("window %d, of which the second segment tells the server; expected a split, disorder or oob besides, or %d at least",
			s.window, leastWindow)
	}
	return nil
}

func stepNames() string {
	var names []string
	for n := range stepReaders {
		names = append(names, n)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func readSplit(r *reader, s *Strategy) { s.cuts = r.places() }

func readDisorder(r *reader, s *Strategy) {
	s.cuts, s.order = r.places(), reversed
	if r.take("ttl") {
		s.order, s.firstTTL = expiring, r.ttl()
	}
}

func readSpell(r *reader, s *Strategy) {
	const want = "host in any mix of cases, such as HoSt"
	if !r.need(want) {
		return
	}
	if !strings.EqualFold(r.words[0], "host") {
		r.fail(want)
		return
	}
	r.spell(s, r.next())
}

func (r *reader) spell(s *Strategy, name string) { s.http.spell = name }
