package matrix

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"dpilab/internal/strictyaml"
	"dpilab/lab/probe"
	"dpilab/scenarios"
	"dpilab/scenarios/tools"
)

// DefaultScenario is the one whose phases are all policies that ship.
const DefaultScenario = "every-policy"

// Selection says which cells a matrix has. The zero value is every tool that ships against every policy that ships.
type Selection struct {
	Tools     []string // NAME, NAME/VARIANT, a glob of either, or a file; none: all that ship
	Scenarios []string // names, or files; none: DefaultScenario
	Policies  []string // names or globs of policies, or of phases; none: all phases
	Shard     Shard
}

// Column is a phase of a scenario, which tools are tried against.
type Column struct {
	Scenario *scenarios.Scenario
	Phase    *scenarios.Phase
	Goals    []*scenarios.Probe // that are tried in the phase, in the order of the scenario

	page *scenarios.Probe // the page of the first site that is a goal to download from; nil when there is none
}

// Plan is the cells of a matrix in their order, tool by tool. It is made by NewPlan, and nothing here changes it.
type Plan struct {
	Tools   []*tools.Tool
	Columns []*Column
	Shard   Shard
}

// NewPlan reads what is selected. A name that leads to nothing is an *Error, broken files are errors of their packages.
func NewPlan(s Selection) (*Plan, error) {
	if err := s.Shard.check(); err != nil {
		return nil, err
	}
	p := &Plan{Shard: s.Shard}
	var err error
	if p.Columns, err = columns(s.Scenarios, s.Policies); err != nil {
		return nil, err
	}
	p.Tools, err = toolsOf(s.Tools)
	return p, err
}

// Error is a selection that leads to nothing: which word, and what was expected. Its message is one line.
type Error struct{ Text string }

func (e *Error) Error() string { return e.Text }

func fail(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// columns gives the phases of the scenarios that are asked for.
func columns(names, policies []string) ([]*Column, error) {
	if len(names) == 0 {
		names = []string{DefaultScenario}
	}
	var all []*Column
	for _, name := range names {
		s, err := scenarios.Open(name)
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(s.Phases, func(p scenarios.Phase) bool { return p.Server == "" }); i >= 0 {
			return nil, fail("%s: the scenario is not for tools: it does not say where their servers run in the phase %s; add server: HOST", s.File, s.Phases[i].Name)
		}
		pages := map[int]*scenarios.Probe{} // one a probe, whatever the phase
		for i := range s.Phases {
			c := &Column{Scenario: s, Phase: &s.Phases[i]}
			for j := range s.Probes {
				if _, tried := s.Probes[j].Expected(c.Phase.Name); tried && s.Probes[j].Goal {
					c.Goals = append(c.Goals, &s.Probes[j])
					if c.page == nil && s.Probes[j].Type == probe.TypeDownload {
						if pages[j] == nil {
							page := s.Probes[j]
							page.Type, page.Bytes, page.For = probe.TypeHTTPS, 0, 0
							pages[j] = &page
						}
						c.page = pages[j]
					}
				}
			}
			if len(c.Goals) > 0 {
				all = append(all, c)
			}
		}
	}
	if len(all) == 0 {
		return nil, fail("no phase of %s tries a probe with goal: true, by which tools are measured", strictyaml.OrList(names))
	}
	return filter(all, policies)
}

// filter keeps the columns of the policies that are asked for, in their order.
func filter(all []*Column, patterns []string) ([]*Column, error) {
	if len(patterns) == 0 {
		return all, nil
	}
	hit := map[*Column]bool{}
	for _, pattern := range patterns {
		found := false
		for _, c := range all {
			if slices.ContainsFunc(c.names(), func(name string) bool { return matches(pattern, name) }) {
				hit[c], found = true, true
			}
		}
		if !found {
			var names []string
			for _, c := range all {
				names = append(names, c.names()[0])
			}
			return nil, fail("no phase has the policy %q, expected %s%s", pattern, strictyaml.OrList(names), strictyaml.Suggest(pattern, names))
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(c *Column) bool { return !hit[c] }), nil
}

// names are the words that select a column: its policies and its phase.
func (c *Column) names() []string {
	var names []string
	for _, b := range c.Phase.Policies {
		names = append(names, b.Policy.Name)
	}
	return append(names, c.Phase.Name)
}

// toolsOf gives the tools that are asked for, in that order and each once.
func toolsOf(words []string) ([]*tools.Tool, error) {
	shipped := tools.Names()
	if len(words) == 0 {
		words = shipped
	}
	var all []*tools.Tool
	for _, word := range words {
		some, err := expand(word, shipped)
		if err != nil {
			return nil, err
		}
		for _, t := range some {
			if !slices.ContainsFunc(all, func(o *tools.Tool) bool { return o.Name == t.Name && o.File == t.File }) {
				all = append(all, t)
			}
		}
	}
	if len(all) == 0 {
		return nil, fail("no tool is selected")
	}
	for i, t := range all {
		for _, o := range all[:i] {
			if o.Name == t.Name {
				return nil, fail("two tools have the name %s: %s and %s", t.Name, o.File, t.File)
			}
		}
	}
	return all, nil
}

// expand gives the tools of one word. A glob without a slash is of names, with all their variants; one with a slash is of variants.
func expand(word string, shipped []string) ([]*tools.Tool, error) {
	name, variant, _ := strings.Cut(word, "/")
	switch {
	case strings.HasSuffix(word, ".yaml"), strings.HasPrefix(word, "."), strings.HasPrefix(word, "/"):
		return tools.Open(word)
	case !strings.ContainsAny(word, "*?["):
		if !slices.Contains(shipped, name) && variant == "" {
			return nil, fail("no tool of the name %q ships, expected %s, or a file with the ending .yaml%s", word, strictyaml.OrList(shipped), strictyaml.Suggest(word, shipped))
		}
		return tools.Open(word)
	}
	var all []*tools.Tool
	for _, s := range shipped {
		if !matches(name, s) {
			continue
		}
		some, err := tools.Open(s)
		if err != nil {
			return nil, err
		}
		for _, t := range some {
			if variant == "" || matches(word, t.Name) {
				all = append(all, t)
			}
		}
	}
	if len(all) == 0 {
		return nil, fail("no tool that ships matches %q, expected some of %s", word, strictyaml.OrList(shipped))
	}
	return all, nil
}

// matches tells whether a name is the pattern's. A pattern that is broken matches nothing.
func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}
