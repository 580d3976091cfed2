package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"dpilab/internal/strictyaml"
	"dpilab/lab"
	"dpilab/lab/probe"
	"dpilab/rules"
	"dpilab/scenarios/tools"
)

const (
	tryLab    = "internet"
	tryCover  = "example.org"
	trySite   = "twitter.com"
	tryServer = "server"
	tryBytes  = 200_000
)

type tryFlags struct {
	policy, site, server, goal string
	bytes                      int64
}

func toolsTryCommand() *cobra.Command {
	var f tryFlags
	c := &cobra.Command{
		Use:   "try TOOL",
		Short: "Start one tool in a lab and reach a site through it",
		Long: `Start a tool in the lab ` + tryLab + `, without a box or with a policy, and reach a site through it: how long each step took, whether the
traffic went through the tool, and where it went wrong what the tool wrote. Exit code 0: reached, through the tool.`,
		Example: `  dpilab tools try curl
  dpilab tools try mine.yaml/ws --policy 2026-home --goal download`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("tools try takes one tool: dpilab tools try curl (dpilab tools has them all)")
			}
			all, err := tools.Open(args[0])
			if err != nil {
				return err
			}
			if len(all) > 1 && strings.Contains(all[0].Name, "/") {
				return fmt.Errorf("%s is only what its variants have in common; try one of them, such as %s", args[0], all[0].Name)
			}
			if missing := all[0].Missing(); len(missing) > 0 && lab.CanEnter() == nil {
				return &exitError{exitMachine, fmt.Errorf("%s: %s", all[0].Name, strings.Join(missing, ", "))}
			}
			var policy *rules.Compiled
			if f.policy != "" {
				p, err := openPolicy(f.policy)
				if err != nil {
					return err
				}
				if policy, err = p.Compile(); err != nil {
					return err
				}
			}
			goal, err := f.goalOf(all[0])
			if err != nil {
				return err
			}
			lab.Enter()
			return f.try(cmd.Context(), cmd.OutOrStdout(), all[0], policy, goal)
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.policy, "policy", "", "the `policy` of the box, a name or a file; without it there is no box")
	fl.StringVar(&f.site, "site", trySite, "the `name` that is tried")
	fl.StringVar(&f.goal, "goal", "", "`what` is tried: https, download ...; without it the first that the tool carries of https, download, http3, http")
	fl.StringVar(&f.server, "server", tryServer, "the `host` of the tool's server part")
	fl.Int64Var(&f.bytes, "bytes", tryBytes, "`how much` a download is")
	return c
}

// goalOf gives the probe that is tried.
func (f *tryFlags) goalOf(t *tools.Tool) (probe.Probe, error) {
	wanted := []probe.Type{probe.TypeHTTPS, probe.TypeDownload, probe.TypeHTTP3, probe.TypeHTTP}
	if f.goal != "" {
		wanted = []probe.Type{probe.Type(f.goal)}
	} else {
		wanted = append(wanted, t.Carries...)
	}
	for _, g := range wanted {
		if !slices.Contains(t.Carries, g) {
			continue
		}
		p := probe.Of(g, f.site)
		if g == probe.TypeDownload {
			p.Bytes = f.bytes
		}
		if g == probe.TypeConnect || g == probe.TypeChat {
			p.Port = lab.PortHTTPS
		}
		return p, nil
	}
	var all []string
	for _, g := range t.Carries {
		all = append(all, string(g))
	}
	return probe.Probe{}, fmt.Errorf("--goal: found %q, expected what %s carries: %s%s", f.goal, t.Name, strictyaml.OrList(all), strictyaml.Suggest(f.goal, all))
}

func (f *tryFlags) try(ctx context.Context, out io.Writer, t *tools.Tool, policy *rules.Compiled, goal probe.Probe) (err error) {
	topology, err := lab.OpenTopology(tryLab)
	if err != nil {
		return err
	}
	if topology.Host(f.server) == nil {
		return fmt.Errorf("--server: topology %s has no host %q; hosts: %s", topology.Name, f.server, hostNames(topology))
	}
	l, err := lab.Build(ctx, topology, lab.Options{})
	if err != nil {
		return explained(err)
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	services, err := l.Serve(ctx)
	if err != nil {
		return err
	}
	if policy != nil {
		if _, err := l.StartBox(topology.Boxes[0], lab.BoxOptions{Policy: policy, Seed: 1}); err != nil {
			return explained(err)
		}
		without := goal.Try(ctx, probe.From{Host: l.Host("client"), Services: services})
		fmt.Fprintf(out, "without the tool  %s %s: %s\n", goal.Type, goal.Target(), without)
	}
	dir, err := os.MkdirTemp("/run", "dpilab-tool-") // the lab's own, which goes with it
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	place := tools.Place{
		Lab: l, Services: services, Client: l.Host("client"), Router: l.Host("isp"), Server: l.Host(f.server), Cover: tryCover, Dir: dir,
	}
	return through(ctx, out, t, place, goal)
}

// through starts a tool, tries the goal once, and says what came of it.
func through(ctx context.Context, out io.Writer, t *tools.Tool, place tools.Place, goal probe.Probe) (err error) {
	began := time.Now()
	s, err := t.Open(ctx, place)
	if err != nil {
		return unexpected(err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if t.HasServer() {
		fmt.Fprintf(out, "server part       ready after %s on %s\n", probe.Short(time.Since(began)), place.Server.Name)
	}
	began = time.Now()
	if err := s.Start(ctx, goal); err != nil {
		wrote(out, s)
		return unexpected(err)
	}
	fmt.Fprintf(out, "client part       ready after %s\n", probe.Short(time.Since(began)))
	o := s.Try(ctx, goal)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	fmt.Fprintf(out, "through %-9s %s %s: %s%s\n", t.Name, goal.Type, goal.Target(), o, times(o))
	used := s.Used()
	reached := o.Kind == probe.OK || o.Kind == probe.Throttled
	if o.Kind == probe.OK && used == nil {
		return nil
	}
	if !reached {
		fmt.Fprint(out, o.Story())
	}
	wrote(out, s)
	if reached && used != nil {
		return unexpected(fmt.Errorf("%s: reached, but not through the tool: %w", t.Name, used))
	}
	return &exitError{exitUnexpected, errSaid}
}

// unexpected is the error of a tool that does not do what its definition says.
func unexpected(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return &exitError{exitUnexpected, err}
}

func wrote(out io.Writer, s *tools.Session) {
	if text := s.Log(); text != "" {
		fmt.Fprintf(out, "what it wrote:\n%s", text)
	}
}

func times(o probe.Outcome) string {
	var all []string
	for _, m := range []struct {
		name string
		d    time.Duration
	}{{"handshake", o.Handshake}, {"first byte", o.FirstByte}, {"all", o.After}} {
		if m.d > 0 && (o.Kind == probe.OK || o.Kind == probe.Throttled) {
			all = append(all, m.name+" "+probe.Short(m.d))
		}
	}
	if len(all) == 0 {
		return ""
	}
	return " (" + strings.Join(all, ", ") + ")"
}
