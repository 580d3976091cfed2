package oracle

import (
	_ "embed"
	"slices"

	"dpilab/internal/strictyaml"
	"dpilab/rules"
)

// Signature is what the tests come to behind a policy.
type Signature struct {
	Policy string

	sees map[string]sign // by test; what is not here is open
}

// sign is one entry: the words that fit, and the rule that it follows from.
type sign struct {
	words []Word
	rule  *rules.Rule
}

// OpenLine is the name of the signature of a line without a box.
const OpenLine = "an open line"

//go:embed signatures.yaml
var signaturesFile []byte

// Signatures are those of the shipped policies, and that of an open line, which is the last.
func Signatures() ([]Signature, error) { return parseSignatures("signatures.yaml", signaturesFile) }

func parseSignatures(file string, data []byte) ([]Signature, error) {
	top, err := strictyaml.Parse(file, data, "signatures")
	if err != nil {
		return nil, err
	}
	fields, err := top.Fields("signatures", "signatures")
	if err != nil {
		return nil, err
	}
	items, err := fields[0].Items("a list of signatures")
	if err != nil {
		return nil, err
	}
	var all []Signature
	for _, item := range items {
		s, err := readSignature(item, all)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return append(all, Signature{Policy: OpenLine}), nil
}

func readSignature(n strictyaml.Node, before []Signature) (s Signature, err error) {
	fields, err := n.Fields("a signature, such as {policy: 2023-vpn, sees: [...]}", "policy", "like", "sees")
	if err == nil {
		err = n.Require(fields, "policy", "policy", "sees")
	}
	if err != nil {
		return s, err
	}
	name := strictyaml.Find(fields, "policy")
	shipped := rules.ShippedNames()
	i, err := name.OneOf(shipped...)
	if err != nil {
		return s, err
	}
	if s.Policy = shipped[i]; slices.ContainsFunc(before, func(o Signature) bool { return o.Policy == s.Policy }) {
		return s, name.Fail("found the policy %q twice, expected one signature of each", s.Policy)
	}
	policy, err := rules.Shipped(s.Policy)
	if err != nil {
		return s, err
	}
	s.sees = map[string]sign{}
	if like := strictyaml.Find(fields, "like"); like != nil {
		if err := s.copyFrom(like.Node, before); err != nil {
			return s, err
		}
	}
	entries, err := strictyaml.Find(fields, "sees").Items("a list, such as [{test: name, is: reset, by: sni-1}]")
	if err != nil {
		return s, err
	}
	for _, e := range entries {
		if err := s.readEntry(e, policy); err != nil {
			return s, err
		}
	}
	return s, nil
}

// copyFrom takes the entries of a signature that stands before.
func (s *Signature) copyFrom(n strictyaml.Node, before []Signature) error {
	names := make([]string, len(before))
	for i, o := range before {
		names[i] = o.Policy
	}
	if len(names) == 0 {
		return n.Fail("found nothing before to be like")
	}
	i, err := n.OneOf(names...)
	if err != nil {
		return err
	}
	for test, entry := range before[i].sees {
		s.sees[test] = entry
	}
	return nil
}

func (s *Signature) readEntry(n strictyaml.Node, policy *rules.Policy) error {
	fields, err := n.Fields("{test: NAME, is: WORD, by: RULE} or {kind: KIND, is: WORD, by: RULE}", "test", "kind", "is", "by")
	if err == nil {
		err = n.Require(fields, "entry", "is", "by")
	}
	if err != nil {
		return err
	}
	var entry sign
	var tests []string
	for _, k := range fields {
		switch k.Name {
		case "test":
			err = each(k.Node, testNames(), func(i int) { tests = append(tests, Tests[i].Name) })
		case "kind":
			err = each(k.Node, kinds, func(i int) { tests = append(tests, testsOf(Kind(kinds[i]))...) })
		case "is":
			err = each(k.Node, words, func(i int) { entry.words = append(entry.words, Word(words[i])) })
		case "by":
			entry.rule, err = readRule(k.Node, policy)
		}
		if err != nil {
			return err
		}
	}
	if len(tests) == 0 {
		return n.Fail("the entry is of no test; write test: NAME or kind: KIND")
	}
	for _, t := range tests {
		s.sees[t] = entry
	}
	return nil
}

// readRule finds the rule of a policy, or of those that it extends.
func readRule(n strictyaml.Node, policy *rules.Policy) (*rules.Rule, error) {
	names := make([]string, len(policy.Rules))
	for i := range policy.Rules {
		names[i] = policy.Rules[i].Name
	}
	i, err := n.OneOf(names...)
	if err != nil {
		return nil, err
	}
	return &policy.Rules[i], nil
}

// each reads one word or a list of them.
func each(n strictyaml.Node, known []string, add func(int)) error {
	items, err := n.OneOrMore("a word, or a list of them")
	if err != nil {
		return err
	}
	for _, item := range items {
		i, err := item.OneOf(known...)
		if err != nil {
			return err
		}
		add(i)
	}
	return nil
}

func testNames() []string {
	names := make([]string, len(Tests))
	for i, t := range Tests {
		names[i] = t.Name
	}
	return names
}

// testsOf are the names of a kind's tests.
func testsOf(kind Kind) []string {
	var names []string
	for _, t := range Tests {
		if t.Kind == kind {
			names = append(names, t.Name)
		}
	}
	return names
}
