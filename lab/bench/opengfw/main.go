package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "opengfw-box:", err)
		os.Exit(1)
	}
}

// run is the program.
func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) > 0 && args[0] == "rules" {
		return writeRules(args[1:])
	}
	c, err := parseBox(args)
	if err != nil {
		return err
	}
	b, err := open(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, in)
		cancel()
	}()
	if err := b.start(); err != nil {
		return err
	}
	fmt.Fprintln(out, "ready")
	err = b.wait(ctx)
	counters, closed := b.close()
	return errors.Join(err, closed, json.NewEncoder(out).Encode(counters))
}

func parseBox(args []string) (config, error) {
	var c config
	f := flag.NewFlagSet("opengfw-box", flag.ContinueOnError)
	f.StringVar(&c.inside, "inside", "", "port of the bridge towards the client")
	f.StringVar(&c.outside, "outside", "", "port of the bridge towards the server")
	f.StringVar(&c.rules, "rules", "", "file of OpenGFW rules")
	f.StringVar(&c.geosite, "geosite", "", "v2fly .dat file of domains, for rules that call geosite()")
	f.StringVar(&c.geoip, "geoip", "", "v2fly .dat file of prefixes, for rules that call geoip()")
	f.BoolVar(&c.noOffload, "no-offload", false, "every packet goes through the engine")
	f.IntVar(&c.queue, "queue", 0, "number of the netfilter queue")
	f.IntVar(&c.length, "queue-length", 4096, "packets that may wait in the queue")
	f.IntVar(&c.workers, "workers", 0, "the engine's workers; 0: one a processor, its own default")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	switch {
	case f.NArg() > 0:
		return c, fmt.Errorf("unexpected argument %q", f.Arg(0))
	case c.inside == "" || c.outside == "" || c.rules == "":
		return c, errors.New("--inside, --outside and --rules are needed")
	case c.queue < 0 || c.queue > 0xffff:
		return c, fmt.Errorf("--queue %d: numbers go from 0 to 65535", c.queue)
	}
	return c, nil
}
