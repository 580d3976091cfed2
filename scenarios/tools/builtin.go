package tools

import (
	"errors"
	"fmt"
	"slices"

	"dpilab/internal/strictyaml"
	"dpilab/lab/probe"
	"dpilab/scenarios/desync"
)

// maker makes the way of a built-in tool.
type maker struct {
	name  string
	check func(option string) error // the error's text says what is expected
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
		goals: func(string) []string {
			return []string{"connect", "http", "https", "http3", "chat", "call", "download"}
		},
		via: func(p Place, option string) (probe.Via, error) {
			s, err := desync.Parse(option)
			d := s.Dialer(p.Client.Do)
			return probe.Via{Dial: d.DialContext, ListenPacket: d.ListenPacket, TLS: d.TLS}, err
		},
	},
	{
		name:  "utls",
		check: checkParrot,
		goals: func(string) []string { return []string{"https", "download"} },
		via:   func(_ Place, option string) (probe.Via, error) { return probe.Via{TLS: parrot(option)}, nil },
	},
	{
		name: "quic", check: oneOption("quic-go"),
		goals: func(string) []string { return []string{"http3"} },
		via:   func(Place, string) (probe.Via, error) { return probe.Via{}, nil }, // the probe itself speaks quic-go
	},
	{
		name: "desync",
		check: func(option string) error {
			if _, err := desync.Parse(option); err != nil {
				return fmt.Errorf("a strategy: %w", err)
			}
			return nil
		},
		goals: func(option string) []string { return desync.Must(option).Goals() },
		via: func(p Place, option string) (probe.Via, error) {
			d := desync.Must(option).Dialer(p.Client.Do)
			return probe.Via{Dial: d.DialContext, ListenPacket: d.ListenPacket, TLS: d.TLS}, nil
		},
	},
}

func noOption(option string) error {
	if option != "" {
		return errors.New("no option")
	}
	return nil
}

func oneOption(words ...string) func(string) error {
	return func(option string) error {
		if !slices.Contains(words, option) {
			return errors.New(strictyaml.OrList(words) + strictyaml.Suggest(option, words))
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
