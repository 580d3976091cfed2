package rules

import "dpilab/internal/strictyaml"

// parsedRule is a rule and the places that later checks speak of.
type parsedRule struct {
	Rule
	at, name, when, do strictyaml.Node
	unless             []strictyaml.Node // of each of Rule.Unless
	chance, again      strictyaml.Node
}

// ruleKeys are the keys of a rule.
var ruleKeys = []string{"rule", "when", "unless", "do", "source", "chance", "again"}

func readRule(n strictyaml.Node) (r parsedRule, err error) {
	r.at, r.file, r.Line = n, n.File, n.Line()
	fields, err := n.Fields("a rule", ruleKeys...)
	if err != nil {
		return r, err
	}
	if err = n.Require(fields, "rule", "rule", "when", "do", "source"); err != nil {
		return r, err
	}
	for _, f := range fields {
		switch f.Name {
		case "rule":
			r.name = f.Node
			r.Name, err = f.Label("a rule's name")
		case "when":
			r.when = f.Node
			if s, ok := f.Word(); !ok || s != "all" {
				r.When, err = readCondition(f.Node, "conditions, or the word all")
			}
		case "unless":
			r.Unless, r.unless, err = readUnless(f.Node)
		case "do":
			r.do = f.Node
			r.Do, err = readDo(f.Node)
		case "source":
			r.Source, err = readSource(f.Node)
		case "chance":
			r.chance = f.Node
			r.Chance, err = readRuleChance(f.Node)
		case "again":
			r.again = f.Node
			r.Again, err = readTruth(f.Node)
		}
		if err != nil {
			return r, err
		}
	}
	return r, nil
}

// confidences are the letters of CONTRIBUTING.md, and MEM for what no text that could be read says.
var confidences = []string{"P", "P2", "C", "D", "A", "MEM"}

func readSource(n strictyaml.Node) (s Source, err error) {
	fields, err := n.Fields("a source: {ref: IMC22, confidence: P} or {ref: choice}", "ref", "confidence")
	if err != nil {
		return s, err
	}
	ref, confidence := strictyaml.Find(fields, "ref"), strictyaml.Find(fields, "confidence")
	if ref == nil {
		return s, n.Fail("found a source without ref, expected {ref: IMC22, confidence: P} or {ref: choice}")
	}
	if s.Ref, err = ref.Text("a source's key or the word choice"); err != nil {
		return s, err
	}
	switch {
	case s.Ref == "choice" && confidence != nil:
		return s, confidence.Key.Fail("found a confidence, expected none: a choice has no source to be sure of")
	case s.Ref == "choice":
		s.Confidence = "choice"
		return s, nil
	case confidence == nil:
		return s, n.Fail("found a source without confidence, expected %s", strictyaml.OrList(confidences))
	}
	i, err := confidence.OneOf(confidences...)
	s.Confidence = confidences[i]
	return s, err
}

// readUnless reads one condition or a list of them.
func readUnless(n strictyaml.Node) (all []Condition, at []strictyaml.Node, err error) {
	items, err := n.OneOrMore("conditions")
	for _, item := range items {
		c, err := readCondition(item, "conditions")
		if err != nil {
			return nil, nil, err
		}
		all, at = append(all, c), append(at, item)
	}
	return all, at, err
}

var chanceWords = []string{"coin", "flow", "client", "port"}

// readChance reads 50%, or {share: 22%, of: port}.
func readChance(n strictyaml.Node) (c Chance, err error) {
	if !n.IsMapping() {
		c.Share, err = readPercent(n)
		return c, err
	}
	fields, err := n.Fields("a share such as 50%, or {share: 22%, of: port}", "share", "of")
	if err != nil {
		return c, err
	}
	if err = n.Require(fields, "chance", "share", "of"); err != nil {
		return c, err
	}
	for _, f := range fields {
		if f.Name == "share" {
			c.Share, err = readPercent(f.Node)
		} else {
			var i int
			i, err = f.OneOf(chanceWords...)
			c.Of = ChanceOf(i)
		}
		if err != nil {
			return c, err
		}
	}
	return c, nil
}

// readRuleChance: a rule for no flow, or for all, has no chance to take.
func readRuleChance(n strictyaml.Node) (Chance, error) {
	c, err := readChance(n)
	switch {
	case err != nil:
		return c, err
	case c.Share == 0:
		return c, n.Fail("found a chance of 0%%, with which the rule never hits, expected more")
	case c.Share == 1:
		return c, n.Fail("found a chance of 100%%, which is what a rule without chance has, expected less or no chance")
	}
	return c, nil
}
