package rules

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// keysOf gives the keys of a profile, those of its parts with the part's before them.
func keysOf(p *Profile) (all []string) {
	parts := map[string][]setting{
		"reassembly": p.Reassembly.settings(), "fragments": p.Fragments.settings(), "fooled by": p.Fooled.settings(),
		"inspect": p.inspectSettings(), "quic": p.QUIC.settings(), "encrypted": p.Encrypted.settings(), "idle": p.idleSettings(),
	}
	for _, s := range p.settings() {
		if parts[s.key] == nil {
			all = append(all, s.key)
		}
		for _, inner := range parts[s.key] {
			all = append(all, s.key+" "+inner.key)
		}
	}
	return all
}

// leaves counts the values that a profile has.
func leaves(t reflect.Type) (n int) {
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[Range]() || t == reflect.TypeFor[Chance]() {
		return 1
	}
	for i := range t.NumField() {
		n += leaves(t.Field(i).Type)
	}
	return n
}

// Every value of a profile has a key, and every key's default names its source or is called a choice.
func TestDefaultsHaveSources(t *testing.T) {
	p := DefaultProfile()
	keys := keysOf(&p)
	require.Len(t, keys, leaves(reflect.TypeFor[Profile]()), "a field without a key, or a key for none")
	for i, s := range DefaultSources() {
		require.Less(t, i, len(keys))
		require.Equal(t, keys[i], s.Key)
		require.NotEmpty(t, s.Ref, s.Key)
		require.Equal(t, s.Ref == "choice", s.Confidence == "choice", s.Key)
		require.Contains(t, append(slices.Clone(confidences), "choice"), s.Confidence, s.Key)
	}
	require.Len(t, DefaultSources(), len(keys))
}

var sourced = regexp.MustCompile(`#.*\b(P2?|C|D|A|choice)\b`)

// A profile of a shipped policy says beside its values where they are from.
func TestShippedProfilesHaveSources(t *testing.T) {
	for _, name := range ShippedNames() {
		data, err := policies.ReadFile("policies/" + name + ".yaml")
		require.NoError(t, err)
		_, part, found := strings.Cut("\n"+string(data), "\nprofile:")
		if !found {
			continue
		}
		part, _, _ = strings.Cut(part, "\nrules:")
		require.Regexp(t, sourced, part, "the profile of %s", name)
	}
}

// A rule without a source cannot be read at all; one that ships rests on more than memory, and a choice has no confidence.
func TestShippedRulesHaveSources(t *testing.T) {
	for _, name := range ShippedNames() {
		p, err := Shipped(name)
		require.NoError(t, err)
		for _, r := range p.Rules {
			require.NotEmpty(t, r.Source.Ref, "rule %s of %s", r.Name, r.Policy)
			require.NotEmpty(t, r.Source.Confidence, "rule %s of %s", r.Name, r.Policy)
			require.Equal(t, r.Source.Ref == "choice", r.Source.Confidence == "choice", "rule %s of %s", r.Name, r.Policy)
			require.NotEqual(t, "MEM", r.Source.Confidence, "rule %s of %s rests on memory alone", r.Name, r.Policy)
		}
	}
}
