package matrix

import (
	"fmt"
	"slices"
	"strings"

	"dpilab/lab/probe"
)

// judge says what a cell comes to.
//
// A leak in any try is a leak: it was seen. Otherwise each try reached the goal, reached it slowly or did not reach it. Where the policy
// leaves nothing to chance the majority decides, the others being flakes of the machine, and where there is none the cell is degraded. Where the policy
// draws, tries that differ are what it does: the cell is degraded. A cell is broken in place of blocked when no rule hit what could explain any
// of the tries that did not reach the goal: then it was not the policy.
func judge(c *Cell, column *Column, all []*try, reference, direct []float64) {
	c.Tries = len(all)
	counts := map[Status]int{}
	for _, t := range all {
		counts[t.status()]++
		c.Runs = append(c.Runs, t.Run)
	}
	c.Reached = counts[Open]
	c.Status = majority(counts, len(all), column.chance())
	c.Flakes = len(all) - max(counts[Open], counts[Degraded], counts[Blocked])
	if c.Flakes > 0 || column.chance() {
		i := wilson(c.Reached, c.Tries)
		c.Interval = &i
	}
	if c.Status == Blocked && !slices.ContainsFunc(all, func(t *try) bool { return !t.reached && !t.unexplained() }) {
		c.Status = Broken
	}
	for _, t := range all {
		if len(t.Leaks) > 0 {
			c.Status = Leak
		}
	}
	c.measure(all, reference, direct)
	c.Why = why(c, all)
	trim(c)
}

// status is what one try comes to, leaks apart.
func (t *try) status() Status {
	switch {
	case t.reached && !t.slow:
		return Open
	case t.reached:
		return Degraded
	}
	return Blocked
}

func majority(counts map[Status]int, n int, chance bool) Status {
	for _, s := range []Status{Open, Degraded, Blocked} {
		if counts[s] == n || !chance && 2*counts[s] > n {
			return s
		}
	}
	return Degraded
}

// measure fills in the speeds of the tries that reached the goal.
func (c *Cell) measure(all []*try, reference, direct []float64) {
	var handshakes, firsts, rates []float64
	for _, t := range all {
		if t.reached {
			handshakes, firsts, rates = append(handshakes, t.Handshake), append(firsts, t.FirstByte), append(rates, t.Goodput)
		}
	}
	c.Handshake, c.FirstByte, c.Goodput = spreadOf(handshakes), spreadOf(firsts), spreadOf(rates)
	c.Reference, c.Direct = spreadOf(reference), spreadOf(direct)
}

// why gives the reason of a cell that is not open: what leaked; else, of the first try that is as the cell, what came of it and the rule that
// explains it.
func why(c *Cell, all []*try) string {
	switch c.Status {
	case Open:
		return ""
	case Leak:
		for _, t := range all {
			if len(t.Leaks) > 0 {
				return strings.Join(t.Leaks, "; ")
			}
		}
	}
	worst := all[0]
	for _, t := range all {
		if t.status() != Open && (worst.status() == Open || t.status() == c.Status && worst.status() != c.Status) {
			worst = t
		}
	}
	var parts []string
	switch c.Status {
	case Broken:
		parts = append(parts, "works without a box, and not with one that does nothing to it")
	case Degraded:
		switch {
		case c.Reached > 0:
			parts = append(parts, fmt.Sprintf("reached at full speed in %d of %d tries", c.Reached, c.Tries))
		case c.Reference.Median > 0 && c.Goodput.Median > 0:
			parts = append(parts, fmt.Sprintf("%s, %.0f %% of what it does without a box", probe.Bits(c.Goodput.Median), 100*c.Goodput.Median/c.Reference.Median))
		}
	}
	if !worst.reached {
		parts = append(parts, worst.Outcome)
	}
	return strings.Join(append(parts, worst.reason()), "; ")
}

// cause gives the rule, or what was done to the resolver, that explains what came of the try; "" when nothing does.
func (t *try) cause() string {
	if t.kind == probe.NXDomain && t.removed != "" {
		return fmt.Sprintf("the national resolver does not know %s any more", t.removed)
	}
	for _, h := range t.hits {
		if h.explains(t.kind) && (!t.reached || h.slows()) {
			return h.String()
		}
	}
	if t.removed != "" && !t.reached { // a program's own words for a name that does not exist
		return fmt.Sprintf("the national resolver does not know %s any more", t.removed)
	}
	return ""
}

// unexplained tells whether the goal was not reached although no box did anything that could have led to it.
func (t *try) unexplained() bool { return !t.reached && t.cause() == "" }

// reason says which rule hit which flow of the try, or that none did.
func (t *try) reason() string {
	if cause := t.cause(); cause != "" {
		return cause
	}
	if line := lastLine(t.Log, 0); line != "" {
		return "nothing hit" + line
	}
	return "nothing hit"
}

// trim leaves packets and logs to the first try and to the first one that was not open.
func trim(c *Cell) {
	failed := false
	for i := range c.Runs {
		r := &c.Runs[i]
		bad := r.Kind != string(probe.OK) || len(r.Leaks) > 0
		if i == 0 || bad && !failed {
			failed = failed || bad
			continue
		}
		for j := range r.Flows {
			r.Flows[j].Packets = nil
		}
	}
}
