package scenarios

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"dpilab/internal/strictyaml"
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
	top, err := strictyaml.Parse(name, data, "scenario")
	if err != nil {
		return nil, err
	}
	fields, err := top.Fields("a scenario", "scenario", "about", "lab", "client", "server", "timeout", "phases", "probes", "controls")
	if err != nil {
		return nil, err
	}
	f := &file{Scenario: &Scenario{File: name, Client: defaultClient, Timeout: defaultTimeout}, names: map[string]bool{}}
	if err := top.Require(fields, "scenario", "scenario", "about", "lab", "phases", "probes"); err != nil {
		return nil, err
	}
	// In this order, whatever the order in the file: what comes later is checked against what came before.
	for _, step := range []struct {
		key  string
		read func(strictyaml.Node) error
	}{
		{"scenario", f.readName},
		{"about", func(n strictyaml.Node) (err error) {
			f.About, err = n.Prose("a sentence about the scenario")
			return err
		}},
		{"lab", f.readLab},
		{"client", f.readClient},
		{"server", func(n strictyaml.Node) (err error) { f.Server, err = f.host(n); return err }},
		{"timeout", func(n strictyaml.Node) (err error) { f.Timeout, err = readDuration(n, maxTimeout); return err }},
		{"phases", f.readPhases},
		{"probes", func(n strictyaml.Node) error { return f.readProbes(n, false) }},
		{"controls", func(n strictyaml.Node) error { return f.readProbes(n, true) }},
	} {
		if k := strictyaml.Find(fields, step.key); k != nil {
			if err := step.read(k.Node); err != nil {
				return nil, err
			}
		}
	}
	return f.Scenario, nil
}

func (f *file) readName(n strictyaml.Node) (err error) {
	if f.Name, err = n.Label("a name"); err != nil {
		return err
	}
	// A folder is the scenario's name, so that a name leads to its file.
	if filepath.Base(f.File) == scenarioFile {
		if folder := filepath.Base(filepath.Dir(f.File)); folder != "." && folder != f.Name {
			return n.Fail("found %q, expected the name of the folder, %q", f.Name, folder)
		}
	}
	return nil
}

func (f *file) readLab(n strictyaml.Node) error {
	name, err := n.Text("a lab's name or file")
	if err != nil {
		return err
	}
	if !isPath(name) && !slices.Contains(lab.TopologyNames(), name) {
		return n.Fail("found %q, expected a lab that ships (%s) or a path%s", name, strictyaml.OrList(lab.TopologyNames()), strictyaml.Suggest(name, lab.TopologyNames()))
	}
	if err := f.readable(n, name); err != nil {
		return err
	}
	if f.Topology, err = lab.OpenTopology(f.beside(name)); err != nil {
		return err
	}
	if len(f.Topology.Boxes) == 0 {
		return n.Fail("the lab %s has no box, expected one at least", name)
	}
	if f.Topology.Host(f.Client) == nil {
		f.Client = ""
	}
	return nil
}

func (f *file) readClient(n strictyaml.Node) (err error) {
	f.Client, err = f.host(n)
	return err
}

// host reads the name of a host of the lab.
func (f *file) host(n strictyaml.Node) (string, error) {
	hosts := f.hosts()
	i, err := n.OneOf(hosts...)
	return hosts[i], err
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
func (f *file) readable(n strictyaml.Node, name string) error {
	if !isPath(name) {
		return nil
	}
	if _, err := os.Stat(f.beside(name)); err != nil {
		return n.Fail("cannot read %s: %s", f.beside(name), cause(err))
	}
	return nil
}

// readDuration reads a time of a millisecond up to most.
func readDuration(n strictyaml.Node, most time.Duration) (time.Duration, error) {
	s, _ := n.Word()
	d, err := time.ParseDuration(s)
	if err != nil || d < time.Millisecond || d > most {
		return 0, n.Expected(fmt.Sprintf("a time of 1ms to %.0fs, such as 3s, 500ms or 15m", most.Seconds()))
	}
	return d, nil
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
