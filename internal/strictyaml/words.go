package strictyaml

import (
	"fmt"
	"strings"
)

// IsLabel tells whether s has the form of a name of our own making: small letters, digits, hyphens, no hyphen first.
func IsLabel(s string) bool {
	for _, c := range []byte(s) {
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-') {
			return false
		}
	}
	return s != "" && s[0] != '-'
}

// OrList gives the words as a message has them: "a, b or c".
func OrList(words []string) string { return list(words, " or ") }

func list(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + last + words[len(words)-1]
}

// Suggest gives `; did you mean "word"?` for the nearest of the words, or "" where none is near.
func Suggest(found string, words []string) string {
	best, least := "", len(found)/3+2
	if len(found) > 64 {
		return ""
	}
	for _, w := range words {
		if d := distance(found, w); d > 0 && d < least {
			best, least = w, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// distance counts the letters to insert, remove or replace (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := corner
			if a[i] != b[j] {
				cost++
			}
			corner = row[j+1]
			row[j+1] = min(cost, row[j]+1, corner+1)
		}
	}
	return row[len(b)]
}
