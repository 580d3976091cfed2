package scenarios

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// options are the keys that each kind of probe takes beside probe, expect, timeout and later.
var options = map[ProbeKind][]string{
	ProbeDNS:        {"at", "over", "family"},
	ProbeConnect:    {"family", "resolver"},
	ProbeHTTP:       {"address", "path", "family", "resolver"},
	ProbeHTTPS:      {"address", "path", "family", "resolver", "via"},
	ProbeHTTP3:      {"address", "path", "family", "resolver"},
	ProbeChat:       {"address", "family", "resolver", "via", "bytes"},
	ProbeCall:       {"address", "family", "resolver", "for"},
	ProbeDownload:   {"address", "family", "resolver", "via", "bytes"},
	ProbePing:       {"family", "resolver"},
	ProbeTraceroute: {"family", "resolver"},
	ProbeExec:       {"needs", "outcomes"},
}

var (
	probeKinds = slices.Sorted(maps.Keys(options))
	probeKeys  = func() []string {
		keys := map[string]bool{"probe": true, "expect": true, "timeout": true, "later": true}
		for kind, some := range options {
			keys[string(kind)] = true
			for _, k := range some {
				keys[k] = true
			}
		}
		return slices.Sorted(maps.Keys(keys))
	}()
)

const (
	defaultDownload = 2 << 20
	defaultCall     = 3 * time.Second
	defaultMessage  = 512
	execTimeout     = 10 * time.Second
	maxDownload     = 1 << 30
	maxMessage      = 8 << 20
	maxLater        = 30 * 24 * time.Hour
)

func (f *file) readProbes(n node, control bool) error {
	if f.Client == "" {
		return &Error{File: f.File, Text: fmt.Sprintf("the lab has no host %q; say which host tries: client: NAME", defaultClient)}
	}
	items, err := n.items("a list of probes")
	if err != nil {
		return err
	}
	for _, item := range items {
		p, err := f.readProbe(item, control)
		if err != nil {
			return err
		}
		if f.names[p.Name] {
			return item.fail("found the probe %q twice, expected names that differ; give one by probe: NAME", p.Name)
		}
		f.names[p.Name] = true
		f.Probes = append(f.Probes, p)
	}
	return nil
}

func (f *file) readProbe(n node, control bool) (p Probe, err error) {
	fields, err := n.fields("a probe, such as {https: example.org, expect: ok}", probeKeys...)
	if err != nil {
		return p, err
	}
	p = Probe{Control: control, Timeout: f.Timeout, Family: 4, Path: "/"}
	target, err := kindOf(n, fields, &p)
	if err != nil {
		return p, err
	}
	if err := f.target(target, &p); err != nil {
		return p, err
	}
	p.defaults()
	known := append([]string{"probe", string(p.Kind), "timeout", "later"}, options[p.Kind]...)
	if !control {
		known = append(known, "expect")
	}
	for _, k := range fields {
		if !slices.Contains(known, k.name) {
			if k.name == "expect" {
				return p, k.key.fail("found the key %q, but controls are expected to be ok in every phase", k.name)
			}
			return p, k.key.fail("found the key %q, which a probe of the kind %s does not take; it takes %s", k.name, p.Kind, orList(known))
		}
		if err := f.option(k, &p); err != nil {
			return p, err
		}
	}
	if p.Name == "" {
		p.Name = string(p.Kind) + " " + p.Target()
	}
	if !control && p.expect == nil {
		return p, n.fail("the probe %q expects nothing; write expect: ok, or expect: {PHASE: ok, ...}", p.Name)
	}
	if p.Tunnel && p.Address != "" {
		return p, n.fail("the probe %q has an address and goes through the tunnel, where the other end resolves; remove one", p.Name)
	}
	return p, nil
}

// kindOf finds the one key that says what is tried.
func kindOf(n node, fields []field, p *Probe) (target field, err error) {
	for _, k := range fields {
		kind := ProbeKind(k.name)
		if !slices.Contains(probeKinds, kind) {
			continue
		}
		if p.Kind != "" {
			return target, k.key.fail("found both %q and %q, expected one thing to try", p.Kind, kind)
		}
		p.Kind, target = kind, k
	}
	if p.Kind == "" {
		words := make([]string, len(probeKinds))
		for i, k := range probeKinds {
			words[i] = string(k)
		}
		return target, n.fail("found nothing to try, expected one of %s", strings.Join(words, ", "))
	}
	return target, nil
}

func (p *Probe) defaults() {
	switch p.Kind {
	case ProbeDownload:
		p.Bytes = defaultDownload
	case ProbeChat:
		p.Bytes = defaultMessage
	case ProbeCall:
		p.For = defaultCall
	case ProbeExec:
		p.Timeout = execTimeout
		p.Needs = p.Argv[:1]
		if p.Argv[0] == "curl" {
			p.Results = curlResults()
		}
	}
}

// target reads what stands at the kind's key.
func (f *file) target(k field, p *Probe) (err error) {
	if p.Kind == ProbeExec {
		p.Argv, err = k.texts("word of a command")
		return err
	}
	text, err := k.text("a name")
	if err != nil {
		return err
	}
	p.Host = text
	if p.Kind == ProbeConnect || p.Kind == ProbeChat {
		host, port, err := net.SplitHostPort(text)
		number, err2 := strconv.ParseUint(port, 10, 16)
		if err != nil || err2 != nil || number == 0 {
			return k.expected("HOST:PORT")
		}
		p.Host, p.Port = host, uint16(number)
	}
	if isDomain(p.Host) || p.Kind != ProbeDNS && isAddress(p.Host) {
		return nil
	}
	if p.Kind == ProbeDNS {
		return k.expected("a domain name")
	}
	nodes := append(f.hosts(), f.Topology.Routers...)
	if !slices.Contains(nodes, p.Host) {
		return k.fail("found %q, expected a domain name, an address or a host of the lab%s", p.Host, suggest(p.Host, nodes))
	}
	return nil
}

func (f *file) option(k field, p *Probe) (err error) {
	switch k.name {
	case "probe":
		p.Name, err = k.text("the probe's name")
	case "expect":
		p.expect, err = f.expectations(k.node)
	case "at", "resolver":
		p.Resolver, err = f.host(k.node)
	case "over":
		var word string
		word, err = k.oneOf("udp", "tcp")
		p.TCP = word == "tcp"
	case "family":
		var word string
		word, err = k.oneOf("4", "6")
		p.Family, _ = strconv.Atoi(word)
	case "address":
		p.Address, err = f.host(k.node)
	case "path":
		if p.Path, err = k.text("a path"); err == nil && !strings.HasPrefix(p.Path, "/") {
			err = k.expected("a path, which begins with /")
		}
	case "via":
		p.Tunnel = true
		if _, err = k.oneOf("tunnel"); err == nil && f.tunnel() == "" {
			err = k.fail("the lab %s has no host that serves a tunnel", f.Topology.Name)
		}
	case "bytes":
		most := int64(maxDownload)
		if p.Kind == ProbeChat {
			most = maxMessage
		}
		p.Bytes, err = k.bytes(most)
	case "for":
		p.For, err = k.duration(maxTimeout)
	case "timeout":
		p.Timeout, err = k.duration(maxTimeout)
	case "later":
		p.Later, err = k.duration(maxLater)
	case "needs":
		p.Needs, err = k.texts("program")
	case "outcomes":
		p.Results, err = f.results(k.node)
	}
	return err
}

// tunnel is the name of the host that serves a tunnel, "" when there is none.
func (s *Scenario) tunnel() string { return s.serving("tunnel", "") }

// serving gives the name of the first host with a service, of that variant when one is named.
func (s *Scenario) serving(service, variant string) string {
	for _, h := range s.Topology.Hosts {
		for _, serve := range h.Serves {
			if serve.Service == service && (variant == "" || serve.Variant == variant) {
				return h.Name
			}
		}
	}
	return ""
}

// bytes reads a size, such as 512, 64KB or 2MB.
func (n node) bytes(most int64) (int64, error) {
	s, _ := n.word()
	factor := int64(1)
	for _, u := range []struct {
		name string
		size int64
	}{{"KB", 1 << 10}, {"MB", 1 << 20}} {
		if number, ok := strings.CutSuffix(s, u.name); ok {
			s, factor = number, u.size
		}
	}
	v, err := strconv.ParseInt(s, 10, 32)
	if err != nil || v < 1 || v*factor > most {
		return 0, n.expected(fmt.Sprintf("a size of 1 to %d bytes, such as 512, 64KB or 2MB", most))
	}
	return v * factor, nil
}

// expectations reads a phrase, a list of them, or one of both for every phase.
func (f *file) expectations(n node) (map[string]Expectations, error) {
	_, many := n.ast.(*ast.MappingNode)
	_, one := n.ast.(*ast.MappingValueNode)
	if !many && !one {
		all, err := f.alternatives(n)
		return map[string]Expectations{elsePhase: all}, err
	}
	fields, err := n.fields("{PHASE: OUTCOME, ...}", append(f.phaseNames(), elsePhase)...)
	if err != nil {
		return nil, err
	}
	all := map[string]Expectations{}
	for _, k := range fields {
		if all[k.name], err = f.alternatives(k.node); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (f *file) alternatives(n node) (Expectations, error) {
	items := []node{n}
	if _, ok := n.ast.(*ast.SequenceNode); ok {
		var err error
		if items, err = n.items("a list of outcomes"); err != nil {
			return nil, err
		}
	}
	var all Expectations
	for _, item := range items {
		e, err := f.expectation(item)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

func (f *file) expectation(n node) (Expectation, error) {
	text, err := n.text("an outcome: " + phrases)
	if err != nil {
		return Expectation{}, err
	}
	e, err := ParseExpectation(text)
	if p := (*phraseError)(nil); errors.As(err, &p) {
		return e, n.failAt(p.offset, "%s", p.text)
	}
	nodes := append(f.hosts(), f.Topology.Routers...)
	for _, name := range append([]string{e.Host}, e.Hops...) {
		if name != "" && name != silentHop && !slices.Contains(nodes, name) {
			return e, n.failAt(strings.LastIndex(text, name), "found %q, expected a host or router of the lab%s", name, suggest(name, nodes))
		}
	}
	return e, nil
}

// results reads what a program's exit codes and output mean.
func (f *file) results(n node) ([]Result, error) {
	items, err := n.items("a list, such as [{exit: 6, is: nxdomain}]")
	if err != nil {
		return nil, err
	}
	var all []Result
	for _, item := range items {
		fields, err := item.fields("{exit: N, is: OUTCOME} or {output: REGEXP, is: OUTCOME}", "exit", "output", "is")
		if err != nil {
			return nil, err
		}
		r := Result{Exit: -1}
		for _, k := range fields {
			switch k.name {
			case "exit":
				s, _ := k.word()
				if r.Exit, err = strconv.Atoi(s); err != nil || r.Exit < 0 || r.Exit > 255 {
					return nil, k.expected("an exit code, 0 to 255")
				}
			case "output":
				if r.Output, err = k.text("a regular expression"); err != nil {
					return nil, err
				}
				if _, err = regexp.Compile(r.Output); err != nil {
					return nil, k.fail("found %q, expected a regular expression: %v", r.Output, err)
				}
			case "is":
				if r.Is, err = f.expectation(k.node); err != nil {
					return nil, err
				}
				if r.Is.Kind == "" || r.Is.Measure != MeasureNone || r.Is.Host != "" || len(r.Is.Hops) > 0 {
					return nil, k.fail("found %q, which an exit code cannot show; expected ok, nxdomain, refused, timeout, reset or silent [after STAGE] ...", r.Is)
				}
			}
		}
		if r.Is.Kind == "" {
			return nil, item.fail("the result has no outcome; write is: OUTCOME")
		}
		all = append(all, r)
	}
	return all, nil
}

func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

func joinPort(host string, port uint16) string {
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}
