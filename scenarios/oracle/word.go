package oracle

import "dpilab/lab/probe"

// Word is what a test came to.
type Word string

// The words.
const (
	Open     Word = "open"
	Slow     Word = "slow"   // it comes, but with loss or policing; see rates.go
	Crawls   Word = "crawls" // at a rate at which nothing can be used
	Frozen   Word = "frozen" // it stands still after some packets
	Reset    Word = "reset"
	Silent   Word = "silent"  // an open connection, or a first datagram, that nothing comes back on
	Timeout  Word = "timeout" // no answer to the SYN
	Refused  Word = "refused"
	NoAnswer Word = "no answer"
	NXDomain Word = "nxdomain"
	Other    Word = "other"  // DNS: another answer than over TCP
	Page     Word = "page"   // of the provider's
	Broken   Word = "broken" // a call that is not set up, or loses 5 % of its packets or more
	Some     Word = "some"   // of several ports, not all
	Unknown  Word = "unknown"
)

// words are those that signatures may have.
var words = []string{
	string(Open), string(Slow), string(Crawls), string(Frozen), string(Reset), string(Silent), string(Timeout), string(Refused), string(NoAnswer),
	string(NXDomain), string(Other), string(Page), string(Broken), string(Some),
}

// wordOf is the word for what a probe came to.
func wordOf(o probe.Outcome) Word {
	switch o.Kind {
	case probe.OK, probe.Throttled: // rates have their own words
		return Open
	case probe.Reset, probe.Closed:
		return Reset
	case probe.Silent, probe.Stalled:
		return Silent
	case probe.Timeout:
		return Timeout
	case probe.Refused:
		return Refused
	case probe.NoAnswer:
		return NoAnswer
	case probe.NXDomain:
		return NXDomain
	case probe.BlockPage:
		return Page
	case probe.Loss:
		return Broken
	}
	return Unknown
}
