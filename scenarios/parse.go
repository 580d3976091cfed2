package scenarios

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"dpilab/lab"
)

const (
	defaultClient  = "client"
	defaultTimeout = 3 * time.Second
	maxTimeout     = time.Minute
)

// file is a scenario that is being read.
type file struct {
	*Scenario
	names map[string]bool // of probes
}

// Parse reads a scenario whose bytes are at hand. The file's name is for messages, and for paths in the scenario.
func Parse(name string, data []byte) (*Scenario, error) {
	top, err := readYAML(name, data)
	if err != nil {
		return nil, err
	}
	fields, err := top.fields("a scenario", "scenario", "about", "lab", "client", "timeout", "phases", "probes", "controls")
	if err != nil {
		return nil, err
	}
	f := &file{Scenario: &Scenario{File: name, Client: defaultClient, Timeout: defaultTimeout}, names: map[string]bool{}}
	// In this order, whatever the order in the file: what comes later is checked against what came before.
	for _, step := range []struct {
		key      string
		required bool
		read     func(node) error
	}{
		{"scenario", true, f.readName},
		{"about", true, f.readAbout},
		{"lab", true, f.readLab},
		{"client", false, f.readClient},
		{"timeout", false, func(n node) (err error) { f.Timeout, err = n.duration(maxTimeout); return err }},
		{"phases", true, f.readPhases},
		{"probes", true, func(n node) error { return f.readProbes(n, false) }},
		{"controls", false, func(n node) error { return f.readProbes(n, true) }},
	} {
		i := slices.IndexFunc(fields, func(k field) bool { return k.name == step.key })
		if i < 0 {
			if step.required {
				return nil, &Error{File: name, Text: fmt.Sprintf("the key %q is missing", step.key)}
			}
			continue
		}
		if err := step.read(fields[i].node); err != nil {
			return nil, err
		}
	}
	return f.Scenario, nil
}

func (f *file) readName(n node) (err error) {
	if f.Name, err = n.text("the scenario's name"); err != nil {
		return err
	}
	if !isName(f.Name) {
		return n.fail("found %q, expected a name of small letters, digits and hyphens", f.Name)
	}
	// A folder is the scenario's name, so that a name leads to its file.
	if filepath.Base(f.File) == scenarioFile {
		if folder := filepath.Base(filepath.Dir(f.File)); folder != "." && folder != f.Name {
			return n.fail("found %q, expected the name of the folder, %q", f.Name, folder)
		}
	}
	return nil
}

func (f *file) readAbout(n node) (err error) {
	if block, ok := n.ast.(*ast.LiteralNode); ok {
		f.About = strings.Join(strings.Fields(block.Value.Value), " ")
		return nil
	}
	f.About, err = n.text("a sentence about the scenario")
	return err
}

func (f *file) readLab(n node) error {
	name, err := n.text("a lab's name or file")
	if err != nil {
		return err
	}
	if !isPath(name) && !slices.Contains(lab.TopologyNames(), name) {
		return n.fail("found %q, expected a lab that ships (%s) or a path%s", name, orList(lab.TopologyNames()), suggest(name, lab.TopologyNames()))
	}
	if err := f.readable(n, name); err != nil {
		return err
	}
	if f.Topology, err = lab.OpenTopology(f.beside(name)); err != nil {
		return err
	}
	if len(f.Topology.Boxes) != 1 {
		return n.fail("the lab %s has %d boxes, expected one", name, len(f.Topology.Boxes))
	}
	if f.Topology.Host(f.Client) == nil {
		f.Client = ""
	}
	return nil
}

func (f *file) readClient(n node) (err error) {
	f.Client, err = f.host(n)
	return err
}

// host reads the name of a host of the lab.
func (f *file) host(n node) (string, error) {
	return n.oneOf(f.hosts()...)
}

func (f *file) hosts() []string {
	names := make([]string, len(f.Topology.Hosts))
	for i, h := range f.Topology.Hosts {
		names[i] = h.Name
	}
	return names
}

// beside gives a path that the file names, which starts at the file's folder. Names stay as they are.
func (f *file) beside(name string) string {
	if !isPath(name) || filepath.IsAbs(name) {
		return name
	}
	path := filepath.Join(filepath.Dir(f.File), name)
	if !isPath(path) {
		path = "./" + path
	}
	return path
}

// readable says where a path stands that leads to no file.
func (f *file) readable(n node, name string) error {
	if !isPath(name) {
		return nil
	}
	if _, err := os.Stat(f.beside(name)); err != nil {
		return n.fail("cannot read %s: %s", f.beside(name), cause(err))
	}
	return nil
}

// duration reads a time of a millisecond up to most.
func (n node) duration(most time.Duration) (time.Duration, error) {
	s, _ := n.word()
	d, err := time.ParseDuration(s)
	if err != nil || d < time.Millisecond || d > most {
		return 0, n.expected(fmt.Sprintf("a time of 1ms to %.0fs, such as 3s, 500ms or 15m", most.Seconds()))
	}
	return d, nil
}

// isName tells whether s has the form of a name of a scenario or a phase.
func isName(s string) bool {
	for _, c := range []byte(s) {
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-') {
			return false
		}
	}
	return s != "" && s[0] != '-'
}

// isDomain tells whether s is a domain name of two labels or more.
func isDomain(s string) bool {
	labels := strings.Split(s, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 {
			return false
		}
		for _, c := range []byte(l) {
			if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
				return false
			}
		}
	}
	return len(labels) > 1 && len(s) <= 253
}
