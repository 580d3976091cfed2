package cli

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"dpilab/dpi/nfq"
	"dpilab/lab"
)

func doctorCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Say which kernel features are there, what each is for, and what to do about a missing one",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := cmd.OutOrStdout()
			var features []nfq.Feature
			entered := nfq.Feature{Name: "user namespaces", Purpose: "everything runs without root", Needed: true, Present: true}
			if err := lab.CanEnter(); err != nil {
				entered.Present, entered.Problem, entered.Advice = false, err.Error(), "nothing else can be tried without them"
				features = []nfq.Feature{entered}
			} else {
				lab.Enter()
				features = append([]nfq.Feature{entered}, append(nfq.Probe(), lab.Probe()...)...)
			}
			missing := 0
			for _, f := range features {
				if f.Needed && !f.Present {
					missing++
				}
			}
			if asJSON {
				e := json.NewEncoder(out)
				e.SetIndent("", "  ")
				if err := e.Encode(features); err != nil {
					return err
				}
			} else {
				for _, f := range features {
					fmt.Fprint(out, line(f))
				}
			}
			if missing > 0 {
				return &exitError{exitMachine, fmt.Errorf("%d of %d features are missing that dpilab cannot do without", missing, len(features))}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// line is a feature as people read it.
func line(f nfq.Feature) string {
	state := "ok"
	switch {
	case f.Present:
	case f.Needed:
		state = "MISSING"
	default:
		state = "absent" // and nothing needs it
	}
	s := fmt.Sprintf("%-8s %-18s %s\n", state, f.Name, f.Purpose)
	if !f.Present {
		s += fmt.Sprintf("%27s %s\n%27s %s\n", "", f.Problem, "", f.Advice)
	}
	return s
}
