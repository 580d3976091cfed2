package rules

import (
	"slices"
	"strings"

	"dpilab/internal/strictyaml"
)

// whenKeys are the keys of a condition.
var whenKeys = []string{"sni", "host", "query", "certificate", "ja3", "ja4", "to", "from", "protocol", "transport", "port",
	"source port", "opened", "hello", "ech", "quic", "size", "extension", "payload", "trick"}

const (
	portForm = "a port such as 443 or 5222..5228"
	sizeForm = "bytes such as 1200 or 1001..65535"
)

func readCondition(n strictyaml.Node, what string) (c Condition, err error) {
	fields, err := n.Fields(what, whenKeys...)
	for _, f := range fields {
		if err != nil {
			return c, err
		}
		err = readWhen(f, &c)
	}
	return c, err
}

func readWhen(f strictyaml.Field, c *Condition) (err error) {
	if words := c.named(f.Name); words != nil {
		*words, err = readWords(f.Node)
		return err
	}
	switch f.Name {
	case "protocol":
		c.Protocol, err = enums[Protocol](f.Node, protocolNames[:])
	case "transport":
		c.Transport, err = enums[Transport](f.Node, transportNames[:])
	case "port":
		c.Port, err = readRanges(f.Node, portForm)
	case "source port":
		c.SourcePort, err = readRanges(f.Node, portForm)
	case "opened":
		var i int
		i, err = f.OneOf("inside", "outside")
		c.Opened = Side(i) + SideInside
	case "hello":
		c.Hello, err = enums[HelloKind](f.Node, helloNames[:])
	case "ech":
		var ech bool
		ech, err = readTruth(f.Node)
		c.ECH = &ech
	case "quic":
		c.QUIC, err = enums[QUICVersion](f.Node, quicNames[:])
	case "size":
		c.Size, err = readRanges(f.Node, sizeForm)
	case "extension":
		c.Extension, err = each(f.Node, extensionForm, readExtension)
	case "payload":
		c.Payload, err = each(f.Node, payloadForm, readPayload)
	case "trick":
		c.Trick, err = enums[Trick](f.Node, trickNames[:])
	}
	return err
}

// named gives the words of a key that has names or addresses, or nil.
func (c *Condition) named(key string) *[]string {
	all := [classedFacts]*[]string{&c.SNI, &c.Host, &c.Query, &c.Certificate, &c.JA3, &c.JA4, &c.To, &c.From}
	if i := slices.Index(classKeys[:], key); i >= 0 {
		return all[i]
	}
	return nil
}

// readWords reads names of lists, patterns or prefixes; which of these is a question for later, when all lists are known.
func readWords(n strictyaml.Node) ([]string, error) {
	const what = "the name of a list, or values"
	return each(n, what, func(item strictyaml.Node) (string, error) {
		s, err := item.Text(what)
		if s = strings.TrimSpace(s); strings.HasPrefix(s, expressionMark) {
			return s, err // \D and \d differ
		}
		return lower(s), err
	})
}

func enums[T ~uint8](n strictyaml.Node, names []string) ([]T, error) {
	return each(n, strictyaml.OrList(names), func(item strictyaml.Node) (T, error) {
		i, err := item.OneOf(names...)
		return T(i), err
	})
}

func readRanges(n strictyaml.Node, what string) ([]Range, error) {
	return each(n, what, func(item strictyaml.Node) (Range, error) { return readSpan(item, what, "", 0, 65535) })
}

// each reads a value that stands alone, or those of a list, which must differ.
func each[T comparable](n strictyaml.Node, what string, read func(strictyaml.Node) (T, error)) ([]T, error) {
	items, err := n.OneOrMore(what)
	if err != nil {
		return nil, err
	}
	var all []T
	for _, item := range items {
		v, err := read(item)
		if err != nil {
			return nil, err
		}
		if slices.Contains(all, v) {
			return nil, item.Fail("found %s twice, expected it once", item.Describe())
		}
		all = append(all, v)
	}
	return all, nil
}
