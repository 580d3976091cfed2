package oracle

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/lab/probe"
	"dpilab/rules"
)

func signatures(t testing.TB) []Signature {
	t.Helper()
	all, err := Signatures()
	require.NoError(t, err)
	return all
}

func TestEveryPolicyHasASignature(t *testing.T) {
	var names []string
	for _, s := range signatures(t) {
		names = append(names, s.Policy)
	}
	require.ElementsMatch(t, append(rules.ShippedNames(), OpenLine), names)
}

// expected are the words of a test.
func (s *Signature) expected(test string) []Word { return s.evidence(Observation{Test: test}).Expected }

// Any two signatures have a test for which they have no word in common: without one, their policies are the same to a client.
func TestSignaturesCanBeToldApart(t *testing.T) {
	all := signatures(t)
	for i, a := range all {
		for _, b := range all[i+1:] {
			require.True(t, slices.ContainsFunc(Tests, func(x Test) bool {
				other := b.expected(x.Name)
				return !slices.ContainsFunc(a.expected(x.Name), func(w Word) bool { return slices.Contains(other, w) })
			}), "%s and %s", a.Policy, b.Policy)
		}
	}
}

// as are the observations that a signature speaks of.
func as(s *Signature) []Observation {
	var all []Observation
	for _, x := range Tests {
		all = append(all, Observation{Test: x.Name, Word: s.expected(x.Name)[0]})
	}
	return all
}

func TestName(t *testing.T) {
	for _, s := range signatures(t) {
		v, err := Name(as(&s))
		require.NoError(t, err)
		require.Equal(t, []string{s.Policy}, v.Policies)
		require.Empty(t, v.Disagrees)
		require.NotEmpty(t, v.Next.Policy)
		require.NotEmpty(t, v.Next.Tells)
	}
}

// What could not be tried counts for nobody, and one slip does not mislead where more than one test tells.
func TestNameOfLess(t *testing.T) {
	v, err := Name([]Observation{{Test: "wireguard", Word: Silent}, {Test: "name", Word: Unknown}, {Test: "neutral", Word: Open}, {Test: "tor", Word: Open}})
	require.NoError(t, err)
	require.Equal(t, []string{"2023-vpn"}, v.Policies)
	require.Equal(t, "wireguard", v.Evidence[0].Rule)
	require.Equal(t, "N4P#274 (C)", v.Evidence[0].Source)

	v, err = Name([]Observation{{Test: "videos", Word: Crawls}})
	require.NoError(t, err)
	require.Contains(t, v.Policies, "2024-youtube")
	require.Contains(t, v.Policies, "2024-youtube-4")

	all := signatures(t)
	home := all[slices.IndexFunc(all, func(s Signature) bool { return s.Policy == "2026-home" })]
	seen := as(&home)
	seen[slices.IndexFunc(seen, func(o Observation) bool { return o.Test == "fourteen" })].Word = Open
	v, err = Name(seen)
	require.NoError(t, err)
	require.Equal(t, []string{"2026-home"}, v.Policies)
	require.Equal(t, "fourteen", v.Disagrees[0].Test)
	require.Equal(t, []Word{Silent}, v.Disagrees[0].Expected)
}

func TestWords(t *testing.T) {
	for o, want := range map[probe.Kind]Word{
		probe.OK: Open, probe.Reset: Reset, probe.Closed: Reset, probe.Silent: Silent, probe.Stalled: Silent, probe.Timeout: Timeout,
		probe.Refused: Refused, probe.NoAnswer: NoAnswer, probe.NXDomain: NXDomain, probe.BlockPage: Page, probe.Loss: Broken,
		probe.Failed: Unknown, probe.Skipped: Unknown, probe.Unreachable: Unknown,
	} {
		require.Equal(t, want, wordOf(probe.Outcome{Kind: o}), o)
	}
}

// Each file begins with the error that it gives.
func TestErrors(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		first, _, _ := strings.Cut(string(data), "\n")
		_, err = parseSignatures(filepath.Base(file), data)
		require.EqualError(t, err, strings.TrimPrefix(first, "# error: "))
	}
}

func FuzzParseSignatures(f *testing.F) {
	f.Add(string(signaturesFile))
	f.Add("signatures:\n  - {policy: 2023-vpn, sees: [{kind: udp, is: [silent, open], by: wireguard}]}\n")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := parseSignatures("fuzz.yaml", []byte(text)); err != nil {
			require.NotContains(t, err.Error(), "\n")
		}
	})
}
