package tools

import (
	"fmt"
	"slices"
	"strings"

	"dpilab/internal/strictyaml"
	"dpilab/lab/probe"
)

// deviceWords of needs are no programs.
var deviceWords = []string{"tun", "nfqueue", "raw"}

// readNeeds keeps what is named, and the first word of each command.
func (r *reader) readNeeds() error {
	need := func(w string) {
		if !slices.Contains(r.def.needs, w) {
			r.def.needs = append(r.def.needs, w)
		}
	}
	if n := r.value("needs"); n != nil {
		items, err := n.OneOrMore(fmt.Sprintf("a list of programs, and of %s", strictyaml.OrList(deviceWords)))
		if err != nil {
			return err
		}
		for _, item := range items {
			w, err := item.Text("a program, or " + strictyaml.OrList(deviceWords))
			if err != nil {
				return err
			}
			need(w)
		}
	}
	for _, c := range r.def.commands() {
		if !strings.Contains(c[0], "{") {
			need(c[0])
		}
	}
	return nil
}

// commands gives everything that is run.
func (d *definition) commands() (all []command) {
	for _, p := range []*part{d.server, d.client} {
		if p == nil {
			continue
		}
		if p.run != nil {
			all = append(all, p.run)
		}
		all = append(append(append(all, p.before...), p.after...), p.undo...)
	}
	if d.traffic.counter != nil {
		all = append(all, d.traffic.counter)
	}
	for _, name := range goalTypes {
		if g, ok := d.goals[probe.Type(name)]; ok {
			all = append(all, g.run)
		}
	}
	return all
}
