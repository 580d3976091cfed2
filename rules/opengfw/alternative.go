package opengfw

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// text is the alternative for a message, as far as the expression has it.
func (a *alternative) text() string {
	parts := make([]string, 0, len(a.literals))
	for _, l := range a.literals {
		part := l.text
		if l.not {
			part = "not (" + part + ")"
		}
		parts = append(parts, part)
	}
	s := strings.Join(parts, " and ")
	if r := []rune(s); len(r) > 120 {
		s = string(r[:120]) + "..."
	}
	return s
}

// rule makes a rule of the alternative; nil if it never holds.
func (a *alternative) rule(s source) (*rule, error) {
	r := &rule{from: s, when: cond{}}
	for _, l := range a.literals {
		if l.err != nil {
			return nil, l.err
		}
		if l.not {
			continue
		}
		if err := r.when.and(l.cond); err != nil {
			return nil, err
		}
	}
	for _, l := range a.literals {
		if !l.not {
			continue
		}
		if err := a.except(r, &l); err != nil {
			return nil, err
		}
	}
	if err := r.decide(); err != nil {
		return nil, err
	}
	if r.when.never() {
		return nil, nil
	}
	for i, u := range r.unless {
		r.unless[i] = u.without(r.when)
		if len(r.unless[i]) == 0 {
			return nil, nil // whatever the rest fits is excepted
		}
	}
	return r, nil
}

// except puts what must not hold into the rule.
func (a *alternative) except(r *rule, l *literal) error {
	switch {
	case l.early || knows(others(a.literals, l), l.analyzer):
	case l.fragile && l.present != nil: // of nothing it is an error, and the rule does not hold
		if err := r.when.and(l.present); err != nil {
			return err
		}
	default:
		return fmt.Errorf("not (%s): OpenGFW decides this with the first packet, when nothing is known of %s yet, so that it holds "+
			"for all that the rest fits; ask for %s as well, such as %s != nil", l.text, l.analyzer, l.analyzer, l.analyzer)
	}
	if _, asked := l.cond[responseKey]; asked {
		return fmt.Errorf("not (%s): no condition of a policy", l.text)
	}
	if !l.cond.never() {
		r.unless = append(r.unless, l.cond)
	}
	return nil
}

func others(all []literal, but *literal) []literal {
	return slices.DeleteFunc(slices.Clone(all), func(l literal) bool { return l.text == but.text && l.not == but.not })
}

// decide chooses the mechanism.
func (r *rule) decide() error {
	response := r.when[responseKey]
	delete(r.when, responseKey)
	isResponse := slices.Equal(response, []string{"true"})
	if response != nil && len(response) == 0 {
		r.when["protocol"] = nil
		return nil
	}
	switch r.from.action {
	case allow:
		r.do = "pass"
	case modify:
		if response != nil && !isResponse {
			return fmt.Errorf("modify of a DNS query: OpenGFW modifies responses alone")
		}
		r.do = "{answer: [" + strings.Join(quoted(r.from.answers), ", ") + "]}"
		return r.when.and(cond{"protocol": {"dns"}, "transport": {"udp"}})
	default:
		r.do = "{drop: both}"
		if isResponse {
			r.do = "{drop: down}"
		}
	}
	return nil
}

func quoted(addresses []netip.Addr) (all []string) {
	for _, a := range addresses {
		all = append(all, `"`+a.String()+`"`)
	}
	return all
}

// differs gives what comes out otherwise with a rule of this alternative.
func (a *alternative) differs(s source, r *rule) (all []string) {
	for _, l := range a.literals {
		if l.differs != "" {
			all = append(all, l.differs)
		}
	}
	if a.frail {
		all = append(all, "OpenGFW ends a rule with an error where one side of an or asks for a property of an analyzer that has nothing; here the other side still counts")
	}
	_, tcp := r.when["host"]
	tcp = tcp || slices.Equal(r.when["transport"], []string{"tcp"}) || slices.Equal(r.when["protocol"], []string{"tls"}) ||
		slices.Equal(r.when["protocol"], []string{"http"})
	switch {
	case s.action == modify:
		all = append(all, "the box answers a DNS question itself, at once; OpenGFW puts the addresses into the server's response")
		if len(s.answers) == 1 {
			all = append(all, "a question for an address of the other family gets an answer without one; OpenGFW leaves the server's response")
		}
	case r.do == "{drop: down}":
		all = append(all, "responses are dropped, and questions go on; OpenGFW drops both from the response on")
	case s.action == drop && !tcp:
		all = append(all, "drop takes the packet that decides and all behind it; OpenGFW's takes single packets of UDP, and the rest of the stream may pass")
	}
	return all
}
