package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"dpilab/lab"
	"dpilab/scenarios/oracle"
)

type oracleFlags struct {
	options oracle.Options
	json    bool
}

func oracleCommand() *cobra.Command {
	var f oracleFlags
	c := &cobra.Command{
		Use:   "oracle",
		Short: "Let a detector that sees what a client sees name the policy that it sits behind",
		Long: `Put each shipped policy in force, one after the other, and let the oracle name it. It has what checkers of the field have: fetches of
growing size, many small writes, handshakes of Chrome's in a row, questions to resolvers, names over TLS and QUIC, calls, rates, and what is open
where there is a white list. It compares with what the policies' files say of each test, and names those that fit best.
Exit codes: 0 each policy was named, 1 another one was, or several, 3 the machine lacks something.`,
		Example: `  dpilab oracle
  dpilab oracle --policy 2025-freeze --policy 2026-home --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			lab.Enter()
			return f.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	fl := c.Flags()
	fl.StringArrayVar(&f.options.Policies, "policy", nil, "guess this `policy` alone: one that ships, a file, or \""+oracle.OpenLine+"\"; may be given several times")
	fl.IntVar(&f.options.Labs, "labs", 0, "how many labs run at once (0: 4)")
	fl.Uint64Var(&f.options.Seed, "seed", 1, "seed of every chance that a box takes")
	fl.BoolVar(&f.json, "json", false, "write one object of JSON in place of the table: every observation, and what each verdict rests on")
	return c
}

func (f *oracleFlags) run(ctx context.Context, stdout, stderr io.Writer) error {
	show := newProgress(stderr)
	f.options.Progress = func(policy string, number, of int) { show.line(fmt.Sprintf("policy %d of %d: %s", number, of, policy)) }
	report, err := oracle.Run(ctx, f.options)
	show.clear()
	if err != nil {
		return explained(err)
	}
	if f.json {
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(report)
	} else {
		err = report.WriteTable(stdout)
	}
	if err != nil {
		return err
	}
	if report.Named < len(report.Guesses) {
		return &exitError{exitUnexpected, errSaid}
	}
	return nil
}
