package oracle

import (
	"context"
	"time"

	"dpilab/lab/probe"
)

// Bits a second, and percent of the line. The policers of August 2024 let pass 128 and 512 kbit/s; the loss of July leaves 1 to 3 Mbit/s on a
// way of 20 ms, 2 to 6 % of the lab's line, and an open line at least a quarter, however busy the machine. What lies between is choice.
const (
	crawl     = 700e3
	slowShare = 15.0
)

// rateTries is how often a rate that is slow is measured: a machine with other work is slow for a moment, a box each time.
const rateTries = 3

// measured is a transfer of a megabyte, or of what comes in a second and a half. The hello is short, as when these rates were measured.
func measured(name, host string, quic bool) probe.Probe {
	p := at(probe.Download(name, 1<<20), host)
	p.Hello, p.QUIC, p.For, p.Timeout = probe.HelloShort, quic, 1500*time.Millisecond, patience
	return p
}

// rate tells a rate that loss or a policer makes from that of an open line.
func rate(name, host string, quic bool) func(context.Context, *place) (Word, string) {
	p := measured(name, host, quic)
	return func(ctx context.Context, at *place) (word Word, detail string) {
		for range rateTries {
			o := p.Try(ctx, at.from)
			word, detail = wordOf(o), o.String()
			switch {
			case o.Transfer == nil:
				return word, detail
			case o.Transfer.Rate < crawl:
				return Crawls, detail
			case o.Transfer.Share() >= slowShare:
				return Open, detail
			}
			word = Slow
		}
		return word, detail
	}
}

// metaRate compares with a neutral address, because a quarter of the line is what a busy machine may leave of it as well.
func metaRate(ctx context.Context, at *place) (word Word, detail string) {
	there, elsewhere := measured(neutral, "meta", false), measured(neutral, "neutral", false)
	for range rateTries {
		o := there.Try(ctx, at.from)
		if o.Transfer == nil {
			return wordOf(o), o.String()
		}
		with := elsewhere.Try(ctx, at.from)
		detail = o.String()
		if with.Transfer == nil || o.Transfer.Rate >= with.Transfer.Rate/2 {
			return Open, detail
		}
		word, detail = Slow, detail+"; elsewhere "+with.String()
	}
	return word, detail
}
