package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"dpilab/lab"
	"dpilab/scenarios/matrix"
)

type matrixFlags struct {
	selection matrix.Selection
	options   matrix.Options
	shard     string
	out       matrixOut
}

func matrixCommand() *cobra.Command {
	var f matrixFlags
	c := &cobra.Command{
		Use:   "matrix",
		Short: "Try circumvention tools against policies and say which blocks each of them gets through",
		Long: `Try every tool against every policy, in several labs at once. A cell is a tool against a policy: the tool has to reach a goal that the policy
takes away, several times, each with a fresh box. In the same run the goal is tried without the tool, where it must be blocked, and through
the tool without a box, where it must work; what else must stay open is tried too. All packets are watched: traffic that goes past the
tool is a leak.

Statuses: open, degraded (below a third of the tool's own speed without a box, or only in part of the tries), blocked, leak, broken (a control
failed), skipped (a program is missing, or the tool does not carry the goal).

--shard 2/4 does the second of four parts. Tools are dealt out whole; those that do not go up evenly are cut by policy. All parts
together are the whole (dpilab merge).

` + exitCodes + `
Also 1: a proof of a block or a control failed. 130: interrupted; what was done until then is written, marked as partial.`,
		Example: `  dpilab matrix
  dpilab matrix --tool 'xray*' --tool wireguard-go --policy '2026-*' --repeat 5
  dpilab matrix --tool ./mine.yaml --policy 2026-home --keep /tmp/matrix`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("matrix takes no arguments, found %q; name tools by --tool and policies by --policy", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	fl := c.Flags()
	fl.StringSliceVar(&f.selection.Tools, "tool", nil, "only this `tool`: NAME, NAME/VARIANT, a pattern of either with *, or a file; again for more")
	fl.StringSliceVar(&f.selection.Policies, "policy", nil, "only this `policy`, or a pattern with *; again for more")
	fl.StringSliceVar(&f.selection.Scenarios, "scenario", nil, "the phases of this `scenario`, a name or a file; again for more ("+matrix.DefaultScenario+" if not given)")
	fl.StringVar(&f.shard, "shard", "", "only the `part` I/N of the cells, such as 2/4")
	fl.IntVar(&f.options.Repeat, "repeat", 3, "tries of each cell")
	fl.Uint64Var(&f.options.Seed, "seed", 1, "seed of every chance that a box takes, of the first try; each further one has the next")
	fl.IntVar(&f.options.Labs, "labs", 0, "labs at once (if not given, four a processor, and as many as the memory holds)")
	fl.BoolVar(&f.options.Require, "require", false, "a missing program is an error")
	fl.StringVar(&f.options.Keep, "keep", "", "keep captures, events and logs of each try in this `folder`, and the result as "+matrix.ResultFile)
	f.out.flags(fl)
	return c
}

const maxRepeat = 1000

// check refuses flags that say nothing sensible, before anything runs.
func (f *matrixFlags) check() (err error) {
	if f.options.Repeat < 1 || f.options.Repeat > maxRepeat {
		return fmt.Errorf("--repeat: found %d, expected 1 to %d", f.options.Repeat, maxRepeat)
	}
	if f.options.Labs < 0 {
		return fmt.Errorf("--labs: found %d, expected 1 or more", f.options.Labs)
	}
	if f.shard != "" {
		if f.selection.Shard, err = matrix.ParseShard(f.shard); err != nil {
			return fmt.Errorf("--shard: %w", err)
		}
	}
	f.out.keep, f.out.require = f.options.Keep, f.options.Require
	return f.out.check()
}

func (f *matrixFlags) run(ctx context.Context, stdout, stderr io.Writer) error {
	if err := f.check(); err != nil {
		return err
	}
	plan, err := matrix.NewPlan(f.selection)
	if err != nil {
		return err
	}
	lab.Enter()
	live := f.out.live(stderr)
	f.options.Update, f.options.Dpilab = live.Update, version()
	result, err := plan.Run(ctx, f.options)
	live.Clear()
	var missing *matrix.MissingError
	if errors.As(err, &missing) {
		return &exitError{exitMachine, err}
	}
	if result == nil {
		return explained(err)
	}
	if written := f.out.write(result, stdout); err == nil {
		err = written
	}
	if err != nil {
		return explained(err)
	}
	for _, p := range result.Phases {
		if p.Broken != "" {
			return &exitError{exitUnexpected, errSaid}
		}
	}
	return nil
}
