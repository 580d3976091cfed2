package oracle

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// evident is how many observations a row of the table shows.
const evident = 3

// WriteTable writes the report for people: a row a policy, with what it was taken for, and what told it.
func (r *Report) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "policy\tnamed\tby")
	for _, g := range r.Guesses {
		named := "✓"
		if !g.Named {
			named = "✗ " + strings.Join(g.Verdict.Policies, " or ")
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", g.Policy, named, g.Verdict.summary())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, g := range r.Guesses {
		if err := g.Verdict.writeDisagreements(w, g.Policy); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "\n%d of %d named, in %.0f s\n", r.Named, len(r.Guesses), r.Seconds)
	return err
}

// summary is what told, shortened: first what the next best does not explain.
func (v *Verdict) summary() string {
	all := append([]Evidence(nil), v.Next.Tells...)
	for _, e := range v.Evidence {
		if !isAbout(v.Next.Tells, e.Test) {
			all = append(all, e)
		}
	}
	var words []string
	for _, e := range all[:min(evident, len(all))] {
		words = append(words, e.Test+" "+string(e.Word))
	}
	if more := len(all) - evident; more > 0 {
		words = append(words, fmt.Sprintf("and %d more", more))
	}
	if len(v.Next.Tells) > 0 {
		words = append(words, "unlike "+v.Next.Policy)
	}
	return strings.Join(words, ", ")
}

func isAbout(all []Evidence, test string) bool {
	for _, e := range all {
		if e.Test == test {
			return true
		}
	}
	return false
}

// writeDisagreements says what the verdict does not explain.
func (v *Verdict) writeDisagreements(w io.Writer, policy string) error {
	for _, e := range v.Disagrees {
		words := make([]string, len(e.Expected))
		for i, x := range e.Expected {
			words[i] = string(x)
		}
		rule := ""
		if e.Rule != "" {
			rule = fmt.Sprintf(" by rule %s, %s", e.Rule, e.Source)
		}
		if _, err := fmt.Fprintf(w, "%s: %s is %s (%s), where %s would make it %s%s\n",
			policy, e.Test, e.Word, e.Detail, v.Policies[0], strings.Join(words, " or "), rule); err != nil {
			return err
		}
	}
	return nil
}
