package tools

import (
	"fmt"
	"maps"
	"slices"

	"dpilab/internal/strictyaml"
	"dpilab/lab/probe"
	"dpilab/scenarios/desync"
)

// maker makes the way of a built-in tool.
type maker struct {
	name  string
	check func(option string) error // "": the built-in stands alone. The error says what was found and what is expected
	goals func(option string) []string
	via   func(p Place, option string) (probe.Via, error)
}

// builtins are the tools in this program, each wired here and nowhere else.
var builtins = []maker{
	{
		name: "direct", check: noOption,
		goals: func(string) []string { return goalTypes },
		via:   func(Place, string) (probe.Via, error) { return probe.Via{}, nil },
	},
	{
		name: "desync",
		check: func(option string) error {
			_, err := desync.Parse(option)
			return err
		},
		goals: func(option string) []string { return desync.Must(option).Goals() },
		via: func(p Place, option string) (probe.Via, error) {
			s := desync.Must(option)
			d := s.Dialer(p.Client.Do)
			v := probe.Via{Dial: d.DialContext, ListenPacket: d.ListenPacket}
			if s.ChangesTLS() { // otherwise the ClientHello is the goal's
				v.TLS = d.TLS
			}
			return v, nil
		},
	},
	{
		name:  "utls",
		check: oneOption("utls", slices.Sorted(maps.Keys(parrots))...),
		goals: func(string) []string { return []string{"https", "download"} },
		via:   func(_ Place, option string) (probe.Via, error) { return probe.Via{TLS: parrot(option)}, nil },
	},
	{
		name: "quic", check: oneOption("quic", "quic-go"),
		goals: func(string) []string { return []string{"http3"} },
		via:   func(Place, string) (probe.Via, error) { return probe.Via{}, nil }, // the probe itself speaks quic-go
	},
}

func noOption(option string) error {
	if option != "" {
		return fmt.Errorf("found %q, expected no option", option)
	}
	return nil
}

// oneOption takes one of the words.
func oneOption(name string, words ...string) func(string) error {
	return func(option string) error {
		switch {
		case option == "":
			return fmt.Errorf("found %s alone, expected an option: {%s: %s}", name, name, strictyaml.OrList(words))
		case !slices.Contains(words, option):
			return fmt.Errorf("found %q, expected %s%s", option, strictyaml.OrList(words), strictyaml.Suggest(option, words))
		}
		return nil
	}
}

func builtinNames() []string {
	names := make([]string, len(builtins))
	for i, b := range builtins {
		names[i] = b.name
	}
	return names
}

// maker gives the table's entry. The parser has seen to it that there is one.
func (b builtin) maker() maker {
	return builtins[slices.IndexFunc(builtins, func(m maker) bool { return m.name == b.name })]
}
