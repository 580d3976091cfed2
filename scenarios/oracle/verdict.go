package oracle

import (
	"fmt"
	"slices"
)

// Verdict is what the oracle makes of its observations.
type Verdict struct {
	Policies  []string   `json:"policies"`  // that it can be: those whose signatures disagree the least
	Disagrees []Evidence `json:"disagrees"` // with the first of them
	Evidence  []Evidence `json:"evidence"`  // what is not open, and agrees with the first of them
	Next      Rival      `json:"next"`      // the next best
}

// Evidence is an observation beside what a signature says of its test.
type Evidence struct {
	Observation
	Expected []Word `json:"expected"`
	Rule     string `json:"rule,omitempty"`   // that it follows from; "" where open is expected, and no entry says so
	Source   string `json:"source,omitempty"` // of the rule, with its confidence
}

// Rival is a signature that fits less.
type Rival struct {
	Policy string     `json:"policy"`
	Tells  []Evidence `json:"tells"` // what speaks against it
}

// Name says which policies the observations fit. Tests that came to no word, or that were not made, count for nobody.
func Name(observations []Observation) (Verdict, error) {
	all, err := Signatures()
	if err != nil {
		return Verdict{}, err
	}
	type fit struct {
		policy           string
		against, evident []Evidence
	}
	fits := make([]fit, len(all))
	for i, s := range all {
		f := &fits[i]
		f.policy = s.Policy
		for _, o := range observations {
			if o.Word == Unknown {
				continue
			}
			e := s.evidence(o)
			switch {
			case !slices.Contains(e.Expected, o.Word):
				f.against = append(f.against, e)
			case o.Word != Open:
				f.evident = append(f.evident, e)
			}
		}
	}
	slices.SortStableFunc(fits, func(a, b fit) int { return len(a.against) - len(b.against) })
	v := Verdict{Disagrees: fits[0].against, Evidence: fits[0].evident}
	for _, f := range fits {
		if len(f.against) > len(fits[0].against) {
			v.Next = Rival{f.policy, f.against}
			break
		}
		v.Policies = append(v.Policies, f.policy)
	}
	return v, nil
}

// evidence puts what is expected beside what was seen.
func (s *Signature) evidence(o Observation) Evidence {
	entry, ok := s.sees[o.Test]
	if !ok {
		return Evidence{Observation: o, Expected: []Word{Open}}
	}
	source := entry.rule.Source.Ref
	if c := entry.rule.Source.Confidence; c != "" {
		source = fmt.Sprintf("%s (%s)", source, c)
	}
	return Evidence{o, entry.words, entry.rule.Name, source}
}
