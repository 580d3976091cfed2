package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"dpilab/dpi/trace"
	"dpilab/lab"
	"dpilab/rules"
	"dpilab/scenarios"
)

// kindOf finds the key that says what a file is.
var kindOf = regexp.MustCompile(`(?m)^(policy|topology|scenario|tool)[ \t]*:`)

func checkCommand() *cobra.Command {
	var stats, asJSON bool
	c := &cobra.Command{
		Use:   "check FILE...",
		Short: "Validate policies, tables of addresses, topologies, scenarios, tools and traces",
		Long: `Validate policies, tables of addresses, topologies, scenarios, tools and traces.

FILE may be the name of a policy that ships, too. With --stats, what a policy costs is said: its lists and indexes, memory, the time to
load it, what it makes the kernel queue, and how long flows are seen before the kernel may have them.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			if asJSON && !stats {
				return &exitError{exitUsage, errors.New("--json is for --stats: check says ok by its exit code")}
			}
			bad := 0
			for _, file := range files {
				say := checkOne
				if stats {
					say = statsOf(asJSON)
				}
				if err := say(cmd.OutOrStdout(), file); err != nil {
					fmt.Fprintln(cmd.ErrOrStderr(), "dpilab:", err)
					bad++
				}
			}
			if bad > 0 {
				return &exitError{exitUsage, errSaid}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&stats, "stats", false, "say what a policy costs, and what it makes the kernel queue")
	c.Flags().BoolVar(&asJSON, "json", false, "with --stats: an object of JSON for each policy")
	return c
}

func checkOne(out io.Writer, file string) error {
	what, err := check(file)
	if err == nil {
		fmt.Fprintf(out, "%s: %s\n", file, what)
	}
	return err
}

// check validates one file and says what is in it.
func check(file string) (string, error) {
	data, err := readShort(file)
	if errors.Is(err, fs.ErrNotExist) && slices.Contains(rules.ShippedNames(), file) {
		return checkPolicy(file)
	}
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
		return "", fmt.Errorf("%s: neither policy, topology, scenario nor tool: one of these keys says what a file is", file)
	}
	switch string(m[1]) {
	case "policy":
		return checkPolicy(file)
	case "tool":
		return checkTool(file)
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

func checkPolicy(file string) (string, error) {
	p, err := openPolicy(file)
	if err != nil {
		return "", err
	}
	c, err := p.Compile()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("policy %s of %s, %s", p.Name, p.Date, counted(len(c.Rules), "rule")), nil
}

// openPolicy reads a file, or takes the shipped policy of that name where there is none.
func openPolicy(file string) (*rules.Policy, error) {
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) && slices.Contains(rules.ShippedNames(), file) {
		return rules.Shipped(file)
	}
	return rules.Load(file)
}

// counted gives "1 rule" or "2 rules", "1 entry" or "2 entries".
func counted(n int, what string) string {
	if stem, ok := strings.CutSuffix(what, "y"); ok && n != 1 {
		what = stem + "ies"
	} else if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// readShort reads a file of a length that a person can write.
func readShort(file string) ([]byte, error) {
	const most = 16 << 20
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if len(data) > most {
		return nil, fmt.Errorf("%s: found more than %d bytes, expected a policy, topology, scenario, trace or table", file, most)
	}
	return data, err
}
