package rules

import (
	"time"

	"dpilab/internal/strictyaml"
)

// setting is a key of the profile, or of a part of it.
type setting struct {
	key  string
	read func(n strictyaml.Node) error
}

// readSettings reads a mapping in the order of the file; messages have the keys in the order of the settings.
func readSettings(n strictyaml.Node, what string, all []setting) error {
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = s.key
	}
	if what == "" {
		what = "a mapping of " + strictyaml.OrList(names)
	}
	fields, err := n.Fields(what, names...)
	for _, f := range fields {
		for _, s := range all {
			if err == nil && s.key == f.Name {
				err = s.read(f.Node)
			}
		}
	}
	return err
}

// readProfile changes p by what the policy's profile has.
func readProfile(n strictyaml.Node, p *Profile) error {
	return readSettings(n, "a profile", p.settings())
}

func (p *Profile) settings() []setting {
	return []setting{
		{"sees", func(n strictyaml.Node) (err error) {
			p.Sees, err = readDirection(n)
			return err
		}},
		{"reassembly", func(n strictyaml.Node) error { return readReassembly(n, &p.Reassembly) }},
		{"fragments", func(n strictyaml.Node) error { return readFragments(n, &p.Fragments) }},
		{"fooled by", partly(p.Fooled.settings())},
		{"originator", either(&p.Originator, "any", "inside")},
		{"remote syn", either(&p.RemoteSYN, "ignored", "clears")},
		{"mid-stream", oneOf(&p.MidStream, "opens", "passes", "drops")},
		{"inspect", partly(p.inspectSettings())},
		{"quic", partly(p.QUIC.settings())},
		{"http", either(&p.HTTPEvery, "first", "every")},
		{"encrypted", partly(p.Encrypted.settings())},
		{"idle", partly(p.idleSettings())},
		{"trailing dot", either(&p.TrailingDot, "differs", "same")},
		{"miss", func(n strictyaml.Node) (err error) {
			p.Miss, err = readChance(n)
			return err
		}},
		{"flows", number(&p.Flows, "a number of flows from 1 to 100000000", 1, 100_000_000)},
		{"full", oneOf(&p.Full, "fails", "passes", "drops", "evicts")},
		{"fail", either(&p.FailClosed, "open", "closed")},
	}
}

func partly(all []setting) func(strictyaml.Node) error {
	return func(n strictyaml.Node) error { return readSettings(n, "", all) }
}

// either reads a word for false or a word for true.
func either(to *bool, no, yes string) func(strictyaml.Node) error {
	return func(n strictyaml.Node) error {
		i, err := n.OneOf(no, yes)
		*to = i == 1
		return err
	}
}

func oneOf[T ~uint8](to *T, words ...string) func(strictyaml.Node) error {
	return func(n strictyaml.Node) error {
		i, err := n.OneOf(words...)
		*to = T(i)
		return err
	}
}

func truth(to *bool) func(strictyaml.Node) error {
	return func(n strictyaml.Node) (err error) {
		*to, err = readTruth(n)
		return err
	}
}

func number(to *int, what string, least, most int) func(strictyaml.Node) error {
	return func(n strictyaml.Node) (err error) {
		*to, err = readWhole(n, what, least, most)
		return err
	}
}

// wait reads a time, or the word for none of its own, if there is one.
func wait(to *time.Duration, none string) func(strictyaml.Node) error {
	return func(n strictyaml.Node) (err error) {
		if s, _ := n.Word(); none != "" && s == none {
			*to = 0
			return nil
		}
		if *to, err = readDuration(n); err != nil && none != "" {
			err = n.Expected("a time such as 65s or 10m, or " + none)
		}
		return err
	}
}
