package probe

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"dpilab/internal/typeset"
)

// Kind is what happened to a probe, in the word that expectations and reports use.
type Kind string

// The kinds. What a probe measured stands beside its kind.
const (
	OK          Kind = "ok"          // it did what the user wanted
	NXDomain    Kind = "nxdomain"    // the resolver says that there is no such name
	NoAnswer    Kind = "no answer"   // a question (DNS, STUN, ping, traceroute) that nothing came back to
	Refused     Kind = "refused"     // a reset in answer to the SYN
	Unreachable Kind = "unreachable" // no route, or an ICMP error
	Timeout     Kind = "timeout"     // no answer to the SYN; or a program that gave up without saying when
	Reset       Kind = "reset"       // a reset on an open connection
	Closed      Kind = "closed"      // the server's side ended the connection in good order, too early
	Silent      Kind = "silent"      // an open connection on which nothing came back after Stage
	BlockPage   Kind = "blockpage"   // the answer sends the client to another site; Detail is where
	Stalled     Kind = "stalled"     // bytes came, and then no more
	Throttled   Kind = "throttled"   // all bytes came, at less than a third of the line's rate
	Loss        Kind = "loss"        // a call that lost 5 % of its packets or more
	Skipped     Kind = "skipped"     // it was not tried; Detail says why
	Failed      Kind = "error"       // none of these; Detail says what
)

// Stage is what the client had last done.
type Stage string

// The stages.
const (
	StageDNS       Stage = "DNS"
	StageConnect   Stage = "connect"
	StageHello     Stage = "ClientHello"
	StageInitial   Stage = "Initial" // QUIC's first datagram, which carries the ClientHello
	StageRequest   Stage = "request"
	StageOpening   Stage = "opening" // the first bytes of a WhatsApp chat
	StageMessage   Stage = "message"
	StageSTUN      Stage = "STUN"
	StageTunnel    Stage = "tunnel"    // while the tunnel was being opened
	StageHandshake Stage = "handshake" // of a VPN
)

const (
	lossLimit = 5.0  // percent: below it a voice call has no trouble (choice)
	slowLimit = 33.0 // percent of the line: from here on a transfer is ok (choice: "slowed by 70 to 80 %" leaves 20 to 30)
)

// Transfer is what a transfer measured.
type Transfer struct {
	Bytes int64   // that were measured
	Rate  float64 // bits of payload a second
	Line  float64 // bits a second that the client's line carries; 0: unknown
	Tries int     // measured so often, because the runner did not believe it before
}

// Share is the rate in percent of the line, 0 when the line's rate is unknown.
func (t Transfer) Share() float64 {
	if t.Line <= 0 {
		return 0
	}
	return 100 * t.Rate / t.Line
}

// Slow tells whether so little is left of the line that the transfer counts as throttled.
func (t Transfer) Slow() bool { return t.Line > 0 && t.Share() < slowLimit }

// Media is what a call measured: packets that went to the relay and came back.
type Media struct {
	Sent, Received int
	Jitter         time.Duration // mean deviation as RFC 3550, 6.4.1, smooths it
}

// Loss is in percent, both directions together.
func (m Media) Loss() float64 {
	if m.Sent == 0 {
		return 0
	}
	return 100 * float64(m.Sent-m.Received) / float64(m.Sent)
}

// Outcome is what came of a probe. The zero Outcome is none.
type Outcome struct {
	Kind   Kind
	Stage  Stage         // reset, closed, silent, timeout: what the client had last done
	After  time.Duration // from that to what happened, 0 where nobody knows; ok: from the start to the end
	Bytes  int64         // stalled: bytes that came
	Detail string        // skipped, error, blockpage: one line

	// Handshake is the time from the first packet, or from the first byte towards a proxy, to the end of the handshake of TLS, QUIC or the
	// chat; http has none but TCP's. 0: it came to no end, or the probe has none.
	Handshake time.Duration
	// FirstByte is the time from the same instant to the first byte of the answer: of the page's head, of the message that came back. What
	// was waited for quiet does not count. 0: none came.
	FirstByte time.Duration

	Addrs    []netip.Addr // DNS: the answer
	Host     string       // DNS: the lab's host that has the first of Addrs
	Transfer *Transfer
	Media    *Media
	Hops     []string // traceroute: the lab's names, "*" for a silent hop; the last one is the target when it was reached

	Steps []Step // how it came to that, in the order of time; see Story
}

// String says in a few words what happened and when, as in "reset after ClientHello (12 ms)".
func (o Outcome) String() string {
	switch {
	case o.Kind == Stalled:
		return fmt.Sprintf("stalled at %d bytes", o.Bytes)
	case o.Kind == Skipped, o.Kind == Failed, o.Kind == BlockPage:
		return typeset.Join(": ", string(o.Kind), o.Detail)
	case (o.Kind == Reset || o.Kind == Closed) && o.After > 0:
		return fmt.Sprintf("%s (%s)", typeset.Join(" after ", string(o.Kind), string(o.Stage)), Short(o.After))
	case o.Kind == Reset, o.Kind == Closed, o.Kind == Silent:
		return typeset.Join(" after ", string(o.Kind), string(o.Stage))
	case o.Kind == Timeout && o.Stage != "" && o.Stage != StageConnect:
		return fmt.Sprintf("timeout after %s", o.Stage)
	case o.Media != nil && (o.Kind == OK || o.Kind == Loss):
		return fmt.Sprintf("loss %.0f %%, jitter %s", o.Media.Loss(), Short(o.Media.Jitter))
	case o.Transfer != nil:
		return o.Transfer.String()
	case len(o.Hops) > 0 && o.Kind == OK:
		return "hops " + strings.Join(o.Hops, " ")
	case len(o.Hops) > 0:
		return fmt.Sprintf("%s after %s", o.Kind, strings.Join(o.Hops, " "))
	case len(o.Addrs) > 0:
		return "resolved to " + o.answer()
	}
	return string(o.Kind)
}

// Short is String for a narrow column; the table's legend explains what is cut.
func (o Outcome) Short() string {
	switch {
	case o.Kind == Skipped, o.Kind == Failed:
		return string(o.Kind)
	case o.Kind == Reset, o.Kind == Closed, o.Kind == Silent:
		return fmt.Sprintf("%s (%s)", o.Kind, o.Stage.Short())
	case o.Kind == Stalled:
		return "stalled"
	case o.Media != nil && (o.Kind == OK || o.Kind == Loss):
		return fmt.Sprintf("loss %.0f %%", o.Media.Loss())
	case o.Transfer != nil && o.Transfer.Line > 0:
		return fmt.Sprintf("%.0f %% of line", o.Transfer.Share())
	case o.Transfer != nil:
		return Bits(o.Transfer.Rate)
	case len(o.Hops) > 0 && o.Kind == OK:
		return fmt.Sprintf("%d hops", len(o.Hops))
	case len(o.Addrs) > 0 && o.Host != "":
		return "→ " + o.Host
	case len(o.Addrs) > 0:
		return "→ " + o.Addrs[0].String()
	}
	return string(o.Kind)
}

// Short abbreviates a stage as the field does: CH for the ClientHello, WA for the chat's opening.
func (s Stage) Short() string {
	switch s {
	case StageHello:
		return "CH"
	case StageInitial:
		return "QUIC"
	case StageOpening:
		return "WA"
	}
	return string(s)
}

func (o Outcome) answer() string {
	words := make([]string, len(o.Addrs))
	for i, a := range o.Addrs {
		words[i] = a.String()
	}
	all := strings.Join(words, ", ")
	if o.Host != "" {
		all += " (" + o.Host + ")"
	}
	return all
}

// String is "24 % of the line (12.1 Mbit/s)".
func (t Transfer) String() string {
	if t.Line <= 0 {
		return Bits(t.Rate)
	}
	return fmt.Sprintf("%.0f %% of the line (%s)", t.Share(), Bits(t.Rate))
}

// Bits gives a rate of bits a second in the unit that people would use for it.
func Bits(rate float64) string {
	switch {
	case rate >= 1e6:
		return fmt.Sprintf("%.1f Mbit/s", rate/1e6)
	case rate >= 1e4:
		return fmt.Sprintf("%.0f kbit/s", rate/1e3)
	}
	return fmt.Sprintf("%.1f kbit/s", rate/1e3)
}

// Short gives a duration in the unit that people would use for it.
func Short(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d >= time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d >= 10*time.Millisecond:
		return fmt.Sprintf("%.0f ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.1f ms", float64(d)/1e6)
}
