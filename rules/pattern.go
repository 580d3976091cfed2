package rules

import (
	"fmt"
	"strings"
)

// form is one of the ways in which a list, or a rule, describes names.
type form uint8

const (
	formTree     form = iota // name.tld: the name and all under it
	formExact                // =name.tld: that name only
	formUnder                // *.name.tld: what is under it only
	formEnds                 // *name.tld: ends with these letters, whatever stands before
	formContains             // *letters*: has these letters somewhere
	formStarts               // letters*: begins with these letters
	formKeyword              // keyword:word: has this label somewhere
	formRegexp               // regexp:expression: this is found in it
)

// hits gives the bits of the forms up to formUnder.
func (f form) hits() byte { return [...]byte{hitsSelf | hitsUnder, hitsSelf, hitsUnder}[f] }

// pattern describes names. Text is without the marks of the form, and lower-case except for an expression.
type pattern struct {
	form form
	text string
}

// Limits of RFC 1035 section 2.3.4, in the notation with dots: 253 without the last dot.
const (
	maxLabel = 63
	maxName  = 253
)

const keywordMark = "keyword:"

// parsePattern reads one line of a list of domains. The error says what is wrong with it, not where.
func parsePattern(s string) (pattern, error) {
	switch {
	case strings.HasPrefix(s, expressionMark):
		p := pattern{formRegexp, s[len(expressionMark):]}
		if _, err := parseExpression(p.text); err != nil {
			return pattern{}, fmt.Errorf("found %q, expected a regular expression as RE2 has them: %w", s, err)
		}
		return p, nil
	case strings.HasPrefix(s, keywordMark):
		return checkedPattern(formKeyword, s, s[len(keywordMark):])
	case strings.HasPrefix(s, "="):
		return checkedPattern(formExact, s, s[1:])
	case strings.HasPrefix(s, "*."):
		return checkedPattern(formUnder, s, s[2:])
	case strings.HasPrefix(s, "*") && strings.HasSuffix(s, "*") && len(s) > 2:
		return checkedPattern(formContains, s, s[1:len(s)-1])
	case strings.HasPrefix(s, "*"):
		return checkedPattern(formEnds, s, s[1:])
	case strings.HasSuffix(s, "*"):
		return checkedPattern(formStarts, s, s[:len(s)-1])
	}
	return checkedPattern(formTree, s, s)
}

func checkedPattern(f form, whole, text string) (pattern, error) {
	p := pattern{f, lower(text)}
	switch {
	case text == "":
		return pattern{}, fmt.Errorf("found %q, expected a name", whole)
	case looksLikePrefix(text):
		return pattern{}, fmt.Errorf("found %q, which is an address, expected a name", whole)
	case len(text) > maxName:
		return pattern{}, fmt.Errorf("found a name of %d letters, expected %d or fewer", len(text), maxName)
	}
	for _, c := range []byte(p.text) {
		switch {
		case c == '*':
			return pattern{}, fmt.Errorf("found %q, expected stars at the beginning or the end only", whole)
		case c >= 0x80:
			return pattern{}, fmt.Errorf("found %q, expected the ASCII form (xn--...) of the name", whole)
		case !nameByte(c):
			return pattern{}, fmt.Errorf("found %q in %q, expected letters, digits, hyphens, underscores and dots", c, whole)
		}
	}
	if f == formContains || f == formEnds || f == formStarts {
		return p, nil // any letters, cut from a name anywhere
	}
	if f == formKeyword && strings.Contains(text, ".") {
		return pattern{}, fmt.Errorf("found %q, expected one label without dots after %q", whole, keywordMark)
	}
	if short := strings.TrimSuffix(p.text, "."); short != p.text && short != "" {
		return pattern{}, fmt.Errorf("found %q, expected %q without the last dot", whole, strings.TrimSuffix(whole, "."))
	}
	for label := range strings.SplitSeq(p.text, ".") {
		if label == "" || len(label) > maxLabel {
			return pattern{}, fmt.Errorf("found a label of %d letters in %q, expected 1 to %d", len(label), whole, maxLabel)
		}
	}
	return p, nil
}

// String gives the pattern as a list has it.
func (p pattern) String() string {
	switch p.form {
	case formExact:
		return "=" + p.text
	case formUnder:
		return "*." + p.text
	case formEnds:
		return "*" + p.text
	case formContains:
		return "*" + p.text + "*"
	case formStarts:
		return p.text + "*"
	case formKeyword:
		return keywordMark + p.text
	case formRegexp:
		return expressionMark + p.text
	}
	return p.text
}

func nameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.'
}

// lower is strings.ToLower for ASCII: a byte above it stays as it is, as in lowerByte.
func lower(s string) string {
	for i := range len(s) {
		if lowerByte(s[i]) != s[i] {
			b := []byte(s)
			for i, c := range b {
				b[i] = lowerByte(c)
			}
			return string(b)
		}
	}
	return s
}

func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
