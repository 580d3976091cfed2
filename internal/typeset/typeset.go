// Package typeset lays text out in columns of a terminal. Every letter counts as one column wide: all that reports write is.
package typeset

import (
	"strings"
	"unicode/utf8"
)

// Letters counts what a terminal shows of s.
func Letters(s string) int { return utf8.RuneCountInString(s) }

// Space is what fills text up to a width, none where it is as wide already.
func Space(width int, text string) string { return strings.Repeat(" ", max(0, width-Letters(text))) }

// Wrap cuts text at spaces into lines of at most width letters, as far as the words allow.
func Wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && Letters(line)+1+Letters(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// Join puts sep between the words that are not empty.
func Join(sep string, words ...string) string {
	var some []string
	for _, w := range words {
		if w != "" {
			some = append(some, w)
		}
	}
	return strings.Join(some, sep)
}
