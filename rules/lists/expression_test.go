package lists

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheckedExpression(t *testing.T) {
	for in, want := range map[string]string{
		`^a+\.example$`: `^a+\.example$`,
		`a#b`:           `a\x23b`,
		`a\#b`:          `a\x23b`,
		`a\\#b`:         `a\\\x23b`,
		`[#x]\.`:        `[\x23x]\.`,
		`\Qa.b\E`:       `\Qa.b\E`,
	} {
		got, err := checkedExpression(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got)
		for _, s := range []string{"a#b", `a\#b`, "#.", "x.", "aa.example", "a.b"} { // the same is found
			require.Equal(t, regexp.MustCompile(in).MatchString(s), regexp.MustCompile(got).MatchString(s), "%s in %s", in, s)
		}
	}
	for in, want := range map[string]string{
		`(a`:                      "regular expression",
		`a{9999}`:                 "regular expression",
		"a\nb":                    "which no name has",
		`пример`:                  "expected ASCII",
		` a`:                      "blanks",
		`\Qa#\E`:                  `both \Q and #`,
		strings.Repeat("a", 5000): "5000 letters",
	} {
		_, err := checkedExpression(in)
		require.ErrorContains(t, err, want)
	}
}
