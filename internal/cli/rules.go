package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"dpilab/internal/strictyaml"
	"dpilab/rules/opengfw"
)

// rulesCommand is about rules of other programs.
func rulesCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "rules",
		Short: "Turn rules of other programs into policies",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("rules takes a command: dpilab rules import-opengfw FILE")
		},
	}
	c.AddCommand(importOpenGFWCommand())
	return c
}

type opengfwFlags struct{ output, date string }

func importOpenGFWCommand() *cobra.Command {
	var f opengfwFlags
	c := &cobra.Command{
		Use:   "import-opengfw FILE",
		Short: "Turn rules of OpenGFW into a policy, and say what cannot be expressed",
		Long: `Turn a file of OpenGFW's rules into a policy, on standard output or in --output. Standard error has a line for each rule of which there is
something to say, with its file and line:

  cannot    it is not in the policy, or one of its alternatives is not
  differs   it is, and something comes out otherwise than in OpenGFW
  needs     the policy names a list that must be made, and by which command
  nothing   it has nothing to do in a policy

go doc dpilab/rules/opengfw has what an OpenGFW rule is taken to mean. Exit codes: 0 all rules went over, 1 some did not, 2 no rules in the file.`,
		Example: `  dpilab rules import-opengfw rules.yaml --output mine.yaml
  dpilab check mine.yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("import-opengfw takes one file of rules: dpilab rules import-opengfw rules.yaml --output mine.yaml")
			}
			return f.run(args[0], cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.output, "output", "", "the policy's `file`, which ends in .yaml and gives the policy its name; without: standard output")
	fl.StringVar(&f.date, "date", time.Now().Format(time.DateOnly), "the policy's date")
	return c
}

func (f *opengfwFlags) run(file string, stdout, stderr io.Writer) error {
	o, err := f.options(file)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	r, err := opengfw.Convert(file, data, o)
	if err != nil {
		return err
	}
	for _, n := range r.Notes {
		fmt.Fprintln(stderr, n)
	}
	if r.Policy != nil {
		if err := f.write(r.Policy, stdout); err != nil {
			return err
		}
	}
	fmt.Fprintf(stderr, "%s: %s became %s\n", file, counted(r.Rules, "rule"), counted(r.Made, "rule"))
	if !r.Complete() {
		return &exitError{exitUnexpected, errSaid}
	}
	return nil
}

func (f *opengfwFlags) write(policy []byte, stdout io.Writer) error {
	if f.output == "" {
		_, err := stdout.Write(policy)
		return err
	}
	return os.WriteFile(f.output, policy, 0o644)
}

// options names the policy as its file is called, or as that of the rules.
func (f *opengfwFlags) options(file string) (o opengfw.Options, err error) {
	const ending = ".yaml"
	o.Date = f.date
	if _, err := time.Parse(time.DateOnly, f.date); err != nil {
		return o, fmt.Errorf("--date: found %q, expected a date such as 2026-02-12", f.date)
	}
	if f.output == "" {
		if o.Name = strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)); !strictyaml.IsLabel(o.Name) {
			o.Name = "opengfw"
		}
		return o, nil
	}
	o.Name = strings.TrimSuffix(filepath.Base(f.output), ending)
	if !strings.HasSuffix(f.output, ending) || !strictyaml.IsLabel(o.Name) {
		return o, fmt.Errorf("--output: found %q, expected a name of small letters, digits and hyphens that ends in %s", f.output, ending)
	}
	return o, nil
}
