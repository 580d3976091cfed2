package matrix

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func page(t *testing.T, r *Result, c *Comparison) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, r.WriteHTML(&b, c))
	return b.String()
}

// fromPage reads the result out of a page.
func fromPage(t *testing.T, page string) *Result {
	t.Helper()
	text := regexp.MustCompile(`(?s)<script type="application/json" id="data">(.*?)</script>`).FindStringSubmatch(page)
	require.NotNil(t, text)
	r := new(Result)
	require.NoError(t, json.Unmarshal([]byte(text[1]), r))
	var more struct{ Runs []string }
	require.NoError(t, json.Unmarshal([]byte(text[1]), &more))
	require.Len(t, more.Runs, len(r.Tools))
	for i, packed := range more.Runs {
		z, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(packed)))
		require.NoError(t, err)
		var runs [][]Run
		require.NoError(t, json.NewDecoder(z).Decode(&runs))
		for j := range r.Cells {
			if r.Cells[j].Tool == r.Tools[i].Name {
				r.Cells[j].Runs, runs = runs[0], runs[1:]
			}
		}
		require.Empty(t, runs)
	}
	return r
}

func TestPageHasEverything(t *testing.T) {
	for _, r := range []*Result{small(), full()} {
		require.Equal(t, r, fromPage(t, page(t, r, nil)))
	}
	require.Less(t, len(page(t, full(), nil)), 8<<20)
}

// The page needs nothing from elsewhere, and its policy would not let it.
func TestPageIsAlone(t *testing.T) {
	text := page(t, small(), nil)
	require.Contains(t, text, "default-src 'none'")
	for _, pattern := range []string{`(?i)<link`, `(?i)\ssrc=`, `@import`, `url\(`, `fetch\(`, `innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(`} {
		require.NotRegexp(t, pattern, text)
	}
	script := regexp.MustCompile(`(?s)<script>(.*?)</script>`).FindStringSubmatch(text)
	require.Contains(t, text, "script-src '"+hashOf(script[1])+"'")
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(text)
	require.Contains(t, text, "style-src '"+hashOf(style[1])+"'")
}

const attack = `</script><script>document.title='owned'</script><img src=x onerror="document.title='owned'">%SCRIPT%%DATA%<!--`

// hostile is a result in which everything that tools and networks wrote is an attack.
func hostile() *Result {
	r := small()
	r.Tools[0].Version, r.Tools[0].About, r.Tools[0].Link = attack, attack, "javascript:document.title='owned'"
	r.Phases[0].About, r.Phases[0].Proofs[0].Outcome = attack, attack
	c := &r.Cells[0]
	c.Why, c.Goal = attack, attack
	run := &c.Runs[0]
	run.Log, run.Outcome, run.Leaks, run.Kept = attack, attack, []string{attack}, attack
	run.Hits[0].Rule, run.Hits[0].Name, run.Hits[0].Flow = attack, attack, attack
	run.Flows[0].To, run.Flows[0].Client = attack, attack
	run.Flows[0].Packets[0].What, run.Flows[0].Packets[4].Rule = attack, attack
	return r
}

func TestPageEscapes(t *testing.T) {
	r := hostile()
	c := &Comparison{Changes: []Changed{{Tool: "curl", Column: attack, Change: Regression, Was: attack, Is: attack, Why: attack}}}
	text := page(t, r, c)
	require.NotContains(t, text, "<img")
	require.Equal(t, 2, strings.Count(text, "<script"))
	require.Equal(t, 1, strings.Count(text, pageMain), "what looks like a place for the script is none")
	require.Equal(t, r, fromPage(t, text))
}

// dumped gives the document as a browser has it after the page's script ran.
func dumped(t *testing.T, r *Result, hash string) string {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium on PATH: the page is not looked at in a browser")
	}
	if testing.Short() {
		t.Skip("a browser takes seconds")
	}
	file := filepath.Join(t.TempDir(), "page.html")
	require.NoError(t, os.WriteFile(file, []byte(page(t, r, nil)), 0o644))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+t.TempDir(), "--virtual-time-budget=3000",
		"--dump-dom", (&url.URL{Scheme: "file", Path: file}).String()+"#"+hash)
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	require.NoError(t, err)
	return string(out)
}

// A browser shows the hostile result, with the cell open in which the attacks are, as text.
func TestPageInABrowser(t *testing.T) {
	dom := dumped(t, hostile(), "cell=curl@2022-paper&run=1")
	require.Contains(t, dom, "<title>dpilab matrix: 1 of 5 open</title>")
	require.Equal(t, 6, strings.Count(dom, "data-cell="))
	require.NotContains(t, dom, "<img")
	require.NotContains(t, dom, "href=\"javascript")
	panel := dom[strings.Index(dom, "<aside"):]
	for _, part := range []string{"log of the tool", "what the policy does without a tool", "rewritten by", "packets at the box", "&lt;/script&gt;&lt;script&gt;"} {
		require.Contains(t, panel, part)
	}
}
