package rules

import (
	"slices"

	"dpilab/internal/strictyaml"
)

// doWords are the words of each mechanism, its own first.
var doWords = map[string][]string{
	"drop":     {"drop", "after", "from", "residual", "refresh", "hold"},
	"reset":    {"reset", "from", "ttl", "residual", "refresh", "hold"},
	"police":   {"police", "burst", "per", "from"},
	"capacity": {"capacity", "direction", "from"},
	"redirect": {"redirect"},
	"learn":    {"learn", "after", "then"},
	"freeze":   {"freeze", "after", "ban", "hold"},
	"answer":   {"answer"},
	"page":     {"page"},
	"limit":    {"limit", "per", "window", "ban"},
}

// doForms names the mechanisms that have words, in the order of their constants.
var doForms = "pass, or one of " + strictyaml.OrList(mechanismNames[1:])

// readDo reads what a rule does.
func readDo(n strictyaml.Node) (d Do, err error) {
	if s, ok := n.Word(); ok {
		if s == "pass" {
			return Do{Mechanism: MechanismPass}, nil
		}
		if doWords[s] != nil {
			return d, n.Fail("found %q alone, expected its words in braces, such as {drop: both}", s)
		}
		return d, n.Fail("found %q, expected %s%s", s, doForms, strictyaml.Suggest(s, mechanismNames[:]))
	}
	fields, err := n.Fields(doForms)
	if err != nil {
		return d, err
	}
	var main *strictyaml.Field
	for i, f := range fields {
		if doWords[f.Name] == nil {
			continue
		}
		if main != nil {
			return d, f.Key.Fail("found %s beside %s, expected one mechanism a rule", f.Name, main.Name)
		}
		main = &fields[i]
	}
	if main == nil {
		return d, fields[0].Key.Fail("found the key %q, expected %s%s", fields[0].Name, doForms, strictyaml.Suggest(fields[0].Name, mechanismNames[:]))
	}
	if _, err = n.Fields(doForms, doWords[main.Name]...); err != nil {
		return d, err
	}
	d.Mechanism = Mechanism(slices.Index(mechanismNames[:], main.Name))
	for _, f := range fields {
		if err = readDoWord(f, &d); err != nil {
			return d, err
		}
	}
	return d, checkDo(n, &d, fields)
}

func readDoWord(f strictyaml.Field, d *Do) (err error) {
	switch f.Name {
	case "drop", "freeze", "direction":
		d.Direction, err = readDirection(f.Node)
	case "reset":
		err = readReset(f.Node, d)
	case "ttl":
		var ttl int
		ttl, err = readWhole(f.Node, "a TTL from 1 to 255", 1, 255)
		d.TTL = uint8(ttl)
	case "police":
		d.Rate, err = readAmount(f.Node, "a rate such as 140kbit or 650B/s", rateUnits)
	case "burst":
		if d.Burst, err = readAmount(f.Node, "a size such as 16KB or 64KiB", sizeUnits); err == nil && d.Burst < minBurst {
			err = f.Fail("found %s, expected at least %dB: a full packet must fit", f.Describe(), minBurst)
		}
	case "per":
		err = readPer(f.Node, d)
	case "capacity":
		d.Capacity, err = readWhole(f.Node, "a capacity from 0 (nothing passes) to 100 (all passes)", 0, 100)
	case "redirect":
		d.Resolver, err = readAddresses(f.Node)
	case "learn":
		_, err = f.OneOf("server port")
	case "after":
		switch d.Mechanism {
		case MechanismLearn:
			d.Delay, err = readDuration(f.Node)
		case MechanismFreeze:
			d.After, d.Or, err = readCounts(f.Node)
		default:
			d.After, err = readCount(f.Node)
		}
	case "from":
		var i int
		i, err = f.OneOf("payload", "data")
		d.From = Start(i) + StartPayload
	case "then":
		err = readThen(f.Node, d)
	case "residual":
		d.Residual, err = readDuration(f.Node)
	case "refresh":
		d.Refresh, err = readTruth(f.Node)
	case "hold":
		var i int
		i, err = f.OneOf("flow", "pair", "server")
		d.Hold = Hold(i)
	case "ban":
		d.Ban, err = readDuration(f.Node)
	case "window":
		d.Window, err = readDuration(f.Node)
	case "answer":
		err = readAnswer(f.Node, d)
	case "page":
		d.Page, err = readPage(f.Node)
	case "limit":
		d.Limit, err = readLimit(f.Node)
	}
	return err
}

func readThen(n strictyaml.Node, d *Do) error {
	then, err := readDo(n)
	if err != nil {
		return err
	}
	switch then.Mechanism {
	case MechanismDrop, MechanismReset, MechanismPolice, MechanismCapacity:
		d.Then = &then
		return nil
	}
	return n.Fail("found %s, expected drop, reset, police or capacity", then.Mechanism)
}
