package cli

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"dpilab/dpi/trace"
	"dpilab/lab"
	"dpilab/rules"
	"dpilab/scenarios"
)

// kindOf finds the key that says what a file is.
var kindOf = regexp.MustCompile(`(?m)^(policy|topology|scenario)[ \t]*:`)

func checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE...",
		Short: "Validate policies, tables of addresses, topologies, scenarios and traces",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			bad := 0
			for _, file := range files {
				what, err := check(file)
				if err != nil {
					fmt.Fprintln(cmd.ErrOrStderr(), "dpilab:", err)
					bad++
					continue
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", file, what)
			}
			if bad > 0 {
				return &exitError{exitUsage, errSaid}
			}
			return nil
		},
	}
}

// check validates one file and says what is in it.
func check(file string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	if strings.HasSuffix(file, ".table") {
		a, err := rules.ParseAddresses(file, data)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("addresses of %s", counted(len(a.Names()), "organisation")), nil
	}
	if strings.HasSuffix(file, ".trace") {
		t, err := trace.Load(file)
		if err != nil {
			return "", err
		}
		live := "runs live as well"
		if ok, why := t.Live(); !ok {
			live = "not live: " + why
		}
		return fmt.Sprintf("trace of %s, %s", strings.Join(t.IDs, " "), live), nil
	}
	m := kindOf.FindSubmatch(data)
	if m == nil {
		return "", fmt.Errorf("%s: neither policy, topology nor scenario: one of these keys says what a file is", file)
	}
	switch string(m[1]) {
	case "policy":
		p, err := rules.Load(file)
		if err != nil {
			return "", err
		}
		c, err := p.Compile()
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("policy %s of %s, %s", p.Name, p.Date, counted(len(c.Rules), "rule")), nil
	case "topology":
		t, err := lab.ParseTopology(file, data)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("topology %s, %d hosts, %d routers, %d links", t.Name, len(t.Hosts), len(t.Routers), len(t.Links)), nil
	}
	s, err := scenarios.Parse(file, data)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("scenario %s, %d phases, %d probes", s.Name, len(s.Phases), len(s.Probes)), nil
}

// counted gives "1 rule" or "2 rules".
func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
