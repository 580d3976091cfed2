package matrix

import (
	"slices"

	"dpilab/lab"
	"dpilab/lab/probe"
	"dpilab/rules"
	"dpilab/scenarios"
	"dpilab/scenarios/tools"
)

// goalFor gives the first goal of the column that a tool carries, nil when it carries none. A browser carries pages and no downloads: where
// there is no page among the goals, it is measured by that of the first site to download from.
func (c *Column) goalFor(t *tools.Tool) *scenarios.Probe {
	for _, g := range c.Goals {
		if slices.Contains(t.Carries, g.Type) {
			return g
		}
	}
	if slices.Contains(t.Carries, probe.TypeHTTPS) {
		return c.page
	}
	return nil
}

// types are the words of the column's goals.
func (c *Column) types() []string {
	var all []string
	for _, g := range c.Goals {
		if !slices.Contains(all, string(g.Type)) {
			all = append(all, string(g.Type))
		}
	}
	return all
}

// phaseOf says what a column is.
func phaseOf(c *Column) Phase {
	p := Phase{Scenario: c.Scenario.Name, Name: c.Phase.Name, Policy: c.Phase.Policy(), Date: c.Phase.Date, Chance: c.chance()}
	for i, b := range c.Phase.Policies {
		if i > 0 {
			p.About += "; "
		}
		p.About += b.Policy.About
	}
	return p
}

// chance tells whether what a policy does to a flow falls by a draw.
func (c *Column) chance() bool {
	return slices.ContainsFunc(c.Phase.Policies, func(b scenarios.BoxPolicy) bool {
		some := func(h rules.Chance) bool { return h.Share > 0 && h.Share < 1 }
		if some(b.Compiled.Profile.Miss) {
			return true
		}
		return slices.ContainsFunc(b.Compiled.Rules, func(r rules.Rule) bool {
			return some(r.Chance) || r.Do.Mechanism == rules.MechanismCapacity && r.Do.Capacity > 0 && r.Do.Capacity < 100
		})
	})
}

// coverOf names a site abroad that a tool may pretend to be: on the far side of the boxes, with HTTPS, asked by the resolver that the tool's
// server asks, on another host, and in as few lists of the scenario's policies as can be. "" when there is none.
func coverOf(s *scenarios.Scenario, v *view, server string) string {
	best, least := "", len(s.Phases)*8+1
	for _, h := range s.Topology.Hosts {
		if h.Name == server || v.near(h.Name) || len(h.Names) == 0 || h.Resolver == "" || h.Resolver != resolverOf(s.Topology, server) ||
			!slices.ContainsFunc(h.Serves, func(w lab.Serve) bool { return w.Service == "https" }) {
			continue
		}
		for _, name := range h.Names {
			if n := listed(s, v, &h, name); n < least {
				best, least = name, n
			}
		}
	}
	return best
}

func resolverOf(t *lab.Topology, host string) string {
	if h := t.Host(host); h != nil {
		return h.Resolver
	}
	return ""
}

// listed counts the policies that have a name or an address of its host in a list, and the goals that the host serves.
func listed(s *scenarios.Scenario, v *view, host *lab.HostSpec, name string) int {
	n := 0
	for _, p := range s.Phases {
		for _, b := range p.Policies {
			if b.Compiled.Name([]byte(name)) != 0 {
				n++
			}
			for addr, node := range v.hostOf {
				if node == host.Name && addr.Is4() && b.Compiled.Addr(addr) != 0 {
					n++
				}
			}
		}
	}
	for _, q := range s.Probes {
		if q.Goal && (slices.Contains(host.Names, q.Host) || q.Address == host.Name) {
			n++
		}
	}
	return n
}
