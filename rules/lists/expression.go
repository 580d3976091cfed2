package lists

import (
	"errors"
	"fmt"
	"strings"

	"dpilab/rules"
)

// maxExpression keeps an expression within a line of a list.
const maxExpression = 4000

// checkedExpression gives a regular expression as a list takes it: # would begin a comment there.
func checkedExpression(text string) (string, error) {
	if !isASCII(text) {
		return "", fmt.Errorf("found the expression %s, expected ASCII, as names have it", shown(text))
	}
	for i := range len(text) {
		if text[i] < ' ' || text[i] == 0x7f {
			return "", fmt.Errorf("found %q in the expression %s, which no name has", text[i], shown(text))
		}
	}
	if strings.TrimSpace(text) != text {
		return "", fmt.Errorf("found blanks around the expression %s", shown(text))
	}
	out, err := escapedHash(text)
	if err != nil {
		return "", err
	}
	if len(out) > maxExpression {
		return "", fmt.Errorf("found an expression of %d letters, expected %d or fewer", len(out), maxExpression)
	}
	return out, rules.CheckEntry(formRegexp.written(out))
}

// escapedHash writes # as \x23.
func escapedHash(text string) (string, error) {
	if !strings.Contains(text, "#") {
		return text, nil
	}
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '#':
			out.WriteString(`\x23`)
		case text[i] == '\\' && i+1 < len(text):
			i++
			switch text[i] {
			case '#':
				out.WriteString(`\x23`)
			case 'Q':
				return "", errors.New(`found an expression with both \Q and #, expected one of them at most`)
			default:
				out.WriteString(text[i-1 : i+1])
			}
		default:
			out.WriteByte(text[i])
		}
	}
	return out.String(), nil
}
