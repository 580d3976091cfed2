package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"dpilab/dpi/replay"
)

type pcapFlags struct {
	policy    string
	inside    []string
	out       string
	marked    bool
	checksums string
	face      string
	seed      uint64
	flows     int
	json      bool
	verbose   bool
}

func pcapCommand() *cobra.Command {
	var f pcapFlags
	c := &cobra.Command{
		Use:   "pcap FILE --policy POLICY",
		Short: "Show what the box would have done to a capture, flow by flow",
		Long: `Give a capture (pcap or pcapng; - is standard input) to the box at the times of its packets, show what the box does to each
flow, and write the capture as it would have come out. Nothing is sent anywhere, and no root is needed.

A capture is what happened then: its ends do not react to what the box does now. What would have been sent again after a drop
is not in it, and what came after a connection that the box cuts still is. To see what a program does about it: dpilab run, shell.

Inside is what --inside says. Without it, inside is the end that opened each flow: the sender of the SYN or of the first datagram; in
midstream, the private address or the higher port.

A written capture has the format of FILE, or pcapng when its name ends in .pcapng. In pcapng, packets that the box touched have
comments, and --marked keeps those that it dropped. Exit code 2: a broken capture, or policy; what was read is shown.`,
		Example: `  dpilab pcap mine.pcapng --policy 2026-whatsapp
  dpilab pcap mine.pcap --policy 2025-home --inside 192.168.0.0/16 --out through.pcapng --marked`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("pcap takes one capture: dpilab pcap mine.pcap --policy 2026-whatsapp")
			}
			if f.policy == "" {
				return errors.New("pcap needs --policy, the name of one that ships (dpilab list) or a file")
			}
			return f.run(cmd.Context(), args[0], cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.policy, "policy", "", "a shipped policy's name, or a file")
	fl.StringSliceVar(&f.inside, "inside", nil, "addresses or `prefixes` of the inside; without: the opener of each flow is inside")
	fl.StringVar(&f.out, "out", "", "write the capture as it comes out of the box to this `file`")
	fl.BoolVar(&f.marked, "marked", false, "keep dropped packets in --out, with a comment (pcapng)")
	fl.StringVar(&f.face, "interface", "", "`name` or number of the interface that the box is at, in a pcapng of several; without: all")
	fl.StringVar(&f.checksums, "checksums", "auto", "auto, as-is or fixed: auto finishes those that the captured machine left to its network card")
	fl.Uint64Var(&f.seed, "seed", 1, "seed of every chance that the policy takes")
	fl.IntVar(&f.flows, "flows", 65536, "how many flows to remember and list at most")
	fl.BoolVar(&f.json, "json", false, "print the report as JSON")
	fl.BoolVar(&f.verbose, "verbose", false, "list flows that no rule hit too, and what the box did packet by packet")
	return c
}

func (f *pcapFlags) run(ctx context.Context, file string, stdin io.Reader, stdout io.Writer) (err error) {
	o := replay.Options{Seed: f.seed, Interface: f.face, Marked: f.marked, Flows: f.flows, Story: f.verbose, PCAPNG: strings.HasSuffix(f.out, ".pcapng")}
	if o.Checksums, err = replay.ParseChecksums(f.checksums); err != nil {
		return err
	}
	if o.Inside, err = prefixes(f.inside); err != nil {
		return err
	}
	if f.marked && f.out == "" {
		return errors.New("--marked is about the capture that --out writes: name one")
	}
	if o.Policy, err = compile(f.policy); err != nil {
		return err
	}
	in, name := stdin, "standard input"
	if file != "-" {
		name = file
		opened, err := os.Open(file)
		if err != nil {
			return err
		}
		defer opened.Close()
		in = opened
	}
	report, err := f.replay(ctx, in, o)
	if report == nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	report.Capture = name
	if f.json {
		return errors.Join(said(err), report.WriteJSON(stdout))
	}
	return errors.Join(said(err), report.WriteTable(stdout, replay.TableOptions{Colour: colours(stdout), Verbose: f.verbose}))
}

// said gives the error of a capture whose report says it already.
func said(err error) error {
	var broken *replay.BrokenError
	if errors.As(err, &broken) {
		return &exitError{exitUsage, fmt.Errorf("%w; what came before is shown", err)}
	}
	return err
}

// replay runs the box, and writes the capture that comes out.
func (f *pcapFlags) replay(ctx context.Context, in io.Reader, o replay.Options) (report *replay.Report, err error) {
	if f.out == "" {
		return replay.Run(ctx, in, o)
	}
	if same(in, f.out) {
		return nil, errors.New("--out is the capture itself: name another file")
	}
	out := &lateFile{name: f.out}
	defer func() { err = errors.Join(err, out.Close()) }()
	o.Out = out
	return replay.Run(ctx, in, o)
}

// lateFile is made with the first byte, so that what is no capture does not cost the file that was there.
type lateFile struct {
	name string
	file *os.File
}

func (l *lateFile) Write(b []byte) (n int, err error) {
	if l.file == nil {
		if l.file, err = os.Create(l.name); err != nil {
			return 0, err
		}
	}
	return l.file.Write(b)
}

// Close closes the file if there is one.
func (l *lateFile) Close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}

// same tells whether a file that is read is the one of that name.
func same(in io.Reader, name string) bool {
	file, ok := in.(*os.File)
	if !ok {
		return false
	}
	a, err := file.Stat()
	if err != nil {
		return false
	}
	b, err := os.Stat(name)
	return err == nil && os.SameFile(a, b)
}

// prefixes reads addresses and prefixes.
func prefixes(all []string) (out []netip.Prefix, err error) {
	for _, s := range all {
		if a, err := netip.ParseAddr(s); err == nil {
			a = a.Unmap().WithZone("")
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("--inside: found %q, expected an address or a prefix such as 192.168.0.0/16", s)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}
