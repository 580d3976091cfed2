package matrix

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"dpilab/internal/typeset"
)

// Change is what a comparison finds.
type Change string

// The changes. Only a Regression makes a comparison fail.
const (
	Regression Change = "regression" // was open, and is not
	Pass       Change = "pass"       // was not open, and is
	Other      Change = "other"      // changed between two that are not open
	Unclear    Change = "unclear"    // differs by no more than chance makes likely
	NotTried   Change = "not tried"  // was open, and was skipped, or is gone from a plan that has its tool and policy
	New        Change = "new"        // was not in the baseline
	Gone       Change = "gone"       // of a tool or policy that the plan does not have
)

// Changed is a cell that is not as in the baseline.
type Changed struct {
	Tool   string
	Column string // SCENARIO/PHASE
	Change Change
	Was    string // "" when it is new
	Is     string // "" when it is gone
	Why    string
}

// Comparison is a result against a baseline. The zero value has no changes.
type Comparison struct {
	Changes []Changed // in the order of the result, then those that are gone
	Same    int       // cells that are as they were
	require bool
}

// Compare holds a result against a baseline.
//
// A regression is a cell that was open and is not. Where chance plays a part (the policy has rules that hit by chance, or tries came
// out differently, then or now) statuses alone would say something else each day. There a change counts only if the shares of tries that
// reached the goal differ by more than chance makes likely: Fisher's exact test, one-sided, at 5 % (choice), which takes the number of
// tries of both into account as their intervals do, and sees 3 of 3 against 0 of 3. A leak counts in any case, and so does a control that fails.
//
// What was skipped says nothing of a tool, and is no regression, unless require is set.
func Compare(r *Result, b *Baseline, require bool) *Comparison {
	c := &Comparison{require: require}
	seen := map[string]bool{}
	for i := range r.Cells {
		cell := &r.Cells[i]
		seen[cell.Tool+"\x00"+cell.column()] = true
		was, ok := b.mark(cell.Tool, cell.column())
		x := Changed{Tool: cell.Tool, Column: cell.column(), Is: cell.mark().String(), Why: cell.Why}
		if ok {
			x.Was = was.String()
		}
		switch x.Change = changeOf(was, ok, cell); x.Change {
		case "":
			c.Same++
		default:
			c.Changes = append(c.Changes, x)
		}
	}
	if len(r.Shards) == 0 { // a shard lacks most cells
		c.gone(r, b, seen)
	}
	return c
}

func changeOf(was mark, ok bool, cell *Cell) Change {
	is := cell.mark()
	switch {
	case is.status == Skipped && was.status == Open:
		return NotTried
	case is.status == Skipped:
		return ""
	case !ok:
		return New
	case is.status == was.status:
		return ""
	case is.status == Leak || is.status == Broken || was.status == Leak || was.status == Broken:
	case (was.chance || is.chance) && likely(was, is):
		return Unclear
	}
	switch {
	case was.status == Open:
		return Regression
	case is.status == Open:
		return Pass
	}
	return Other
}

// gone finds what a result does not have.
func (c *Comparison) gone(r *Result, b *Baseline, seen map[string]bool) {
	tools, columns := map[string]bool{}, map[string]bool{}
	for i := range r.Tools {
		tools[r.Tools[i].Name] = true
	}
	for i := range r.Phases {
		columns[r.Phases[i].Scenario+"/"+r.Phases[i].Name] = true
	}
	for _, tool := range slices.Sorted(maps.Keys(b.Cells)) {
		for _, column := range slices.Sorted(maps.Keys(b.Cells[tool])) {
			if seen[tool+"\x00"+column] {
				continue
			}
			x := Changed{Tool: tool, Column: column, Change: Gone, Was: b.Cells[tool][column]}
			if tools[tool] && columns[column] && strings.HasPrefix(x.Was, string(Open)) {
				x.Change, x.Why = NotTried, "no longer a cell of this matrix"
			}
			c.Changes = append(c.Changes, x)
		}
	}
}

// String gives the words of a baseline.
func (m mark) String() string {
	if m.chance {
		return fmt.Sprintf("%s %d/%d", m.status, m.reached, m.tries)
	}
	return string(m.status)
}

// likely tells whether chance alone gives such a difference of shares in more than one of twenty comparisons.
func likely(a, b mark) bool {
	if a.reached*b.tries < b.reached*a.tries {
		a, b = b, a
	}
	return fisher(a.reached, a.tries, b.reached, b.tries) > 0.05+1e-9
}

// fisher is the probability that, of all ways to deal the successes of both out to them, b gets as few as it has or fewer (Fisher's exact
// test, one-sided: the hypergeometric distribution).
func fisher(a, aTries, b, bTries int) float64 {
	p := 0.0
	for k := max(0, a+b-aTries); k <= b; k++ {
		p += math.Exp(choose(bTries, k) + choose(aTries, a+b-k) - choose(aTries+bTries, a+b))
	}
	return p
}

// choose is the logarithm of a binomial coefficient.
func choose(n, k int) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}

// Of gives the changes of a kind.
func (c *Comparison) Of(k Change) []Changed {
	var some []Changed
	for _, x := range c.Changes {
		if x.Change == k {
			some = append(some, x)
		}
	}
	return some
}

// Failed tells whether a change is one that makes the comparison fail.
func (c *Comparison) Failed(x Changed) bool {
	return x.Change == Regression || c.require && x.Change == NotTried
}

// OK tells whether there is no regression.
func (c *Comparison) OK() bool { return !slices.ContainsFunc(c.Changes, c.Failed) }

// changeWords are the headings of what is found, in their order.
var changeWords = []struct {
	change    Change
	one, more string
}{
	{Regression, "regression", "regressions"}, {NotTried, "was open and was not tried", "were open and were not tried"}, {Pass, "new pass", "new passes"},
	{Unclear, "differs as chance does: repeat more to know", "differ as chance does: repeat more to know"}, {Other, "other change", "other changes"},
	{New, "new cell", "new cells"}, {Gone, "of the baseline not in this matrix", "of the baseline not in this matrix"},
}

// Write writes the comparison for people.
func (c *Comparison) Write(w io.Writer, o TableOptions) error {
	t := newTable(&Result{}, o)
	t.line("")
	t.line(t.paint(colourBold, "against the baseline"))
	for _, k := range changeWords {
		some := c.Of(k.change)
		if len(some) == 0 {
			continue
		}
		head, colour := plural(len(some), k.one, k.more), ""
		switch {
		case c.Failed(some[0]):
			colour = looks[Blocked].colour
		case k.change == Pass:
			colour = looks[Open].colour
		}
		if k.change == NotTried && !c.require {
			head += " (no regression without --require)"
		}
		t.line("  " + t.paint(colour, head))
		t.changes(k.change, some)
	}
	if len(c.Changes) == 0 {
		t.line("  nothing has changed")
	} else {
		t.line(fmt.Sprintf("  %s as before", plural(c.Same, "cell", "cells")))
	}
	_, err := io.WriteString(w, t.out.String())
	return err
}

// changes writes what is found of a kind: a line each, but of new and vanished cells a line a tool.
func (t *table) changes(k Change, some []Changed) {
	if k != New && k != Gone {
		for _, x := range some {
			is := x.Is
			if is == "" {
				is = "gone"
			}
			text := fmt.Sprintf("%s@%s: %s → %s", x.Tool, x.name(), x.Was, is)
			if x.Why != "" && x.Change != Pass {
				text += "; " + x.Why
			}
			for i, line := range typeset.Wrap(oneLine(text), t.Width-6) {
				t.line(strings.Repeat(" ", 4+2*min(i, 1)) + line)
			}
		}
		return
	}
	for len(some) > 0 {
		n := slices.IndexFunc(some, func(x Changed) bool { return x.Tool != some[0].Tool })
		if n < 0 {
			n = len(some)
		}
		var names []string
		for _, x := range some[:n] {
			names = append(names, strings.TrimSpace(x.name()+" "+x.Is))
		}
		for i, line := range typeset.Wrap(oneLine(some[0].Tool+": "+strings.Join(names, ", ")), t.Width-6) {
			t.line(strings.Repeat(" ", 4+2*min(i, 1)) + line)
		}
		some = some[n:]
	}
}

// name is the column as people say it.
func (x *Changed) name() string {
	_, phase, _ := strings.Cut(x.Column, "/")
	return phase
}
