package desync

import (
	"fmt"
	"strconv"
	"strings"
)

var (
	streamWhy   = []string{"ttl", "badsum", "badseq", "badack", "md5sig", "ts", "datanoack"}
	datagramWhy = []string{"ttl", "badsum"}
)

// What zapret adds where nothing else is said (its documentation of --dpi-desync-badseq-increment, -badack-increment, -ts-increment).
const (
	usualSeq   = -10000
	usualAck   = -66000
	usualStamp = -600000
)

// fake reads a payload, why the server does not take it, and how often it is sent.
func (r *reader) fake(kinds, why []string) fake {
	f := fake{payload: r.payload(kinds), times: 1}
	seen := map[string]bool{}
	want := strings.Join(why, ", ") + " or times"
	for r.more() {
		word := r.words[0]
		known := word == "times"
		for _, w := range why {
			known = known || w == word
		}
		if !known || seen[word] {
			if len(seen) == 0 && f.payload == defaultPayload {
				want = strings.Join(kinds, ", ") + ", " + want
			}
			r.fail(want + ", each once")
			break
		}
		seen[word] = true
		r.next()
		switch word {
		case "ttl":
			f.ttl = r.ttl()
		case "badsum":
			f.badSum = true
		case "badseq":
			f.seq = r.signed(usualSeq)
		case "badack":
			f.ack = r.signed(usualAck)
		case "md5sig":
			f.md5 = true
		case "ts":
			f.stamp = r.signed(usualStamp)
		case "datanoack":
			f.noAck = true
		case "times":
			f.times = r.number("times", 1, 100)
		}
	}
	if r.err == nil && len(why) == len(streamWhy) && !f.rejected() {
		r.err = fmt.Errorf("the server would take it; expected one of %s besides", strings.Join(why, ", "))
	}
	return f
}

// signed reads a number that may be left out and is not 0.
func (r *reader) signed(without int32) int32 {
	if !r.more() {
		return without
	}
	n, err := strconv.ParseInt(r.words[0], 10, 32)
	if err != nil {
		return without // the next word
	}
	if n == 0 || r.words[0][0] == '+' {
		r.fail("a number that is not 0, such as -10000")
		return 0
	}
	r.next()
	return int32(n)
}
