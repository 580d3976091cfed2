package rules

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func reference(t *testing.T) string {
	data, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	return string(data)
}

// The reference has every word that files can have.
func TestReferenceIsComplete(t *testing.T) {
	text := reference(t)
	p := DefaultProfile()
	words := slices.Concat(whenKeys, ruleKeys, mechanismNames[:], directionNames[:], protocolNames[:], transportNames[:], helloNames[:],
		quicNames[:], trickNames[:], chanceWords, limitKeys, confidences)
	for _, w := range doWords {
		words = append(words, w...)
	}
	for _, part := range [][]setting{p.settings(), p.Reassembly.settings(), p.Fragments.settings(), p.Fooled.settings(),
		p.inspectSettings(), p.QUIC.settings(), p.Encrypted.settings(), p.idleSettings()} {
		for _, s := range part {
			words = append(words, s.key)
		}
	}
	for _, w := range words {
		require.Regexp(t, `[^a-z]`+regexp.QuoteMeta(w)+`[^a-z]`, text)
	}
}

// The profile that the reference shows is the default one.
func TestReferenceShowsTheDefaults(t *testing.T) {
	_, part, _ := strings.Cut(reference(t), "// # Profile\n")
	part, _, _ = strings.Cut(part, "// # Extending")
	lines := []string{"policy: test", "date: 2025-01-01", "about: a test", "profile:"}
	for line := range strings.SplitSeq(part, "\n") {
		if code, ok := strings.CutPrefix(line, "//\t"); ok {
			lines = append(lines, "  "+code)
		}
	}
	lines = append(lines, "rules: [{rule: one, when: all, do: pass, source: {ref: choice}}]")
	p, err := Parse("test.yaml", []byte(strings.Join(lines, "\n")), nil)
	require.NoError(t, err)
	require.Equal(t, DefaultProfile(), p.Profile)
}

// Each do that the reference shows is read, under the when that it needs.
func TestReferenceShowsMechanisms(t *testing.T) {
	_, part, _ := strings.Cut(reference(t), "// # Do\n")
	part, _, _ = strings.Cut(part, "// # Profile")
	n := 0
	for line := range strings.SplitSeq(part, "\n") {
		if !strings.HasPrefix(line, "//\t{") {
			continue
		}
		do := line[3 : strings.LastIndex(line, "}")+1]
		when := "{protocol: tls}"
		switch {
		case strings.Contains(do, "redirect"), strings.Contains(do, "answer"):
			when = "{protocol: dns}"
		case strings.Contains(do, "page"):
			when = "{protocol: http}"
		}
		compile(t, "rules: [{rule: one, when: "+when+", do: "+do+", source: {ref: choice}}]\n")
		n++
	}
	require.Equal(t, len(doWords), n)
}
