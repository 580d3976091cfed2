package tools

import (
	"maps"
	"slices"
	"strings"

	"dpilab/internal/strictyaml"
	"dpilab/lab/probe"
)

// Error is what is wrong with a definition, and where. Its message is one line.
type Error = strictyaml.Error

// The keys of a definition. A variant has those that are left when the name is taken away.
var (
	topKeys = []string{
		"tool", "about", "link", "tried", "version", "needs", "secrets", "files", "server", "client", "traffic", "goals", "builtin",
		"direct", "carries", "variants",
	}
	variantKeys = slices.DeleteFunc(slices.Clone(topKeys), func(k string) bool { return k == "tool" || k == "variants" })
)

// reader is a definition, or one variant of it, that is being read.
type reader struct {
	*Tool
	lines  []string
	top    strictyaml.Node
	layers map[string][]strictyaml.Node // what stands under a key, a variant's last
	words  map[string]bool              // placeholders
}

// Parse reads a definition whose bytes are at hand: the tool itself, if the keys outside of variants make one, and its variants in the
// order of the file. The file's name is for messages. Errors are *Error.
func Parse(name string, data []byte) ([]*Tool, error) {
	top, err := strictyaml.Parse(name, data, "tool")
	if err != nil {
		return nil, err
	}
	fields, err := top.Fields("a tool", topKeys...)
	if err != nil {
		return nil, err
	}
	if err := top.Require(fields, "tool", "tool", "about"); err != nil {
		return nil, err
	}
	title, err := strictyaml.Find(fields, "tool").Label("a name")
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.ReplaceAll(strings.TrimPrefix(string(data), "\ufeff"), "\r\n", "\n"), "\n")
	base := map[string][]strictyaml.Node{}
	for _, f := range fields {
		base[f.Name] = []strictyaml.Node{f.Node}
	}
	variants := strictyaml.Find(fields, "variants")
	var all []*Tool
	if variants == nil || base["client"] != nil || base["builtin"] != nil || base["goals"] != nil {
		r := &reader{Tool: &Tool{Name: title, File: name}, lines: lines, top: top, layers: base}
		if err := r.read(); err != nil {
			return nil, err
		}
		all = append(all, r.Tool)
	}
	if variants == nil {
		return all, nil
	}
	list, err := variants.Fields("{VARIANT: {KEY: ...}, ...}")
	if err != nil {
		return nil, err
	}
	for _, v := range list {
		r := &reader{Tool: &Tool{File: name}, lines: lines, top: v.Node, layers: maps.Clone(base)}
		if r.Name, err = v.Key.Label("a variant's name"); err != nil {
			return nil, err
		}
		r.Name = title + "/" + r.Name
		if err := r.overlay(v.Node); err != nil {
			return nil, err
		}
		if err := r.read(); err != nil {
			return nil, err
		}
		all = append(all, r.Tool)
	}
	return all, nil
}

// mergedKeys have mappings of which a variant changes single keys; every other key of a variant takes the place of the definition's.
var mergedKeys = []string{"secrets", "files", "server", "client", "goals"}

// overlay puts a variant's keys over the definition's.
func (r *reader) overlay(n strictyaml.Node) error {
	fields, err := n.Fields("a variant's keys", variantKeys...)
	if err != nil {
		return err
	}
	for _, f := range fields {
		below := r.layers[f.Name]
		if !slices.Contains(mergedKeys, f.Name) || isNone(f.Node) {
			below = nil
		}
		r.layers[f.Name] = append(slices.Clone(below), f.Node)
	}
	return nil
}

// isNone tells whether a variant takes away what the definition has.
func isNone(n strictyaml.Node) bool {
	w, _ := n.Word()
	return w == "none"
}

// value gives what stands under a key that is not merged; nil: nothing.
func (r *reader) value(key string) *strictyaml.Node {
	l := r.layers[key]
	if len(l) == 0 || isNone(l[len(l)-1]) {
		return nil
	}
	return &l[len(l)-1]
}

// fields gives the keys of a merged mapping, those of a variant in place of the definition's, without those that are none; nil: there
// is no mapping.
func (r *reader) fields(key, what string, keys ...string) ([]strictyaml.Field, error) {
	var all []strictyaml.Field
	for _, n := range r.layers[key] {
		if isNone(n) {
			all = nil
			continue
		}
		fields, err := n.Fields(what, keys...)
		if err != nil {
			return nil, err
		}
		for _, f := range fields {
			if old := strictyaml.Find(all, f.Name); old != nil {
				*old = f
			} else {
				all = append(all, f)
			}
		}
	}
	return slices.DeleteFunc(all, func(f strictyaml.Field) bool { return isNone(f.Node) }), nil
}

// read reads all keys, in this order whatever the order in the file: what comes later is checked against what came before.
func (r *reader) read() error {
	r.def = &definition{goals: map[probe.Type]goal{}}
	r.Tried = true
	r.words = map[string]bool{}
	for _, w := range placeWords {
		r.words[w] = true
	}
	for _, step := range []func() error{
		r.readTexts, r.readSecrets, r.readFiles, r.readServer, r.readClient, r.readTraffic, r.readBuiltin, r.readGoals, r.readCarries,
		r.readNeeds, r.readDirect,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) readTexts() (err error) {
	if r.About, err = r.value("about").Prose("a sentence about the tool"); err != nil {
		return err
	}
	if n := r.value("link"); n != nil {
		if r.Link, err = n.Text("a link"); err != nil {
			return err
		}
		if !strings.HasPrefix(r.Link, "https://") && !strings.HasPrefix(r.Link, "http://") {
			return n.Expected("a link, which begins with https://")
		}
	}
	if n := r.value("tried"); n != nil {
		if r.Tried, err = truth(*n); err != nil {
			return err
		}
	}
	if n := r.value("version"); n != nil {
		c, err := r.command(*n, false)
		if err != nil {
			return err
		}
		if bad := unknownWord(strings.Join(c, " "), nil); bad != "" {
			return r.failAt(*n, bad, "found %s, expected no placeholder: the version is asked for outside of a lab", bad)
		}
		r.def.version = c
	}
	return nil
}

func truth(n strictyaml.Node) (bool, error) {
	i, err := n.OneOf("true", "false")
	return i == 0, err
}

func (r *reader) readDirect() (err error) {
	r.Direct = r.def.server == nil
	if n := r.value("direct"); n != nil {
		r.Direct, err = truth(*n)
	}
	return err
}
