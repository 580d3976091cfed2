package lists

import (
	"slices"
	"strings"
)

// attributes say which entries to take: those with all of must and none of ban.
type attributes struct{ must, ban []string }

// parseAttributes takes ads, @ads, -ads and @-ads.
func parseAttributes(words []string) (a attributes) {
	for _, w := range words {
		w = strings.ToLower(strings.TrimPrefix(w, "@"))
		if ban, minus := strings.CutPrefix(w, "-"); minus {
			a.ban = append(a.ban, ban)
		} else {
			a.must = append(a.must, w)
		}
	}
	return a
}

func (a attributes) take(has []string) bool {
	for _, m := range a.must {
		if !slices.Contains(has, m) {
			return false
		}
	}
	for _, b := range a.ban {
		if slices.Contains(has, b) {
			return false
		}
	}
	return true
}

// and joins the conditions of two, in an order of their own: equal conditions are equal texts.
func (a attributes) and(b attributes) attributes {
	join := func(x, y []string) []string {
		all := slices.Concat(x, y)
		slices.Sort(all)
		return slices.Compact(all)
	}
	return attributes{join(a.must, b.must), join(a.ban, b.ban)}
}

func (a attributes) String() string {
	return strings.Join(a.must, " ") + " - " + strings.Join(a.ban, " ")
}
