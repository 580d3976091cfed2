package scenarios

import (
	"embed"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"dpilab/internal/strictyaml"
	"dpilab/lab"
	"dpilab/lab/probe"
	"dpilab/rules"
)

// Scenario is a scenario file as written, with its lab and its policies read. Nothing here changes it.
type Scenario struct {
	Name    string
	About   string
	File    string // where it was read from
	Client  string // the host that tries; "client" unless the file says otherwise
	Server  string // the host that a tool's server runs on; "" where the scenario is not for tools
	Timeout time.Duration
	Phases  []Phase // in the order of the file
	Probes  []Probe // in the order of the file, controls last

	Topology *lab.Topology
}

// Phase is a date with what was in force then.
type Phase struct {
	Name     string
	Date     string      // ISO
	Policies []BoxPolicy // of the lab's boxes, in its order; a box that has none is a wire
	Remove   []string    // names that the national resolver does not know, and all below them
	Server   string      // the host that a tool's server runs on in this phase
}

// BoxPolicy is what is in force at a box.
type BoxPolicy struct {
	Box      string // of the lab
	Policy   *rules.Policy
	Compiled *rules.Compiled
}

// Policy names the policy of the phase; where there are several, each with its box before it.
func (p *Phase) Policy() string {
	if len(p.Policies) == 1 {
		return p.Policies[0].Policy.Name
	}
	names := make([]string, len(p.Policies))
	for i, b := range p.Policies {
		names[i] = b.Box + " " + b.Policy.Name
	}
	return strings.Join(names, ", ")
}

// Probe is one thing that a client tries, and what it should come to.
type Probe struct {
	probe.Probe
	Control bool          // must be ok in every phase
	Goal    bool          // a tool is measured by it: see package matrix
	Later   time.Duration // runs after the others, with the box's clock so far ahead

	expect map[string]Expectations // by phase; under elsePhase for the others
}

const elsePhase = "else"

// Expected gives what the probe should come to in a phase. Without it, the probe is not tried there.
func (p *Probe) Expected(phase string) (Expectations, bool) {
	if p.Control {
		return expectOK, true
	}
	if e, ok := p.expect[phase]; ok {
		return e, true
	}
	e, ok := p.expect[elsePhase]
	return e, ok
}

// scenarioFile is the name of the file in a scenario's folder.
const scenarioFile = "scenario.yaml"

// shipped are the scenarios of the program, each a folder.
//
//go:embed */scenario.yaml */README.md
var shipped embed.FS

// Names gives the names of the scenarios that ship with the program.
func Names() []string {
	files, _ := fs.Glob(shipped, "*/"+scenarioFile)
	for i, f := range files {
		files[i] = path.Dir(f)
	}
	slices.Sort(files)
	return files
}

// Open reads a scenario: a file or a folder, when the name has a slash or ends in .yaml, otherwise one that ships with the
// program. Its lab and its policies are read as well; when it names them by a path, that starts at the scenario's folder.
// Errors in the file are *Error, those in a policy or a topology are of their packages.
func Open(nameOrPath string) (*Scenario, error) {
	if !isPath(nameOrPath) {
		data, err := shipped.ReadFile(path.Join(nameOrPath, scenarioFile))
		if err != nil {
			return nil, &Error{File: nameOrPath, Text: "no scenario of this name ships, expected " + strictyaml.OrList(Names()) +
				", or a path with a slash or the ending .yaml" + strictyaml.Suggest(nameOrPath, Names())}
		}
		return Parse(path.Join("scenarios", nameOrPath, scenarioFile), data)
	}
	file := nameOrPath
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		file = filepath.Join(file, scenarioFile)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, &Error{File: file, Text: "cannot read the scenario: " + cause(err)}
	}
	return Parse(file, data)
}

// Readme gives the README of a scenario that ships, which names its sources.
func Readme(name string) ([]byte, error) { return shipped.ReadFile(path.Join(name, "README.md")) }

func isPath(s string) bool { return strings.ContainsRune(s, '/') || strings.HasSuffix(s, ".yaml") }

// cause is an error without the path, which the message has already.
func cause(err error) string {
	if p, ok := err.(*fs.PathError); ok {
		return p.Err.Error()
	}
	return err.Error()
}
