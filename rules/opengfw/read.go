package opengfw

import (
	"fmt"
	"net/netip"
	"strings"

	"dpilab/internal/strictyaml"
)

// action is what a rule of OpenGFW does. The zero action only logs.
type action string

const (
	allow  action = "allow"
	block  action = "block"
	drop   action = "drop"
	modify action = "modify"
)

// source is a rule as the file has it.
type source struct {
	line    int
	name    string
	action  action
	expr    string
	answers []netip.Addr // modify
	wrong   string       // why it is none
}

// read gives the rules of a file. A rule that is wrong by itself is told in its place.
func read(file string, data []byte) ([]source, error) {
	top, err := strictyaml.Parse(file, data, "list of rules")
	if err != nil {
		return nil, err
	}
	items, err := top.Items("a list of OpenGFW rules: - name, action, expr")
	if err != nil {
		return nil, err
	}
	all := make([]source, len(items))
	for i, n := range items {
		all[i] = readRule(n)
	}
	return all, nil
}

func readRule(n strictyaml.Node) (s source) {
	s.line = n.Line()
	fail := func(err error) source {
		s.wrong = err.Error()
		if e, ok := err.(*strictyaml.Error); ok {
			s.wrong = e.Text
		}
		return s
	}
	fields, err := n.Fields("a rule", "name", "action", "log", "modifier", "expr")
	if err != nil {
		return fail(err)
	}
	for _, f := range fields {
		switch f.Name {
		case "name":
			s.name, _ = f.Word()
		case "action":
			err = s.readAction(f.Node)
		case "expr":
			s.expr, err = f.Lines("an expression")
		case "log":
			_, err = f.OneOf("true", "false")
		}
		if err != nil {
			return fail(err)
		}
	}
	if s.expr == "" {
		return fail(n.Fail("found a rule without the key \"expr\", expected an expression"))
	}
	if s.action == modify {
		err = s.readModifier(strictyaml.Find(fields, "modifier"))
	}
	if err != nil {
		return fail(err)
	}
	return s
}

func (s *source) readAction(n strictyaml.Node) error {
	w, _ := n.Word()
	s.action = action(strings.ToLower(w))
	switch s.action {
	case allow, block, drop, modify:
		return nil
	}
	return n.Expected("allow, block, drop or modify")
}

// readModifier reads {name: dns, args: {a: "192.0.2.1", aaaa: "2001:db8::1"}}: OpenGFW has no other.
func (s *source) readModifier(f *strictyaml.Field) error {
	if f == nil {
		return fmt.Errorf("action modify without a modifier")
	}
	fields, err := f.Fields("a modifier", "name", "args")
	if err != nil {
		return err
	}
	name := strictyaml.Find(fields, "name")
	if name == nil {
		return f.Fail("found a modifier without a name, expected dns")
	}
	if _, err := name.OneOf("dns"); err != nil {
		return err
	}
	args := strictyaml.Find(fields, "args")
	if args == nil {
		return f.Fail("found a modifier without addresses, expected args: {a: ADDRESS, aaaa: ADDRESS}")
	}
	values, err := args.Fields("addresses", "a", "aaaa")
	if err != nil {
		return err
	}
	for _, v := range values {
		text, _ := v.Word()
		a, err := netip.ParseAddr(text)
		if err != nil || a.Zone() != "" || a.Unmap().Is4() != (v.Name == "a") {
			return v.Expected("an address for " + v.Name)
		}
		s.answers = append(s.answers, a.Unmap())
	}
	return nil
}
