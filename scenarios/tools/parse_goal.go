package tools

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"dpilab/internal/strictyaml"
	"dpilab/lab/probe"
)

// goalTypes are what a tool can be measured by.
var goalTypes = []string{"dns", "connect", "http", "https", "http3", "chat", "call", "download", "ping", "traceroute"}

// measureNames are what a program may print about itself: times in seconds, a number of bytes.
var measureNames = []string{"handshake", "first-byte", "seconds", "bytes"}

var (
	goalKeys   = []string{"run", "within", "outcomes", "measures"}
	resultKeys = []string{"exit", "output", "is"}
	kindWords  = []string{
		"ok", "nxdomain", "no answer", "refused", "unreachable", "timeout", "reset", "closed", "silent", "blockpage", "stalled", "throttled",
	}
	stageWords = []string{"DNS", "connect", "ClientHello", "Initial", "request", "opening", "message", "STUN", "tunnel"}
)

func (r *reader) readGoals() error {
	fields, err := r.fields("goals", "{GOAL: {run: COMMAND}, ...}", goalTypes...)
	if err != nil {
		return err
	}
	isClient := r.def.traffic.way == wayClient
	switch {
	case fields == nil && isClient:
		return r.top.Fail("found traffic: client without goals, expected how the program does them itself: goals: {https: {run: COMMAND}}")
	case fields != nil && !isClient:
		return fields[0].Key.Fail("found goals beside traffic: %s, expected traffic: client", r.def.traffic.way)
	}
	for _, f := range fields {
		g, err := r.goal(f.Node)
		if err != nil {
			return err
		}
		r.def.goals[probe.Type(f.Name)] = g
	}
	return nil
}

func (r *reader) goal(n strictyaml.Node) (g goal, err error) {
	fields, err := n.Fields("{run: COMMAND, outcomes: [...]}", goalKeys...)
	if err != nil {
		return g, err
	}
	if err := n.Require(fields, "goal", "run"); err != nil {
		return g, err
	}
	for _, f := range fields {
		switch f.Name {
		case "run":
			g.run, err = r.command(f.Node, true)
		case "within":
			g.within, err = within(f)
		case "outcomes":
			g.outcomes, err = results(f.Node)
		case "measures":
			g.measures, err = measures(f.Node)
		}
		if err != nil {
			return g, err
		}
	}
	if g.outcomes == nil && g.run[0] == "curl" {
		g.outcomes = probe.CurlResults()
	}
	return g, nil
}

// results reads what a program's exit codes and output mean.
func results(n strictyaml.Node) (all []probe.Result, err error) {
	if w, _ := n.Word(); w == "curl" {
		return probe.CurlResults(), nil
	}
	items, err := n.Items("curl, or a list such as [{exit: 6, is: nxdomain}]")
	if err != nil {
		return nil, err
	}
	for _, item := range items {
		fields, err := item.Fields("{exit: N, is: OUTCOME} or {output: REGEXP, is: OUTCOME}", resultKeys...)
		if err != nil {
			return nil, err
		}
		if err := item.Require(fields, "result", "is"); err != nil {
			return nil, err
		}
		one := probe.Result{Exit: -1}
		for _, f := range fields {
			switch f.Name {
			case "exit":
				w, _ := f.Word()
				if one.Exit, err = strconv.Atoi(w); err != nil || one.Exit < 0 || one.Exit > 255 {
					return nil, f.Expected("an exit code of 0 to 255")
				}
			case "output":
				e, err := expression(f.Node)
				if err != nil {
					return nil, err
				}
				one.Output = e.String()
			case "is":
				if one.Kind, one.Stage, err = outcome(f.Node); err != nil {
					return nil, err
				}
			}
		}
		if one.Exit < 0 && one.Output == "" {
			return nil, item.Fail("found neither exit nor output, expected one of them beside is")
		}
		all = append(all, one)
	}
	return all, nil
}

// outcome reads OUTCOME [after STAGE].
func outcome(n strictyaml.Node) (probe.Kind, probe.Stage, error) {
	text, err := n.Text("an outcome, such as timeout or reset after ClientHello")
	if err != nil {
		return "", "", err
	}
	kind, stage, after := strings.Cut(text, " after ")
	if !slices.Contains(kindWords, kind) {
		return "", "", n.Fail("found %q, expected an outcome: %s%s", kind, strictyaml.OrList(kindWords), strictyaml.Suggest(kind, kindWords))
	}
	if after && !slices.Contains(stageWords, stage) {
		return "", "", n.Fail("found after %q, expected %s%s", stage, strictyaml.OrList(stageWords), strictyaml.Suggest(stage, stageWords))
	}
	return probe.Kind(kind), probe.Stage(stage), nil
}

func expression(n strictyaml.Node) (*regexp.Regexp, error) {
	w, err := n.Text("a regular expression (RE2)")
	if err != nil {
		return nil, err
	}
	e, err := regexp.Compile(w)
	if err != nil {
		return nil, n.Expected("a regular expression (RE2)")
	}
	return e, nil
}

func measures(n strictyaml.Node) (map[string]*regexp.Regexp, error) {
	fields, err := n.Fields("{MEASURE: REGEXP, ...}", measureNames...)
	if err != nil {
		return nil, err
	}
	all := map[string]*regexp.Regexp{}
	for _, f := range fields {
		e, err := expression(f.Node)
		if err != nil {
			return nil, err
		}
		if e.NumSubexp() != 1 {
			return nil, f.Expected("a regular expression with one group, which is the number")
		}
		all[f.Name] = e
	}
	return all, nil
}
