package cli

import (
	"fmt"
	"io"
	"regexp"

	"github.com/spf13/cobra"

	"dpilab/dpi/trace"
	"dpilab/lab"
	"dpilab/rules"
	"dpilab/scenarios"
	"dpilab/scenarios/tools"
)

func listCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the scenarios, policies, traces, topologies and tools that ship with dpilab",
		Long: `List the scenarios, policies, traces, topologies and tools that ship with dpilab.

To turn block lists of other programs into lists for policies: dpilab lists import, with s.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("list takes nothing, found %q: it names what ships; block lists are the matter of dpilab lists import", args[0])
			}
			return nil
		},
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
	if err := listTraces(out); err != nil {
		return err
	}
	fmt.Fprintln(out, "topologies")
	for _, name := range lab.TopologyNames() {
		t, err := lab.OpenTopology(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "  %-22s %s\n", name, t.About)
	}
	return listTools(out)
}

// listTools names the definitions; whether the programs are here, dpilab tools says.
func listTools(out io.Writer) error {
	fmt.Fprintln(out, "tools (dpilab tools)")
	for _, name := range tools.Names() {
		all, err := tools.Open(name)
		if err != nil {
			return err
		}
		about := all[0].About
		if len(all) > 1 {
			about = counted(len(all), "variant")
		}
		fmt.Fprintf(out, "  %-22s %s\n", name, about)
	}
	return nil
}

// ofOne is the name of a trace of one observation.
var ofOne = regexp.MustCompile(`^O[0-9]+$`)

// listTraces names the traces of one observation together, as dpilab observations has them each.
func listTraces(out io.Writer) error {
	var ones []string
	fmt.Fprintln(out, "traces (dpilab trace NAME)")
	for _, name := range trace.Names() {
		if ofOne.MatchString(name) {
			ones = append(ones, name)
			continue
		}
		t, err := trace.Find(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "  %-22s %s\n", name, t.About)
	}
	if len(ones) > 0 {
		fmt.Fprintf(out, "  %-22s %d published observations, one trace each: dpilab observations\n", ones[0]+" ... "+ones[len(ones)-1], len(ones))
	}
	return nil
}
