package tools

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"dpilab/internal/strictyaml"
)

// placeholder is a word in braces that begins with a letter, so that {3} of a regular expression is none; another brace before it makes
// it plain text.
var placeholder = regexp.MustCompile(`\{?\{[a-z][a-z0-9.-]*\}`)

// placeWords are known once the lab stands, goalWords once it is known what is tried.
var (
	placeWords = []string{
		"dir", "server", "server6", "client", "client6", "router", "router6", "cover", "cover.address", "ca", "chat.key", "resolver", "resolver.far",
	}
	goalWords = []string{"name", "url", "port", "bytes", "timeout"}
)

// unknownWord gives the first placeholder that is none of the words, with its braces, or "".
func unknownWord(text string, words map[string]bool) string {
	for _, p := range placeholder.FindAllString(text, -1) {
		if !strings.HasPrefix(p, "{{") && !words[p[1:len(p)-1]] {
			return p
		}
	}
	return ""
}

// hasGoalWord tells whether a text depends on what is tried.
func hasGoalWord(text string) bool {
	for _, p := range placeholder.FindAllString(text, -1) {
		if !strings.HasPrefix(p, "{{") && slices.Contains(goalWords, p[1:len(p)-1]) {
			return true
		}
	}
	return false
}

// fill puts values into a template. The parser has seen to it that all are known.
func fill(text string, values map[string]string) string {
	return placeholder.ReplaceAllStringFunc(text, func(p string) string {
		if strings.HasPrefix(p, "{{") {
			return p[1:]
		}
		if v, ok := values[p[1:len(p)-1]]; ok {
			return v
		}
		return p
	})
}

func (c command) fill(values map[string]string) command {
	all := make(command, len(c))
	for i, w := range c {
		all[i] = fill(w, values)
	}
	return all
}

// template checks the placeholders of a text that stands in n. Words of a goal are taken where goal is set.
func (r *reader) template(n strictyaml.Node, text string, goal bool) error {
	known := maps.Clone(r.words)
	if goal {
		for _, w := range goalWords {
			known[w] = true
		}
	}
	bad := unknownWord(text, known)
	if bad == "" {
		return nil
	}
	name := bad[1 : len(bad)-1]
	if !goal && slices.Contains(goalWords, name) {
		return r.failAt(n, bad, "found %s, which is known only once the client part starts: neither the server part nor a secret has it", bad)
	}
	all := slices.Sorted(maps.Keys(known))
	return r.failAt(n, bad, "found %s, expected a placeholder (%s), or {%s for the text itself%s", bad, strictyaml.OrList(all), bad, strictyaml.Suggest(name, all))
}

// failAt is an error at the first place from n on where the text stands, also within a text block.
func (r *reader) failAt(n strictyaml.Node, text, format string, args ...any) error {
	err := n.Fail(format, args...).(*strictyaml.Error)
	for i := max(err.Line, 1) - 1; i < len(r.lines); i++ {
		line := r.lines[i]
		from := 0
		if i == err.Line-1 {
			from = min(max(err.Column-1, 0), len(line))
		}
		for {
			at := strings.Index(line[from:], text)
			if at < 0 {
				break
			}
			if at += from; at == 0 || line[at-1] != '{' {
				err.Line, err.Column = i+1, len([]rune(line[:at]))+1
				return err
			}
			from = at + 1
		}
	}
	return err
}
