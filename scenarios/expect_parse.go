package scenarios

import (
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"dpilab/internal/strictyaml"
	"dpilab/lab/probe"
)

// phrases is the grammar of expectations, for messages.
const phrases = "ok, nxdomain, no answer, refused, unreachable, timeout, throttled, blockpage, skipped; reset, closed or silent [after STAGE]; " +
	"stalled [at A..B bytes]; loss or rate < N %, > N % or A..B %; resolved to HOST; hops N or hops NAME NAME ..."

// firstWords begin a phrase.
var firstWords = []string{
	"ok", "nxdomain", "no", "refused", "unreachable", "timeout", "throttled", "blockpage", "skipped", "reset", "closed", "silent",
	"stalled", "loss", "rate", "resolved", "hops",
}

var stages = []probe.Stage{
	probe.StageConnect, probe.StageHello, probe.StageInitial, probe.StageRequest, probe.StageOpening, probe.StageMessage, probe.StageSTUN, probe.StageTunnel, probe.StageHandshake,
}

// phrase is an expectation that is being read, word by word.
type phrase struct {
	text string
	rest string // what is not read yet
}

// ParseExpectation reads one phrase, such as "ok", "reset after ClientHello", "loss > 30 %", "rate 15..35 %",
// "resolved to HOST" or "hops isp border neutral".
func ParseExpectation(text string) (Expectation, error) {
	p := &phrase{text: text, rest: text}
	e, err := p.read()
	if err != nil {
		return Expectation{}, err
	}
	if more := strings.TrimSpace(p.rest); more != "" {
		return Expectation{}, phraseFail(p.here(), "found %q after %q, expected the end of the expectation", more, strings.TrimSpace(text[:p.here()]))
	}
	e.text = strings.Join(strings.Fields(text), " ")
	return e, nil
}

func (p *phrase) read() (Expectation, error) {
	at := p.here()
	first := p.word()
	e := Expectation{Kind: probe.Kind(first)}
	switch first {
	case "ok", "nxdomain", "refused", "unreachable", "throttled", "blockpage", "skipped":
		return e, nil
	case "no":
		e.Kind = probe.NoAnswer
		return e, p.exactly("answer")
	case "timeout", "reset", "closed", "silent":
		return e, p.after(&e)
	case "stalled":
		if p.peek() == "" {
			return e, nil
		}
		return e, p.stalled(&e)
	case "loss", "rate":
		e.Kind, e.Measure = "", Measure(first)
		return e, p.percent(&e)
	case "resolved":
		return p.resolved()
	case "hops":
		return p.hops()
	}
	return e, phraseFail(at, "found %q, expected an outcome: %s%s", first, phrases, strictyaml.Suggest(first, firstWords))
}

// here is how many letters come before the next word.
func (p *phrase) here() int {
	return len(p.text) - len(strings.TrimLeft(p.rest, " "))
}

// word takes the next word. Signs and numbers are words of their own, so that "loss>30%" is read too.
func (p *phrase) word() string {
	p.rest = strings.TrimLeft(p.rest, " ")
	end := strings.IndexAny(p.rest, " <>%")
	switch {
	case end < 0:
		end = len(p.rest)
	case end == 0 && p.rest != "":
		end = 1
	}
	w := p.rest[:end]
	p.rest = p.rest[end:]
	return w
}

func (p *phrase) peek() string {
	saved := p.rest
	defer func() { p.rest = saved }()
	return p.word()
}

func (p *phrase) exactly(want string) error {
	at := p.here()
	if w := p.word(); w != want {
		return phraseFail(at, "found %q, expected %q", w, want)
	}
	return nil
}

// after reads "[after STAGE]".
func (p *phrase) after(e *Expectation) error {
	if p.peek() == "" {
		return nil
	}
	if err := p.exactly("after"); err != nil {
		return err
	}
	at := p.here()
	e.Stage = probe.Stage(p.word())
	if !slices.Contains(stages, e.Stage) {
		words := make([]string, len(stages))
		for i, s := range stages {
			words[i] = string(s)
		}
		return phraseFail(at, "found %q, expected a stage: %s%s", e.Stage, strictyaml.OrList(words), strictyaml.Suggest(string(e.Stage), words))
	}
	return nil
}

// stalled reads "at N bytes" or "at A..B bytes".
func (p *phrase) stalled(e *Expectation) error {
	if err := p.exactly("at"); err != nil {
		return err
	}
	e.Measure = MeasureBytes
	if err := p.numbers(e, math.MaxInt64, "a number of bytes, such as 16384 or 14000..24000"); err != nil {
		return err
	}
	return p.exactly("bytes")
}

// percent reads "< N %", "> N %", "A..B %".
func (p *phrase) percent(e *Expectation) error {
	switch p.peek() {
	case "<", ">":
		sign := p.word()
		if err := p.numbers(e, 1000, "a number of percent"); err != nil {
			return err
		}
		if e.Low != e.High {
			return phraseFail(p.here(), "found a range after %q, expected one number", sign)
		}
		e.Strict = true
		if sign == "<" {
			e.Low = math.Inf(-1)
		} else {
			e.High = math.Inf(1)
		}
	default:
		if err := p.numbers(e, 1000, "< N %, > N % or A..B %"); err != nil {
			return err
		}
	}
	return p.exactly("%")
}

// numbers reads "N" or "A..B".
func (p *phrase) numbers(e *Expectation, most float64, what string) error {
	at := p.here()
	w := p.word()
	low, high, both := strings.Cut(w, "..")
	if !both {
		high = low
	}
	var err1, err2 error
	e.Low, err1 = strconv.ParseFloat(low, 64)
	e.High, err2 = strconv.ParseFloat(high, 64)
	// A range that no comparison holds for, as with NaN, is refused as well.
	if err1 != nil || err2 != nil || !(0 <= e.Low && e.Low <= e.High && e.High <= most) {
		return phraseFail(at, "found %q, expected %s", w, what)
	}
	return nil
}

func (p *phrase) resolved() (Expectation, error) {
	if err := p.exactly("to"); err != nil {
		return Expectation{}, err
	}
	at := p.here()
	e := Expectation{Kind: probe.OK, Host: p.word()}
	if a, err := netip.ParseAddr(e.Host); err == nil {
		e.Host, e.Addr = "", a
	} else if e.Host == "" {
		return e, phraseFail(at, "found nothing after \"resolved to\", expected a host of the lab or an address")
	}
	return e, nil
}

// hops reads a number, or the names of the hosts on the way.
func (p *phrase) hops() (Expectation, error) {
	e := Expectation{Kind: probe.OK}
	at := p.here()
	if n, err := strconv.Atoi(p.peek()); err == nil {
		p.word()
		if n < 1 || n > probe.MaxHops {
			return e, phraseFail(at, "found %d, expected 1 to %d hops", n, probe.MaxHops)
		}
		e.Measure, e.Low, e.High = MeasureHops, float64(n), float64(n)
		return e, nil
	}
	for p.peek() != "" {
		e.Hops = append(e.Hops, p.word())
	}
	if len(e.Hops) == 0 {
		return e, phraseFail(at, "found nothing after \"hops\", expected a number or the names on the way")
	}
	return e, nil
}
