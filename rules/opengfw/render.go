package opengfw

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// profile is how OpenGFW's engine reads: all TCP segments in the order of their numbers (gopacket, at most 16 pages of a connection),
// 8192 bytes of a stream, of TLS one record and one hello; QUIC of versions 1, 2 and the drafts; whoever opened the stream.
const profile = `profile: # how OpenGFW's engine reads
  reassembly: {tcp: true, bytes: 8192, segments: 16}
  originator: any
  inspect: {packets: 15..20, hellos: first, unknown: 101}
  quic: {versions: [v1, v2, draft]}
`

// draft is a policy that can be written.
type draft struct {
	file    string
	options Options
	rules   []*rule
	lists   map[string]list     // files
	inline  map[string][]string // patterns that stand in the policy
}

// place is what a line of a policy is of: a rule and one of its unless, counted from 0; -1 for none.
type place struct{ rule, unless int }

// render writes the policy, and gives the place of each line.
func (d *draft) render() (text []byte, of []place) {
	var b bytes.Buffer
	at := func(p place, format string, args ...any) {
		from := b.Len()
		fmt.Fprintf(&b, format, args...)
		for range bytes.Count(b.Bytes()[from:], []byte("\n")) {
			of = append(of, p)
		}
	}
	write := func(rule int, format string, args ...any) { at(place{rule, -1}, format, args...) }
	write(-1, "# Made by dpilab rules import-opengfw of %s\npolicy: %s\ndate: %s\nabout: %s\n", oneLine(d.file), d.options.Name, d.options.Date,
		quote("The rules of OpenGFW in "+oneLine(d.file)))
	if len(d.lists)+len(d.inline) > 0 {
		write(-1, "\nlists:\n")
	}
	for _, name := range slices.Sorted(maps.Keys(d.lists)) {
		write(-1, "  %s: %s\n", name, d.lists[name].file)
	}
	for _, name := range slices.Sorted(maps.Keys(d.inline)) {
		write(-1, "  %s: %s\n", name, values("sni", d.inline[name]))
	}
	write(-1, "\n%s\nrules:\n", profile)
	for i, r := range d.rules {
		also := ""
		if r.also > 0 {
			also = fmt.Sprintf(", and %d more to line %d", r.also, r.last)
		}
		write(i, "  # line %d%s%s\n  - rule: %s\n    when: %s\n", r.from.line, named(r.from.name), also, r.name, r.when.text("all"))
		switch len(r.unless) {
		case 0:
		case 1:
			at(place{i, 0}, "    unless: %s\n", r.unless[0].text(""))
		default:
			write(i, "    unless:\n")
			for j, u := range r.unless {
				at(place{i, j}, "      - %s\n", u.text(""))
			}
		}
		write(i, "    do: %s\n    source: {ref: choice}\n", r.do)
	}
	return b.Bytes(), of
}

// text is the condition as a policy has it; whatever, where it asks for nothing.
func (c cond) text(whatever string) string {
	if len(c) == 0 {
		return whatever
	}
	parts := make([]string, 0, len(c))
	for _, key := range c.keys() {
		parts = append(parts, key+": "+values(key, c[key]))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// values is one value, or several in brackets.
func values(key string, all []string) string {
	out := make([]string, len(all))
	for i, v := range all {
		out[i] = v
		if isName(key) && !isListName(v) {
			out[i] = quote(v)
		}
	}
	if len(out) == 1 && key != "" {
		return out[0]
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// named is a rule's name behind its line, if it has one.
func named(name string) string {
	if name = strings.TrimSpace(oneLine(name)); name != "" {
		return ": " + name
	}
	return ""
}

// quote writes a text of one line so that YAML reads it back.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// oneLine leaves out what would end a comment.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 || r == 0xfeff || r == 0xfffd {
			return ' '
		}
		return r
	}, s)
}
