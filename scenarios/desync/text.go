package desync

import (
	"fmt"
	"strings"
)

// String is the strategy's text, its steps in the order of the package's documentation. Parse reads it back.
func (s Strategy) String() string {
	var all []string
	say := func(when bool, format string, args ...any) {
		if when {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	say(s.window > 0, "window %d", s.window)
	say(s.mss > 0, "mss %d", s.mss)
	if s.syn != nil {
		say(true, "syndata %s", s.syn)
	}
	say(s.x25519, "x25519")
	say(s.tls12, "tls12")
	say(s.padding > 0, "padding %d", s.padding)
	say(s.alerts > 0, "alert %d", s.alerts)
	say(len(s.records) > 0, "tlsrec%s", placesText(s.records))
	say(s.http.spell == "host", "hostcase")
	say(s.http.spell != "" && s.http.spell != "host", "hostspell %s", s.http.spell)
	say(s.http.domcase, "domcase")
	say(s.http.dot, "hostdot")
	say(s.http.tab, "hosttab")
	say(s.http.noSpace, "hostnospace")
	say(s.http.twoSpace, "hostspace")
	say(s.http.methodSpace, "methodspace")
	for _, f := range s.fakes {
		say(true, "fake %s", f)
	}
	say(len(s.cuts) > 0 && s.order == inOrder, "split%s", placesText(s.cuts))
	say(s.order == reversed, "disorder%s", placesText(s.cuts))
	say(s.order == expiring, "disorder%s ttl %s", placesText(s.cuts), s.firstTTL)
	if s.oob != nil {
		say(true, "oob %s", s.oob)
	}
	say(s.overlap > 0, "seqovl %d", s.overlap)
	say(s.delay > 0, "delay %s", s.delay)
	say(s.fragment.at > 0, "ipfrag %s", s.fragment)
	for _, f := range s.udpFakes {
		say(true, "udpfake %s", f)
	}
	say(s.udpFragment.at > 0, "udpfrag %s", s.udpFragment)
	say(s.sourcePort > 0, "sport %d", s.sourcePort)
	return strings.Join(all, "; ")
}

func placesText(all []place) string {
	var b strings.Builder
	for _, p := range all {
		b.WriteString(" " + p.String())
	}
	return b.String()
}

func (f fake) String() string {
	all := []string{f.payload.String()}
	say := func(when bool, format string, args ...any) {
		if when {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	say(f.ttl != 0, "ttl %s", f.ttl)
	say(f.badSum, "badsum")
	say(f.seq != 0, "badseq %d", f.seq)
	say(f.ack != 0, "badack %d", f.ack)
	say(f.md5, "md5sig")
	say(f.stamp != 0, "ts %d", f.stamp)
	say(f.noAck, "datanoack")
	say(f.times != 1, "times %d", f.times)
	return strings.Join(all, " ")
}

func (h hopLimit) String() string {
	if h == auto {
		return "auto"
	}
	return fmt.Sprint(int(h))
}

func (f fragment) String() string {
	if f.reverse {
		return fmt.Sprintf("%d reverse", f.at)
	}
	return fmt.Sprint(f.at)
}
