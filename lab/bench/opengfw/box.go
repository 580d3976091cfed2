package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/apernet/OpenGFW/analyzer"
	"github.com/apernet/OpenGFW/analyzer/tcp"
	"github.com/apernet/OpenGFW/analyzer/udp"
	"github.com/apernet/OpenGFW/engine"
	"github.com/apernet/OpenGFW/modifier"
	modifierudp "github.com/apernet/OpenGFW/modifier/udp"
	"github.com/apernet/OpenGFW/ruleset"
	"github.com/apernet/OpenGFW/ruleset/builtins/geo"
	"golang.org/x/sys/unix"

	"dpilab/dpi/nfq"
)

// config is what a box is opened with.
type config struct {
	inside, outside string // ports of one bridge, in the network namespace of the thread
	rules           string // file
	geosite, geoip  string // files; "": none
	noOffload       bool
	queue, length   int
	workers         int
}

// The analyzers and modifiers that OpenGFW's program has, in its order.
var (
	analyzers = []analyzer.Analyzer{
		&tcp.FETAnalyzer{}, &tcp.HTTPAnalyzer{}, &tcp.SocksAnalyzer{}, &tcp.SSHAnalyzer{}, &tcp.TLSAnalyzer{}, &tcp.TrojanAnalyzer{},
		&udp.DNSAnalyzer{}, &udp.OpenVPNAnalyzer{}, &udp.QUICAnalyzer{}, &udp.WireGuardAnalyzer{},
	}
	modifiers = []modifier.Modifier{&modifierudp.DNSModifier{}}
)

// box is OpenGFW's engine on a bridge.
type box struct {
	engine engine.Engine
	io     *packetIO
	kernel *nfq.Attachment
	log    *counter
	stop   context.CancelFunc
	done   chan error
	since  spent
}

// spent is what the process has used so far.
type spent struct {
	at     time.Time
	cpu    time.Duration
	memory runtime.MemStats
}

func spentNow() spent {
	s := spent{at: time.Now()}
	var r unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &r) == nil {
		s.cpu = time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	runtime.ReadMemStats(&s.memory)
	return s
}

// open makes the engine and binds the queue. No packet is queued before start.
func open(c config) (*box, error) {
	b := &box{log: &counter{}, done: make(chan error, 1)}
	var err error
	if b.io, err = openPacketIO(c); err != nil {
		return nil, err
	}
	if b.engine, err = newEngine(c, b.io, b.log); err != nil {
		return nil, errors.Join(err, b.io.Close())
	}
	b.io.attach = func() (err error) {
		var decides nfq.Kernel
		if !c.noOffload {
			decides = nfq.KernelOffload
		}
		b.kernel, err = nfq.Attach(nfq.Config{
			Inside: c.inside, Outside: c.outside, Bridged: true, FirstQueue: c.queue, Kernel: decides,
		})
		return err
	}
	return b, nil
}

func newEngine(c config, io *packetIO, log *counter) (engine.Engine, error) {
	list, err := ruleset.ExprRulesFromYAML(c.rules)
	if err != nil {
		return nil, err
	}
	// Without a name the loader would fetch a file from the net.
	for _, file := range []*string{&c.geosite, &c.geoip} {
		if *file == "" {
			*file = "/nonexistent"
		}
	}
	set, err := ruleset.CompileExprRules(list, analyzers, modifiers, &ruleset.BuiltinConfig{
		Logger: log, GeoMatcher: geo.NewGeoMatcher(c.geosite, c.geoip), ProtectedDialContext: io.ProtectedDialContext,
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.rules, err)
	}
	return engine.NewEngine(engine.Config{Logger: log, IO: io, Ruleset: set, Workers: c.workers})
}

// start lets packets flow. After an error nothing is left.
func (b *box) start() error {
	var ctx context.Context
	ctx, b.stop = context.WithCancel(context.Background())
	b.since = spentNow()
	go func() { b.done <- b.engine.Run(ctx) }()
	<-b.io.tried
	if b.kernel != nil {
		return nil
	}
	err := <-b.done
	b.stop()
	return errors.Join(err, b.io.Close())
}

// wait returns when ctx ends, nil, or when the engine has failed.
func (b *box) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-b.done:
		b.done <- nil
		return err
	}
}

// close ends the engine and removes what it made in the kernel.
func (b *box) close() (counters, error) {
	c := b.counters()
	k, err := b.kernel.Counters()
	c.Queued, c.Passed, c.Blocked = k.Queued, k.OffloadedPass, k.OffloadedDrop
	c.Overflows += k.Overflowed
	err = errors.Join(err, b.kernel.Close()) // first: from here on packets pass
	b.stop()
	return c, errors.Join(err, <-b.done, b.io.Close())
}
