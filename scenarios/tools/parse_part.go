package tools

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"dpilab/internal/strictyaml"
)

// The keys of a part.
var (
	serverKeys = []string{"user", "env", "before", "run", "ready", "within", "after", "undo"}
	clientKeys = append([]string{"on"}, serverKeys...)
)

// conditionKinds are the words that a ready begins with.
var conditionKinds = []string{"tcp", "udp", "log", "interface", "file", "exit"}

const (
	defaultWithin = 15 * time.Second // a Go program that reads a large configuration starts in 2 s on a busy machine (choice)
	maxWithin     = 2 * time.Minute
	readyForms    = `"tcp PORT", "udp PORT", "log REGEXP", "interface NAME", "file PATH" or "exit"`
)

func (r *reader) readServer() (err error) {
	r.def.server, err = r.part("server", "a server part", serverKeys, false)
	return err
}

func (r *reader) readClient() (err error) {
	r.def.client, err = r.part("client", "a client part", clientKeys, true)
	return err
}

// part reads a part; nil: there is none.
func (r *reader) part(key, what string, keys []string, goal bool) (*part, error) {
	fields, err := r.fields(key, what+": {run: COMMAND, ready: "+`"tcp PORT"`+"}", keys...)
	if err != nil || fields == nil {
		return nil, err
	}
	p := &part{within: defaultWithin}
	for _, f := range fields {
		if err := r.partKey(p, f, goal); err != nil {
			return nil, err
		}
	}
	last := r.layers[key][len(r.layers[key])-1]
	run := strictyaml.Find(fields, "run")
	switch {
	case p.run == nil && p.before == nil && p.after == nil:
		return nil, last.Fail("found %s that does nothing, expected run, before or after", what)
	case p.run != nil && p.ready == nil:
		return nil, run.Key.Fail("found run without ready, expected how to know that it is ready: %s", readyForms)
	}
	for _, c := range p.ready {
		if p.run == nil && (c.kind == "exit" || c.kind == "log") {
			return nil, strictyaml.Find(fields, "ready").Fail("found %q without run: nothing runs that could exit or write", c.kind)
		}
	}
	return p, nil
}

func (r *reader) partKey(p *part, f strictyaml.Field, goal bool) (err error) {
	var i int
	switch f.Name {
	case "on":
		i, err = f.OneOf("client", "router")
		p.router = i == 1
	case "user":
		i, err = f.OneOf("root", "plain")
		p.plain = i == 1
	case "env":
		p.env, err = r.env(f.Node, goal)
	case "before":
		p.before, err = r.commands(f.Node, goal)
	case "run":
		p.run, err = r.command(f.Node, goal)
	case "ready":
		p.ready, err = r.conditions(f.Node, goal)
	case "within":
		p.within, err = within(f)
	case "after":
		p.after, err = r.commands(f.Node, goal)
	case "undo":
		p.undo, err = r.commands(f.Node, goal)
	}
	return err
}

func (r *reader) env(n strictyaml.Node, goal bool) (all []variable, err error) {
	fields, err := n.Fields("{NAME: value, ...}")
	if err != nil {
		return nil, err
	}
	for _, f := range fields {
		v, err := f.Text("a value")
		if err != nil {
			return nil, err
		}
		if strings.ContainsAny(f.Name, "= ") {
			return nil, f.Key.Expected("the name of a variable")
		}
		if err := r.template(f.Node, v, goal); err != nil {
			return nil, err
		}
		all = append(all, variable{f.Name, v})
	}
	return all, nil
}

// commands reads a list of commands, or one.
func (r *reader) commands(n strictyaml.Node, goal bool) (all []command, err error) {
	items, err := n.OneOrMore("a list of commands")
	if err != nil {
		return nil, err
	}
	for _, item := range items {
		c, err := r.command(item, goal)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// command reads a line that is split as a shell would, or a list of words.
func (r *reader) command(n strictyaml.Node, goal bool) (c command, err error) {
	if line, e := n.Lines("a command"); e == nil {
		if c, err = splitWords(line); err != nil {
			return nil, n.Fail("found %s, expected a command", err)
		}
	} else {
		items, err := n.Items("a command, such as \"xray run -c {dir}/client.json\", or a list of its words")
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			w, ok := item.Word()
			if text, e := item.Lines(""); e == nil {
				w, ok = text, true
			}
			if !ok {
				return nil, item.Expected("a word of the command")
			}
			c = append(c, w)
		}
	}
	if len(c) == 0 || c[0] == "" {
		return nil, n.Expected("a command, which begins with a program")
	}
	return c, r.template(n, strings.Join(c, " "), goal)
}

func (r *reader) conditions(n strictyaml.Node, goal bool) (all []condition, err error) {
	items, err := n.OneOrMore("how to know that it is ready: " + readyForms)
	if err != nil {
		return nil, err
	}
	for _, item := range items {
		c, err := r.condition(item, goal)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

func (r *reader) condition(n strictyaml.Node, goal bool) (c condition, err error) {
	text, err := n.Text("how to know that it is ready: " + readyForms)
	if err != nil {
		return c, err
	}
	kind, rest, _ := strings.Cut(text, " ")
	c.kind, c.text = kind, strings.TrimSpace(rest)
	switch kind {
	case "tcp", "udp":
		port, err := strconv.ParseUint(c.text, 10, 16)
		if err != nil || port == 0 {
			return c, n.Fail("found %q, expected %s and a port of 1 to 65535", text, kind)
		}
		c.port = uint16(port)
		return c, nil
	case "log":
		if c.regexp, err = regexp.Compile(c.text); err != nil || c.text == "" {
			return c, n.Fail("found %q, expected log and a regular expression (RE2)", text)
		}
		return c, nil
	case "interface", "file":
		if c.text == "" {
			return c, n.Fail("found %q, expected what it is called: %s", text, readyForms)
		}
		return c, r.template(n, c.text, goal)
	case "exit":
		if c.text != "" {
			return c, n.Fail("found %q, expected exit alone: run has to end with code 0", text)
		}
		return c, nil
	}
	return c, n.Fail("found %q, expected %s%s", text, readyForms, strictyaml.Suggest(kind, conditionKinds))
}

func within(f strictyaml.Field) (time.Duration, error) {
	s, _ := f.Word()
	d, err := time.ParseDuration(s)
	if err != nil || d < time.Second || d > maxWithin {
		return 0, f.Expected(fmt.Sprintf("a time of 1s to %s, such as 30s", maxWithin))
	}
	return d, nil
}
