package matrix

import (
	"bytes"
	"encoding/xml"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/internal/junit"
)

func TestJUnit(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, small().WriteJUnit(&b, nil))
	golden(t, "junit.xml", b.Bytes())
	all := junitOf(t, small(), nil)
	require.Equal(t, []int{6, 1, 1, 1}, []int{all.Tests, all.Failures, all.Errors, all.Skipped}, "a leak, and what is broken")

	same := NewBaseline(small(), nil)
	all = junitOf(t, small(), Compare(small(), same, false))
	require.Equal(t, []int{6, 0, 0, 2}, []int{all.Tests, all.Failures, all.Errors, all.Skipped}, "as before")

	same.Cells["curl"]["every-policy/2022-paper"] = "open"
	same.Cells["xray-reality"]["every-policy/2025-freeze"] = "open"
	same.Cells["xray-reality"]["every-policy/2026-home"] = "open"
	all = junitOf(t, small(), Compare(small(), same, false))
	require.Equal(t, []int{6, 1, 1, 1}, []int{all.Tests, all.Failures, all.Errors, all.Skipped})
	require.Contains(t, all.Suites[0].Cases[0].Failure.Message, "was open, is blocked: rule twitter-names")
	all = junitOf(t, small(), Compare(small(), same, true))
	require.Equal(t, []int{6, 2, 1, 0}, []int{all.Tests, all.Failures, all.Errors, all.Skipped}, "what is required cannot be skipped")
}

func junitOf(t *testing.T, r *Result, c *Comparison) (all junit.Report) {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, r.WriteJUnit(&b, c))
	require.NoError(t, xml.Unmarshal(b.Bytes(), &all))
	return all
}

func TestMarkdown(t *testing.T) {
	base := NewBaseline(small(), nil)
	base.Cells["curl"]["every-policy/2022-paper"] = "open"
	var b bytes.Buffer
	require.NoError(t, small().WriteMarkdown(&b, Compare(small(), base, false)))
	golden(t, "markdown.md", b.Bytes())

	b.Reset()
	require.NoError(t, full().WriteMarkdown(&b, nil))
	require.Less(t, b.Len(), 1<<20, "GitHub refuses larger ones")
	require.Contains(t, b.String(), "\n| chromium | ", "a row a tool, where there are more of them")
}

// What a tool wrote stays text.
func TestMarkdownIsPlain(t *testing.T) {
	r := small()
	r.Cells[0].Why = "<img src=x> | [a](http://b) `c` @d\n# e"
	var b bytes.Buffer
	require.NoError(t, r.WriteMarkdown(&b, nil))
	require.Contains(t, b.String(), "&lt;img src=x&gt; \\| \\[a\\](http:&#8203;//b) \\`c\\` &#64;d \\# e")
	require.Len(t, strings.Split(escaped("a|b\nc"), "\n"), 1)
}

func TestBadge(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, small().WriteBadge(&b))
	golden(t, "badge.svg", b.Bytes())
	require.NoError(t, xml.Unmarshal(b.Bytes(), new(struct{})))
	for open, colour := range map[int]string{3: "#2ea44f", 2: "#c99a06", 1: "#e0702f", 0: "#cf3f3a"} {
		r := built([]string{"<b>"}, []string{"a", "b", "c"})
		for i := range r.Cells {
			r.Cells[i].Status = Blocked
			if i < open {
				r.Cells[i].Status = Open
			}
		}
		b.Reset()
		require.NoError(t, r.WriteBadge(&b))
		require.Contains(t, b.String(), colour)
		require.Contains(t, b.String(), "&lt;b&gt; ")
	}
	b.Reset()
	require.NoError(t, (&Result{}).WriteBadge(&b))
	require.Contains(t, b.String(), "not tried")
}
