package lab

import (
	"os"
	"regexp"
	"strings"

	"dpilab/rules"
)

// netSettings is what options set.
type netSettings struct {
	topology string
	client   string
	seed     uint64
	policies []boxPolicy
	lab      Options
}

// boxPolicy is what is to be in force at a box, at all of them when it has no name.
type boxPolicy struct{ box, policy string }

// Option is a setting of Start and New.
type Option func(*netSettings)

// WithPolicy puts boxes with this policy on the wires of these names; none named: on all wires that no other option names. A policy is the
// name of one that ships, a file (it has a slash or ends in .yaml), or the YAML text itself, which has a line break. Without this
// option, wires are wires.
func WithPolicy(policy string, boxes ...string) Option {
	return func(s *netSettings) {
		if len(boxes) == 0 {
			boxes = []string{""}
		}
		for _, b := range boxes {
			s.policies = append(s.policies, boxPolicy{b, policy})
		}
	}
}

// WithTopology names the topology: one that ships, a file, or the text itself, as WithPolicy does. The usual one is "subscriber".
func WithTopology(topology string) Option { return func(s *netSettings) { s.topology = topology } }

// WithClient names the host that Client gives. The usual one is "client".
func WithClient(host string) Option { return func(s *netSettings) { s.client = host } }

// WithSeed seeds every chance that the boxes take. The usual one is 1.
func WithSeed(seed uint64) Option { return func(s *netSettings) { s.seed = seed } }

// WithOptions gives settings of the lab itself.
func WithOptions(o Options) Option { return func(s *netSettings) { s.lab = o } }

func isText(s string) bool { return strings.Contains(s, "\n") }

func topologyOf(topology string) (*Topology, error) {
	if isText(topology) {
		return ParseTopology("topology", []byte(topology))
	}
	return OpenTopology(topology)
}

var policyName = regexp.MustCompile(`(?m)^policy:\s*([a-z0-9-]+)\s*$`)

func compiledOf(policy string) (*rules.Compiled, error) {
	open := func() (*rules.Policy, error) { return rules.Open(policy) }
	if isText(policy) {
		file := "policy.yaml"
		if name := policyName.FindStringSubmatch(policy); name != nil {
			file = name[1] + ".yaml" // a policy is called as its file
		}
		open = func() (*rules.Policy, error) { return rules.Parse(file, []byte(policy), os.DirFS(".")) }
	}
	p, err := open()
	if err != nil {
		return nil, err
	}
	return p.Compile()
}
