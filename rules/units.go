package rules

import (
	"math"
	"strconv"
	"strings"
	"time"
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

func (n node) whole(what string, least, most int) (int, error) {
	s, _ := n.word()
	v, ok := whole(s, least, most)
	if !ok {
		return 0, n.expected(what)
	}
	return v, nil
}

func (n node) truth() (bool, error) {
	i, err := n.oneOf("true", "false")
	return i == 0, err
}

// maxTime keeps sums of times in range.
const maxTime = 366 * 24 * time.Hour

// duration reads 65s, 10m, 1h30m: more than nothing, a year at most.
func (n node) duration() (time.Duration, error) {
	s, _ := n.word()
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 || d > maxTime {
		return 0, n.expected("a time such as 65s or 10m")
	}
	return d, nil
}

// span reads 5 or 5..8, and a word after it if unit is not empty.
func (n node) span(what, unit string, least, most int) (Range, error) {
	s, _ := n.word()
	if unit != "" {
		head, ok := strings.CutSuffix(s, " "+unit)
		if !ok {
			return Range{}, n.expected(what)
		}
		s = head
	}
	low, high, two := strings.Cut(s, "..")
	if !two {
		high = low
	}
	a, ok1 := whole(low, least, most)
	b, ok2 := whole(high, least, most)
	switch {
	case !ok1 || !ok2:
		return Range{}, n.expected(what)
	case a > b:
		return Range{}, n.fail("found %s, which runs backwards, expected %d..%d", n.describe(), b, a)
	}
	return Range{a, b}, nil
}

// percent reads 0% to 100%, and gives 0 to 1.
func (n node) percent() (float64, error) {
	s, _ := n.word()
	head, ok := strings.CutSuffix(s, "%")
	v, err := strconv.ParseFloat(head, 64)
	if !ok || err != nil || !(v >= 0 && v <= 100) || strings.ContainsAny(head, "xX_pPeE+-") {
		return 0, n.expected("a share such as 0% or 2.5%")
	}
	return v / 100, nil
}

type unit struct {
	name  string
	bytes float64
}

// A rate counts bits, as networks do: kbit is 1000 of them. KB is 1000 bytes, KiB is 1024.
var (
	rateUnits = []unit{{"kbit", 1e3 / 8.0}, {"mbit", 1e6 / 8.0}, {"gbit", 1e9 / 8.0}, {"bit", 1 / 8.0}}
	sizeUnits = []unit{{"KB", 1e3}, {"MB", 1e6}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"B", 1}}
)

// amount reads a number directly before its unit, and gives bytes.
func (n node) amount(what string, units []unit) (int64, error) {
	s, _ := n.word()
	for _, u := range units {
		head, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		v, ok := whole(head, 1, math.MaxInt32)
		if !ok || float64(v)*u.bytes < 1 || float64(v)*u.bytes > math.MaxInt64/2 {
			break
		}
		return int64(float64(v) * u.bytes), nil
	}
	return 0, n.expected(what)
}
