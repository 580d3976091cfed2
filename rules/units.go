package rules

import (
	"math"
	"strconv"
	"strings"
	"time"

	"dpilab/internal/strictyaml"
)

// whole reads digits, without sign, underscore or other base.
func whole(s string, least, most int) (int, bool) {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && least <= n && n <= most
}

func readWhole(n strictyaml.Node, what string, least, most int) (int, error) {
	s, _ := n.Word()
	v, ok := whole(s, least, most)
	if !ok {
		return 0, n.Expected(what)
	}
	return v, nil
}

func readTruth(n strictyaml.Node) (bool, error) {
	i, err := n.OneOf("true", "false")
	return i == 0, err
}

// maxTime keeps sums of times in range.
const maxTime = 366 * 24 * time.Hour

// readDuration reads 65s, 10m, 1h30m: more than nothing, a year at most.
func readDuration(n strictyaml.Node) (time.Duration, error) {
	s, _ := n.Word()
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 || d > maxTime {
		return 0, n.Expected("a time such as 65s or 10m")
	}
	return d, nil
}

// readSpan reads 5 or 5..8, and a word after it if unit is not empty.
func readSpan(n strictyaml.Node, what, unit string, least, most int) (Range, error) {
	s, _ := n.Word()
	if unit != "" {
		head, ok := strings.CutSuffix(s, " "+unit)
		if !ok {
			return Range{}, n.Expected(what)
		}
		s = head
	}
	return parseSpan(n, s, what, func(s string) (int, bool) { return whole(s, least, most) })
}

// parseSpan reads the two ends of a span, or one that is both.
func parseSpan(n strictyaml.Node, s, what string, one func(string) (int, bool)) (Range, error) {
	low, high, two := strings.Cut(s, "..")
	if !two {
		high = low
	}
	a, ok1 := one(low)
	b, ok2 := one(high)
	switch {
	case !ok1 || !ok2:
		return Range{}, n.Expected(what)
	case a > b:
		return Range{}, n.Fail("found %s, which runs backwards, expected %s..%s", n.Describe(), high, low)
	}
	return Range{a, b}, nil
}

// readPercent reads 0% to 100%, and gives 0 to 1.
func readPercent(n strictyaml.Node) (float64, error) {
	s, _ := n.Word()
	head, ok := strings.CutSuffix(s, "%")
	v, err := strconv.ParseFloat(head, 64)
	if !ok || err != nil || !(v >= 0 && v <= 100) || strings.ContainsAny(head, "xX_pPeE+-") {
		return 0, n.Expected("a share such as 0% or 2.5%")
	}
	return v / 100, nil
}

type unit struct {
	name  string
	bytes float64
}

// A rate counts bits, as networks do, or bytes a second: kbit is 1000 bits. KB is 1000 bytes, KiB is 1024.
var (
	rateUnits = []unit{{"kbit", 1e3 / 8.0}, {"mbit", 1e6 / 8.0}, {"gbit", 1e9 / 8.0}, {"bit", 1 / 8.0},
		{"KB/s", 1e3}, {"MB/s", 1e6}, {"B/s", 1}}
	sizeUnits = []unit{{"KB", 1e3}, {"MB", 1e6}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"B", 1}}
)

// readAmount reads a number directly before its unit, and gives bytes.
func readAmount(n strictyaml.Node, what string, units []unit) (int64, error) {
	s, _ := n.Word()
	v, ok := amount(s, units)
	if !ok {
		return 0, n.Expected(what)
	}
	return v, nil
}

func amount(s string, units []unit) (int64, bool) {
	for _, u := range units {
		head, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		v, ok := whole(head, 1, math.MaxInt32)
		b := float64(v) * u.bytes
		return int64(b), ok && b >= 1 && b <= math.MaxInt64/2
	}
	return 0, false
}
