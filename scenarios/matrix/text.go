package matrix

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"dpilab/internal/typeset"
)

// pad fills text up to a width.
func pad(width int, text string) string {
	return text + typeset.Space(width, text)
}

func cut(s string, n int) string {
	if r := []rune(s); len(r) > n && n > 0 {
		return string(r[:n-1]) + "…"
	}
	return s
}

// oneLine makes text harmless for a terminal: what tools wrote must not move its cursor.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case !unicode.IsPrint(r):
			return '�'
		}
		return r
	}, s)
}

// short gives a time as people say it.
func short(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%.1f h", d.Hours())
}

// bits gives a rate in words.
func bits(rate float64) string {
	switch {
	case rate <= 0:
		return "–"
	case rate < 999.5:
		return fmt.Sprintf("%.0f bit/s", rate)
	case rate < 999.5e3:
		return fmt.Sprintf("%.0f kbit/s", rate/1e3)
	case rate < 9.95e6:
		return fmt.Sprintf("%.1f Mbit/s", rate/1e6)
	case rate < 999.5e6:
		return fmt.Sprintf("%.0f Mbit/s", rate/1e6)
	}
	return fmt.Sprintf("%.1f Gbit/s", rate/1e9)
}

func plural(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}
