package desync

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// reader takes the words of one step, one after the other. After an error it takes none.
type reader struct {
	words []string
	err   error
}

func (r *reader) more() bool { return r.err == nil && len(r.words) > 0 }

func (r *reader) next() string {
	w := r.words[0]
	r.words = r.words[1:]
	return w
}

// fail keeps the first error: what stands there, and what should.
func (r *reader) fail(want string) {
	switch {
	case r.err != nil:
	case len(r.words) == 0:
		r.err = fmt.Errorf("nothing follows; expected %s", want)
	default:
		r.err = fmt.Errorf("found %q; expected %s", r.words[0], want)
	}
}

// need tells whether there is a word; without one it fails.
func (r *reader) need(want string) bool {
	if !r.more() {
		r.fail(want)
	}
	return r.err == nil
}

// take takes a word if it is the next.
func (r *reader) take(word string) bool {
	if !r.more() || r.words[0] != word {
		return false
	}
	r.next()
	return true
}

func (r *reader) number(what string, low, high int) int {
	want := fmt.Sprintf("a number for %s, %d to %d", what, low, high)
	if !r.need(want) {
		return 0
	}
	n, err := strconv.Atoi(r.words[0])
	if err != nil || n < low || n > high || r.words[0][0] == '+' {
		r.fail(want)
		return 0
	}
	r.next()
	return n
}

// optional reads a number that may be left out.
func (r *reader) optional(without, low, high int) int {
	if !r.more() {
		return without
	}
	return r.number("it", low, high)
}

func (r *reader) place() (p place) {
	if !r.need(wantPlace) {
		return p
	}
	p, ok := parsePlace(r.words[0])
	if !ok {
		r.fail(wantPlace)
		return p
	}
	r.next()
	return p
}

// places reads one place and all that follow.
func (r *reader) places() (all []place) {
	const most = 64
	all = append(all, r.place())
	for r.more() {
		p, ok := parsePlace(r.words[0])
		if !ok {
			if r.words[0] != "ttl" {
				r.fail(wantPlace)
			}
			break
		}
		if len(all) == most {
			r.fail(fmt.Sprintf("at most %d places", most))
			break
		}
		all = append(all, p)
		r.next()
	}
	return all
}

func (r *reader) ttl() hopLimit {
	if r.take("auto") {
		return auto
	}
	const want = "auto or a number, 1 to 255"
	if !r.need(want) {
		return 0
	}
	n, err := strconv.ParseUint(r.words[0], 10, 8)
	if err != nil || n == 0 {
		r.fail(want)
		return 0
	}
	r.next()
	return hopLimit(n)
}

func (r *reader) duration() time.Duration {
	const want = "a time such as 50ms, 1ms to 10s"
	if !r.need(want) {
		return 0
	}
	d, err := time.ParseDuration(r.words[0])
	if err != nil || d < time.Millisecond || d > 10*time.Second {
		r.fail(want)
		return 0
	}
	r.next()
	return d
}

func (r *reader) fragment() (f fragment) {
	const want = "a number of bytes, 8 to 1400 and a multiple of 8"
	if !r.need(want) {
		return f
	}
	n, err := strconv.Atoi(r.words[0])
	if err != nil || n < 8 || n > maxPayload || n%8 != 0 {
		r.fail(want)
		return f
	}
	r.next()
	return fragment{at: n, reverse: r.take("reverse")}
}

var (
	streamPayloads   = []string{"sni", "random", "zeros", "hex"}
	datagramPayloads = append([]string{"short"}, streamPayloads...)
)

// payload reads one of these kinds, or gives the usual payload where none of them follows.
func (r *reader) payload(kinds []string) payload {
	if !r.more() || !slices.Contains(kinds, r.words[0]) {
		return defaultPayload
	}
	switch kind := payloadKind(r.next()); kind {
	case payloadName:
		return payload{kind: kind, name: r.name()}
	case payloadHex:
		const want = "bytes in hex, two digits each, at most 1400 bytes"
		if !r.need(want) {
			return payload{}
		}
		text := strings.ToLower(r.words[0])
		if b, err := hex.DecodeString(text); err != nil || len(b) == 0 || len(b) > maxPayload {
			r.fail(want)
			return payload{}
		}
		r.next()
		return payload{kind: kind, hex: text}
	default:
		return payload{kind: kind, size: r.number(string(kind), 1, maxPayload)}
	}
}

// name reads a domain name.
func (r *reader) name() string {
	const want = "a domain name, such as www.w3.org"
	if !r.need(want) {
		return ""
	}
	n := r.words[0]
	odd := strings.ContainsFunc(n, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '.'
	})
	if odd || len(n) > 200 || strings.Trim(n, ".-") != n || strings.Contains(n, "..") || strings.Trim(n, "0123456789.") == "" {
		r.fail(want)
		return ""
	}
	return r.next()
}
