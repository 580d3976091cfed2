package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"dpilab/dpi"
	"dpilab/dpi/nfq"
	"dpilab/rules"
)

type boxFlags struct {
	policy          string
	inside, outside string
	routed          bool
	first, queues   int
	seed            uint64
	stats           time.Duration
	kernel          string
	reference       bool
}

func boxCommand() *cobra.Command {
	var f boxFlags
	c := &cobra.Command{
		Use:   "box --policy POLICY --inside IF --outside IF",
		Short: "Run the box alone, on a real gateway, as root",
		Long: `Run the box on two interfaces of this machine: ports of one bridge, or with --routed the two sides of a router.
Only packets that cross from one to the other are looked at. SIGHUP reads the policy again: new flows get it, open flows
keep theirs. SIGINT ends the box, and packets pass untouched from then on.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.inside == "" || f.outside == "" {
				return errors.New("box needs --inside and --outside, the interfaces towards the subscriber and towards the world; it does not guess")
			}
			if f.policy == "" {
				return errors.New("box needs --policy, the name of one that ships (dpilab list) or a file")
			}
			return f.run(cmd.Context(), cmd.OutOrStdout())
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.policy, "policy", "", "a shipped policy's name, or a file")
	fl.StringVar(&f.inside, "inside", "", "interface towards the subscriber")
	fl.StringVar(&f.outside, "outside", "", "interface towards the world")
	fl.BoolVar(&f.routed, "routed", false, "the machine routes between the two; otherwise they are ports of one bridge")
	fl.IntVar(&f.first, "queue", 0, "number of the first netfilter queue")
	fl.IntVar(&f.queues, "queues", 1, "how many queues, each with a worker of its own")
	fl.Uint64Var(&f.seed, "seed", 1, "seed of every chance that the policy takes")
	fl.DurationVar(&f.stats, "stats", 0, "print the counters every so often")
	fl.StringVar(&f.kernel, "kernel", "all", "what the kernel decides by itself: some of offload,blocks,skips, or all, or none")
	fl.BoolVar(&f.reference, "reference", false, "read the queue by go-nfqueue: slower, another implementation")
	return c
}

func compile(name string) (*rules.Compiled, error) {
	p, err := rules.Open(name)
	if err != nil {
		return nil, err
	}
	return p.Compile()
}

func (f *boxFlags) run(ctx context.Context, out io.Writer) error {
	policy, err := compile(f.policy)
	if err != nil {
		return err
	}
	kernel, err := nfq.ParseKernel(f.kernel)
	if err != nil {
		return err
	}
	reader := nfq.Own
	if f.reference {
		reader = nfq.GoNFQueue
	}
	shared := dpi.NewShared()
	d, err := nfq.Open(nfq.Config{
		Inside: f.inside, Outside: f.outside, Bridged: !f.routed, FirstQueue: f.first, Queues: f.queues,
		Engines: func(worker int) nfq.Engine {
			return dpi.New(dpi.Options{Policy: policy, Seed: f.seed, Worker: worker, Shared: shared})
		},
		Kernel: kernel, Need: policy.Need(), FailClosed: policy.Profile.FailClosed, Reader: reader,
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "box: policy %s, %d rules, %s to %s, queued by %s; end it with Ctrl-C\n",
		policy.Policy.Name, len(policy.Rules), f.inside, f.outside, d.Expression())
	if short := d.Shortage(); short != "" {
		fmt.Fprintf(out, "box: %s\n", short)
	}
	again := make(chan os.Signal, 1)
	signal.Notify(again, syscall.SIGHUP)
	defer signal.Stop(again)
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	tick := make(<-chan time.Time)
	if f.stats > 0 {
		t := time.NewTicker(f.stats)
		defer t.Stop()
		tick = t.C
	}
	for {
		select {
		case err := <-done:
			return errors.Join(err, printCounters(out, d), d.Close())
		case <-tick:
			if err := printCounters(out, d); err != nil {
				return errors.Join(err, d.Close())
			}
			printFlows(out, d)
		case <-again:
			c, err := compile(f.policy)
			if err == nil {
				err = d.SetPolicy(c)
			}
			if err != nil {
				fmt.Fprintf(out, "box: the policy stays as it was: %v\n", err)
				continue
			}
			fmt.Fprintf(out, "box: policy %s read again, %d rules\n", c.Policy.Name, len(c.Rules))
		}
	}
}

// printFlows tells what the engines remember, as long as they run.
func printFlows(out io.Writer, d *nfq.Daemon) {
	var s dpi.Stats
	if d.Each(func(_ int, e nfq.Engine) { s.Add(e.(*dpi.Engine).Stats()) }) == nil {
		fmt.Fprintf(out, "box: flows open %d, opened %d, hit %d, evicted %d, packets unseen %d\n", s.Open, s.Opened, s.Hit, s.Evicted, s.Unseen)
	}
}

func printCounters(out io.Writer, d *nfq.Daemon) error {
	c, err := d.Counters()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "box: queued %d, offloaded %d passed %d dropped, blocked %d (%d bytes), skipped %d; accepted %d, dropped %d, rewritten %d, sent %d, overflowed %d\n",
		c.Queued, c.OffloadedPass, c.OffloadedDrop, c.Blocked, c.BlockedBytes, c.Skipped, c.Accepted, c.Dropped, c.Rewritten, c.Sent, c.Overflowed)
	return nil
}
