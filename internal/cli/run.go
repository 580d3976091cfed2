package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"dpilab/lab"
	"dpilab/scenarios"
)

type runFlags struct {
	phases      []string
	json, junit string
	pcap        string
	events      string
	keep        bool
	seed        uint64
}

func runCommand() *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run SCENARIO",
		Short: "Walk through a scenario and compare what clients get with what is expected",
		Long: `Build the scenario's lab, walk through its phases with the policy of each date, try every probe, and show what came of it.
SCENARIO is the name of one that ships (dpilab list), or a file. Exit code 0: all as expected.`,
		Example: `  dpilab run whatsapp-full-block
  dpilab run whatsapp-full-block --phase full --pcap /tmp/captures --events /tmp/events.jsonl`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("run takes one scenario: dpilab run whatsapp-full-block (dpilab list has them all)")
			}
			s, err := scenarios.Open(args[0])
			if err != nil {
				return err
			}
			lab.Enter()
			return f.run(cmd.Context(), s, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	fl := c.Flags()
	fl.StringSliceVar(&f.phases, "phase", nil, "only these phases")
	fl.StringVar(&f.json, "json", "", "write the report as JSON to this `file`; - for standard output, without the table")
	fl.StringVar(&f.junit, "junit", "", "write the report as JUnit XML to this `file`")
	fl.StringVar(&f.pcap, "pcap", "", "write a capture of every link into this `folder`")
	fl.StringVar(&f.events, "events", "", "write what the box does, a line of JSON each, to this `file`")
	fl.BoolVar(&f.keep, "keep", false, "when a phase is not as expected, open a shell in its lab before going on")
	fl.Uint64Var(&f.seed, "seed", 1, "seed of every chance that a box takes")
	return c
}

func (f *runFlags) run(ctx context.Context, s *scenarios.Scenario, stdout, stderr io.Writer) (err error) {
	show := newProgress(stderr)
	o := scenarios.Options{Scenario: s, Phases: f.phases, Seed: f.seed, Pcap: f.pcap, Progress: show.update}
	if f.events != "" {
		file, err := os.Create(f.events)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		o.Events = file
	}
	if f.keep {
		o.Keep = func(ctx context.Context, k scenarios.Kept) error {
			show.clear()
			if err := f.table(k.Report, stdout); err != nil {
				return err
			}
			fmt.Fprintf(stderr, "phase %s is not as expected; a shell on %s, leave with exit\n", k.Phase, k.Client)
			err := runOn(ctx, k.Lab.Host(k.Client), k.Services, []string{shellProgram()})
			var left *exitError
			if errors.As(err, &left) {
				return nil // the shell's own exit code says nothing here
			}
			return err
		}
	}
	report, err := scenarios.Run(ctx, o)
	show.clear()
	if err != nil {
		return explained(err)
	}
	if err := f.write(report, stdout); err != nil {
		return err
	}
	if !report.OK() {
		return &exitError{exitUnexpected, errSaid}
	}
	return nil
}

// write gives the report in every form that is asked for.
func (f *runFlags) write(r *scenarios.Report, stdout io.Writer) error {
	if f.json == "-" {
		if err := r.WriteJSON(stdout); err != nil {
			return err
		}
	} else if err := errors.Join(f.table(r, stdout), toFile(f.json, r.WriteJSON)); err != nil {
		return err
	}
	return toFile(f.junit, r.WriteJUnit)
}

func (f *runFlags) table(r *scenarios.Report, stdout io.Writer) error {
	return r.WriteTable(stdout, scenarios.TableOptions{Width: widthOf(stdout), Colour: colours(stdout)})
}

func toFile(name string, write func(io.Writer) error) error {
	if name == "" {
		return nil
	}
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}
