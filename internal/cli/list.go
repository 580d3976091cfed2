package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"dpilab/lab"
	"dpilab/rules"
	"dpilab/scenarios"
)

func listCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the scenarios, policies and topologies that ship with dpilab",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return list(cmd.OutOrStdout())
		},
	}
}

func list(out io.Writer) error {
	fmt.Fprintln(out, "scenarios (dpilab run NAME)")
	for _, name := range scenarios.Names() {
		s, err := scenarios.Open(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "  %-22s %s\n", name, s.About)
		for _, p := range s.Phases {
			fmt.Fprintf(out, "  %-22s   %-10s %s  %s\n", "", p.Name, p.Date, p.Policy())
		}
	}
	fmt.Fprintln(out, "policies")
	for _, name := range rules.ShippedNames() {
		p, err := rules.Shipped(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "  %-22s %s  %s\n", name, p.Date, p.About)
	}
	fmt.Fprintln(out, "topologies")
	for _, name := range lab.TopologyNames() {
		t, err := lab.OpenTopology(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "  %-22s %s\n", name, t.About)
	}
	return nil
}
