package tools

import (
	"errors"
	"strings"
)

// splitWords splits a command as a shell does, without expanding anything: words between blanks, '...' as it stands, and in "..." a
// backslash before " and \. Outside of quotes a backslash keeps the next byte.
func splitWords(text string) (command, error) {
	var all command
	var word strings.Builder
	in, quote := false, byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quote == 0 && strings.IndexByte(" \t\r\n", c) >= 0:
			if in {
				all = append(all, word.String())
			}
			word.Reset()
			in = false
			continue
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		case c == quote:
			quote = 0
		case c == '\\' && quote != '\'' && i+1 < len(text) && (quote == 0 || text[i+1] == '"' || text[i+1] == '\\'):
			i++
			word.WriteByte(text[i])
		default:
			word.WriteByte(c)
		}
		in = true
	}
	if quote != 0 {
		return nil, errors.New("a quote that does not end")
	}
	if in {
		all = append(all, word.String())
	}
	return all, nil
}

// String gives the command as a person would type it.
func (c command) String() string {
	words := make([]string, len(c))
	for i, w := range c {
		if words[i] = w; w == "" || strings.ContainsAny(w, " \t\r\n'\"\\") {
			words[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}
