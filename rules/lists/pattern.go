package lists

import (
	"fmt"
	"strings"
)

// checkedText gives the text of an entry as rules.List takes it, or says what is wrong with it.
func checkedText(f form, text string) (string, error) {
	switch {
	case f.named():
		return canonical(text)
	case f == formRegexp:
		return checkedExpression(text)
	}
	low, err := ascii(text)
	switch {
	case err != nil:
		return "", err
	case low == "":
		return "", fmt.Errorf("found %q, expected letters of a name", f.written(text))
	case len(low) > maxName:
		return "", fmt.Errorf("found %d letters, expected %d or fewer", len(low), maxName)
	case isAddress(low):
		return "", fmt.Errorf("found %s, which is an address, expected letters of a name", shown(text))
	case f == formKeyword && (strings.Contains(low, ".") || len(low) > maxLabel):
		return "", fmt.Errorf("found %s, expected a label of %d letters or fewer", shown("keyword:"+text), maxLabel)
	}
	return low, nil
}

// own reads an entry as rules.List has it.
func own(s string) (form, string) {
	switch {
	case strings.HasPrefix(s, "keyword:"):
		return formKeyword, s[len("keyword:"):]
	case strings.HasPrefix(s, "regexp:"):
		return formRegexp, s[len("regexp:"):]
	case strings.HasPrefix(s, "="):
		return formExact, s[1:]
	case strings.HasPrefix(s, "*."):
		return formUnder, s[2:]
	case strings.HasPrefix(s, "*") && strings.HasSuffix(s, "*") && len(s) > 2:
		return formContains, s[1 : len(s)-1]
	case strings.HasPrefix(s, "*"):
		return formEnds, s[1:]
	case strings.HasSuffix(s, "*"):
		return formStarts, s[:len(s)-1]
	}
	return formTree, s
}
