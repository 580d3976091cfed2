package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"dpilab/lab"
	"dpilab/lab/service"
	"dpilab/scenarios"
)

func shellCommand() *cobra.Command {
	var phase string
	c := &cobra.Command{
		Use:   "shell SCENARIO [HOST] [-- COMMAND [ARG...]]",
		Short: "Open a shell, or run a command, on a host of a scenario's lab",
		Long: `Build the lab of a scenario with its services and with the box of one phase, and run a shell there. The host is the
subscriber's unless another is named. The exit code is the command's.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			names, argv := args, []string(nil)
			if at := cmd.ArgsLenAtDash(); at >= 0 {
				names, argv = args[:at], args[at:]
			}
			if len(names) < 1 || len(names) > 2 {
				return errors.New("shell takes a scenario and at most one host: dpilab shell SCENARIO [HOST] [-- COMMAND]")
			}
			s, err := scenarios.Open(names[0])
			if err != nil {
				return err
			}
			lab.Enter()
			host := s.Client
			if len(names) == 2 {
				host = names[1]
			}
			return shell(cmd.Context(), s, phase, host, argv, cmd.ErrOrStderr())
		},
	}
	c.Flags().StringVar(&phase, "phase", "", "the phase whose policies the boxes have; the last one if not given")
	return c
}

func shell(ctx context.Context, s *scenarios.Scenario, phase, host string, argv []string, stderr io.Writer) (err error) {
	p, err := phaseOf(s, phase)
	if err != nil {
		return err
	}
	top := s.Topology
	if top.Host(host) == nil {
		return fmt.Errorf("topology %s has no host %q; hosts: %s", top.Name, host, hostNames(top))
	}
	l, err := lab.Build(ctx, top, lab.Options{})
	if err != nil {
		return explained(err)
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	services, err := l.Serve(ctx)
	if err != nil {
		return err
	}
	services.Remove(p.Remove...)
	for _, b := range p.Policies {
		if _, err := l.StartBox(b.Box, lab.BoxOptions{Policy: b.Compiled, Seed: 1}); err != nil {
			return explained(err)
		}
	}
	if len(argv) == 0 {
		fmt.Fprintf(stderr, "host %s, phase %s (%s), policy %s; leave with exit\n", host, p.Name, p.Date, p.Policy())
		argv = []string{shellProgram()}
	}
	return runOn(ctx, l.Host(host), services, argv)
}

// runOn runs a command on a host with the terminal of the caller; its exit code is the error's.
func runOn(ctx context.Context, h *lab.Host, services *lab.Services, argv []string) error {
	c := h.Command(ctx, argv[0], argv[1:]...)
	c.Env = append(os.Environ(), service.Env(services.CAFile)...)
	c.Env = append(c.Env, "PS1="+h.Name+"$ ")
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := c.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return &exitError{exit.ExitCode(), errSaid}
	}
	return err
}

func shellProgram() string {
	if s := os.Getenv("SHELL"); s != "" {
		if _, err := exec.LookPath(s); err == nil {
			return s
		}
	}
	return "/bin/sh"
}

func phaseOf(s *scenarios.Scenario, name string) (scenarios.Phase, error) {
	var all []string
	for _, p := range s.Phases {
		if p.Name == name {
			return p, nil
		}
		all = append(all, p.Name)
	}
	if name == "" {
		return s.Phases[len(s.Phases)-1], nil
	}
	return scenarios.Phase{}, fmt.Errorf("scenario %s has no phase %q; phases: %s", s.Name, name, strings.Join(all, ", "))
}

func hostNames(t *lab.Topology) string {
	var all []string
	for _, h := range t.Hosts {
		all = append(all, h.Name)
	}
	return strings.Join(all, ", ")
}
