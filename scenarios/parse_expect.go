package scenarios

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"dpilab/internal/strictyaml"
	"dpilab/lab/probe"
)

// expectations reads a phrase, a list of them, or one of both for every phase.
func (f *file) expectations(n strictyaml.Node) (map[string]Expectations, error) {
	if !n.IsMapping() {
		all, err := f.alternatives(n)
		return map[string]Expectations{elsePhase: all}, err
	}
	fields, err := n.Fields("{PHASE: OUTCOME, ...}", append(f.phaseNames(), elsePhase)...)
	if err != nil {
		return nil, err
	}
	all := map[string]Expectations{}
	for _, k := range fields {
		if all[k.Name], err = f.alternatives(k.Node); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (f *file) alternatives(n strictyaml.Node) (Expectations, error) {
	items, err := n.OneOrMore("a list of outcomes")
	if err != nil {
		return nil, err
	}
	var all Expectations
	for _, item := range items {
		e, err := f.expectation(item)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

func (f *file) expectation(n strictyaml.Node) (Expectation, error) {
	text, err := n.Text("an outcome: " + phrases)
	if err != nil {
		return Expectation{}, err
	}
	e, err := ParseExpectation(text)
	if p := (*phraseError)(nil); errors.As(err, &p) {
		return e, n.FailAt(p.offset, "%s", p.text)
	}
	nodes := append(f.hosts(), f.Topology.Routers...)
	for _, name := range append([]string{e.Host}, e.Hops...) {
		if name != "" && name != probe.SilentHop && !slices.Contains(nodes, name) {
			return e, n.FailAt(strings.LastIndex(text, name), "found %q, expected a host or router of the lab%s", name, strictyaml.Suggest(name, nodes))
		}
	}
	return e, nil
}

// results reads what a program's exit codes and output mean.
func (f *file) results(n strictyaml.Node) ([]probe.Result, error) {
	items, err := n.Items("a list, such as [{exit: 6, is: nxdomain}]")
	if err != nil {
		return nil, err
	}
	var all []probe.Result
	for _, item := range items {
		fields, err := item.Fields("{exit: N, is: OUTCOME} or {output: REGEXP, is: OUTCOME}", "exit", "output", "is")
		if err != nil {
			return nil, err
		}
		r := probe.Result{Exit: -1}
		for _, k := range fields {
			switch k.Name {
			case "exit":
				s, _ := k.Word()
				if r.Exit, err = strconv.Atoi(s); err != nil || r.Exit < 0 || r.Exit > 255 {
					return nil, k.Expected("an exit code, 0 to 255")
				}
			case "output":
				if r.Output, err = k.Text("a regular expression"); err != nil {
					return nil, err
				}
				if _, err = regexp.Compile(r.Output); err != nil {
					return nil, k.Fail("found %q, expected a regular expression: %v", r.Output, err)
				}
			case "is":
				is, err := f.expectation(k.Node)
				if err != nil {
					return nil, err
				}
				if is.Kind == "" || is.Measure != MeasureNone || is.Host != "" || len(is.Hops) > 0 {
					return nil, k.Fail("found %q, which an exit code cannot show; expected ok, nxdomain, refused, timeout, reset or silent [after STAGE] ...", is)
				}
				r.Kind, r.Stage = is.Kind, is.Stage
			}
		}
		if r.Kind == "" {
			return nil, item.Fail("the result has no outcome; write is: OUTCOME")
		}
		all = append(all, r)
	}
	return all, nil
}
