package nfq

import (
	"fmt"
	"time"

	"dpilab/dpi"
	"dpilab/rules"
)

// Engine decides packets; *dpi.Engine is one. It is called by one goroutine only.
type Engine interface {
	// Handle decides p, and perhaps packets held before: it appends verdicts to out and returns it.
	Handle(now time.Duration, p dpi.Packet, out []dpi.Verdict) []dpi.Verdict
	// Advance lets time pass, at least ten times a second.
	Advance(now time.Duration, out []dpi.Verdict) []dpi.Verdict
}

// Abandoner is an Engine that can give up the packets that it holds. The daemon asks for it when it ends: what was held passes then,
// or is dropped where the box fails closed.
type Abandoner interface {
	Engine
	Abandon(out []dpi.Verdict) []dpi.Verdict // a verdict of drop for each
}

var _ Abandoner = (*dpi.Engine)(nil)

// Config is what Open needs. Engines, Inside and Outside have no default.
type Config struct {
	NetNS           int    // descriptor of the box's network namespace; 0 or -1: the caller's. The caller keeps it open
	Inside, Outside string // interfaces, by name
	Bridged         bool   // they are ports of one bridge; otherwise the namespace routes between them

	FirstQueue int // number of the first queue
	Queues     int // one worker and one engine each, at most 64; 0: 1. More than processors bring nothing

	// Processors is where workers stay, each at Processors[worker mod n]; nil: one worker anywhere, several spread over those that the
	// process may use. What the kernel passes on is in order per processor only: a worker that moves can make packets overtake each
	// other on a busy machine.
	Processors []int

	Engines func(worker int) Engine // called once a worker, by Open
	Now     func() time.Duration    // the box's clock, never going back; any goroutine. nil: time since Open

	Kernel     Kernel        // what the kernel decides by itself
	Need       rules.Need    // of the policy that the engines begin with; the zero Need is everything
	Flows      int           // that the kernel keeps at most, of either family, passed and dropped ones by themselves; others stay the engine's. 0: 131,072
	PassIdle   time.Duration // a passed flow comes back to the engine after so long without a packet, and sooner after a FIN or RST; 0: 60 s
	DropFor    time.Duration // a dropped flow comes back to the engine after so long, busy or not; 0: 2 s
	FailClosed bool          // nobody decides: packets are dropped; false: they pass

	Reader      Reader
	QueueLength int // packets that may wait in a queue, those that the engine holds among them; 0: 4096
	CopyRange   int // bytes that the engine gets of each packet; 0: all, or 512 where Need says that payload is not read
}

// everything is the need of an engine of which nothing is known.
var everything = rules.Need{Payload: true, Everything: true}

func (c *Config) defaults() error {
	bad := func(format string, args ...any) error {
		return &Error{Kind: ErrConfig, What: "nfq: " + fmt.Sprintf(format, args...)}
	}
	if c.Engines == nil {
		return bad("no engines")
	}
	if c.Inside == c.Outside {
		return bad("inside and outside are the same interface %q", c.Inside)
	}
	if c.Queues == 0 {
		c.Queues = 1
	}
	if c.FirstQueue < 0 || c.Queues < 0 || c.FirstQueue+c.Queues > 1<<16 {
		return bad("queues %d to %d: numbers go from 0 to 65535", c.FirstQueue, c.FirstQueue+c.Queues-1)
	}
	if !c.Need.Payload && !c.Need.Everything && c.Need.Interests == nil && c.Need.Blocks == nil {
		c.Need = everything
	}
	if c.Queues > maxSpread {
		return bad("%d queues: at most %d share the traffic", c.Queues, maxSpread)
	}
	if c.Queues > 1 && c.Processors == nil {
		var err error
		if c.Processors, err = allowedProcessors(); err != nil {
			return err
		}
	}
	if c.Flows == 0 {
		c.Flows = 1 << 17
	}
	if c.Flows < 0 || c.Flows > 1<<28 {
		return bad("%d flows in the kernel: from 1 to %d", c.Flows, 1<<28)
	}
	if c.PassIdle == 0 {
		c.PassIdle = time.Minute
	}
	if c.DropFor == 0 {
		c.DropFor = 2 * time.Second
	}
	if c.PassIdle < time.Millisecond || c.DropFor < time.Millisecond {
		return bad("offloaded flows live for %v and %v: less than a millisecond", c.PassIdle, c.DropFor)
	}
	if c.Now == nil {
		start := time.Now()
		c.Now = func() time.Duration { return time.Since(start) }
	}
	return nil
}
