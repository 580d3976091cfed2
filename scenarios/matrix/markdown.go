package matrix

import (
	"fmt"
	"io"
	"strings"
	"unicode"
)

// signs are the statuses in a page that has no colours.
var signs = map[Status]string{Open: "✅", Degraded: "🟡", Blocked: "⛔", Leak: "💧", Broken: "🔧", Skipped: "➖"}

// mostReasons bounds the page: a job's summary on GitHub is refused beyond 1 MiB.
const mostReasons = 200

// WriteMarkdown writes the result as GitHub renders it, with what has changed (c may be nil).
func (r *Result) WriteMarkdown(w io.Writer, c *Comparison) error {
	var b strings.Builder
	n := r.Count("")
	fmt.Fprintf(&b, "### dpilab: %s\n\n", n)
	if r.Partial {
		b.WriteString("It was ended early: cells that it did not come to are skipped.\n\n")
	}
	fmt.Fprintf(&b, "%s × %s, %s a cell, seed %d, %s, %s\n\n", plural(len(r.Tools), "tool", "tools"), plural(len(r.Phases), "policy", "policies"),
		plural(r.Repeat, "try", "tries"), r.Seed, r.Started.UTC().Format("2006-01-02 15:04 UTC"), escaped(prefixed("dpilab", r.Dpilab)))
	if c != nil {
		c.markdown(&b)
	}
	r.markdownTable(&b)
	var legend []string
	for _, s := range Statuses {
		if n[s] > 0 {
			legend = append(legend, signs[s]+" "+string(s))
		}
	}
	fmt.Fprintf(&b, "\n%s\n", strings.Join(legend, " · "))
	r.markdownWhy(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

// prefixed says the name of a program before its version, once.
func prefixed(name, version string) string {
	if strings.HasPrefix(version, name) {
		return version
	}
	return name + " " + version
}

// markdownTable has a column for each of what there is less of, tools or policies: pages are narrow and long.
func (r *Result) markdownTable(b *strings.Builder) {
	t := newTable(r, TableOptions{})
	down, across := len(r.Tools), len(r.Phases)
	toolsDown := down >= across
	corner := "tool"
	if !toolsDown {
		down, across, corner = across, down, "policy"
	}
	name := func(tool bool, i int) string {
		if tool {
			return escaped(r.Tools[i].Name)
		}
		return escaped(r.Phases[i].String())
	}
	b.WriteString("| " + corner + " |")
	for i := range across {
		b.WriteString(" " + name(!toolsDown, i) + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat(":-:|", across) + "\n")
	for i := range down {
		b.WriteString("| " + name(toolsDown, i) + " |")
		for j := range across {
			tool, column := i, j
			if !toolsDown {
				tool, column = j, i
			}
			b.WriteString(" " + markdownCell(t.at(tool, column)) + " |")
		}
		b.WriteString("\n")
	}
}

func markdownCell(c *Cell) string {
	if c == nil {
		return ""
	}
	text := signs[c.Status]
	if c.Flakes > 0 {
		text += fmt.Sprintf(" %d/%d", c.Reached, c.Tries)
	}
	return text
}

// markdownWhy lists what is not open, folded.
func (r *Result) markdownWhy(b *strings.Builder) {
	t := newTable(r, TableOptions{})
	all := r.reasons()
	if len(all) == 0 {
		return
	}
	b.WriteString("\n<details><summary>What is not open, and why</summary>\n\n")
	for i, x := range all {
		if i == mostReasons {
			fmt.Fprintf(b, "- … and %d more\n", len(all)-i)
			break
		}
		fmt.Fprintf(b, "- %s **%s**: %s<br>%s\n", signs[x.status], x.status, escaped(x.text), escaped(t.where(x)))
	}
	b.WriteString("\n</details>\n")
}

// markdown lists what has changed.
func (c *Comparison) markdown(b *strings.Builder) {
	if len(c.Changes) == 0 {
		b.WriteString("Nothing has changed against the baseline.\n\n")
		return
	}
	for _, k := range changeWords {
		some := c.Of(k.change)
		if len(some) == 0 {
			continue
		}
		head := plural(len(some), k.one, k.more)
		if c.Failed(some[0]) {
			head = "❗ " + head
		}
		fmt.Fprintf(b, "**%s**\n\n", head)
		for i, x := range some {
			if i == mostReasons {
				fmt.Fprintf(b, "- … and %d more\n", len(some)-i)
				break
			}
			text := strings.TrimSpace(fmt.Sprintf("%s@%s: %s → %s", x.Tool, x.name(), orNothing(x.Was), orNothing(x.Is)))
			if x.Why != "" && k.change != Pass {
				text += "; " + x.Why
			}
			fmt.Fprintf(b, "- %s\n", escaped(text))
		}
		b.WriteString("\n")
	}
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// escaped makes text plain in Markdown: what a tool wrote is neither a link nor a tag nor the end of a cell.
func escaped(s string) string {
	var b strings.Builder
	for _, r := range oneLine(s) {
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case r == '@':
			b.WriteString("&#64;") // or it tells the people of that name
		case r < unicode.MaxASCII && strings.ContainsRune("\\`*_[]|~#", r):
			b.WriteRune('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return strings.ReplaceAll(b.String(), "://", ":&#8203;//") // or it becomes a link
}
