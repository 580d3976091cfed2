package scenarios

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"dpilab/internal/strictyaml"
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
		keys := map[string]bool{"probe": true, "expect": true, "goal": true, "timeout": true, "later": true}
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
	defaultDownload = 1 << 20
	defaultCall     = 3 * time.Second
	defaultMessage  = 512
	execTimeout     = 10 * time.Second
	maxDownload     = 1 << 30
	maxMessage      = 8 << 20
	maxLater        = 30 * 24 * time.Hour
)

func (f *file) readProbes(n strictyaml.Node, control bool) error {
	if f.Client == "" {
		return &Error{File: f.File, Text: fmt.Sprintf("the lab has no host %q; say which host tries: client: NAME", defaultClient)}
	}
	items, err := n.Items("a list of probes")
	if err != nil {
		return err
	}
	for _, item := range items {
		p, err := f.readProbe(item, control)
		if err != nil {
			return err
		}
		if f.names[p.Name] {
			return item.Fail("found the probe %q twice, expected names that differ; give one by probe: NAME", p.Name)
		}
		f.names[p.Name] = true
		f.Probes = append(f.Probes, p)
	}
	return nil
}

func (f *file) readProbe(n strictyaml.Node, control bool) (p Probe, err error) {
	fields, err := n.Fields("a probe, such as {https: example.org, expect: ok}", probeKeys...)
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
		known = append(known, "expect", "goal")
	}
	for _, k := range fields {
		if !slices.Contains(known, k.Name) {
			if k.Name == "expect" {
				return p, k.Key.Fail("found the key %q, but controls are expected to be ok in every phase", k.Name)
			}
			return p, k.Key.Fail("found the key %q, which a probe of the kind %s does not take; it takes %s", k.Name, p.Kind, strictyaml.OrList(known))
		}
		if err := f.option(k, &p); err != nil {
			return p, err
		}
	}
	if p.Name == "" {
		p.Name = string(p.Kind) + " " + p.Target()
	}
	if !control && p.expect == nil {
		return p, n.Fail("the probe %q expects nothing; write expect: ok, or expect: {PHASE: ok, ...}", p.Name)
	}
	if p.Tunnel && p.Address != "" {
		return p, n.Fail("the probe %q has an address and goes through the tunnel, where the other end resolves; remove one", p.Name)
	}
	return p, nil
}

// kindOf finds the one key that says what is tried.
func kindOf(n strictyaml.Node, fields []strictyaml.Field, p *Probe) (target strictyaml.Field, err error) {
	for _, k := range fields {
		kind := ProbeKind(k.Name)
		if !slices.Contains(probeKinds, kind) {
			continue
		}
		if p.Kind != "" {
			return target, k.Key.Fail("found both %q and %q, expected one thing to try", p.Kind, kind)
		}
		p.Kind, target = kind, k
	}
	if p.Kind == "" {
		words := make([]string, len(probeKinds))
		for i, k := range probeKinds {
			words[i] = string(k)
		}
		return target, n.Fail("found nothing to try, expected one of %s", strings.Join(words, ", "))
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
func (f *file) target(k strictyaml.Field, p *Probe) (err error) {
	if p.Kind == ProbeExec {
		p.Argv, err = k.Texts("a program and its arguments", "an argument")
		return err
	}
	text, err := k.Text("a name")
	if err != nil {
		return err
	}
	p.Host = text
	if p.Kind == ProbeConnect || p.Kind == ProbeChat {
		host, port, err := net.SplitHostPort(text)
		number, err2 := strconv.ParseUint(port, 10, 16)
		if err != nil || err2 != nil || number == 0 {
			return k.Expected("HOST:PORT")
		}
		p.Host, p.Port = host, uint16(number)
	}
	if isDomain(p.Host) || p.Kind != ProbeDNS && isAddress(p.Host) {
		return nil
	}
	if p.Kind == ProbeDNS {
		return k.Expected("a domain name")
	}
	nodes := append(f.hosts(), f.Topology.Routers...)
	if !slices.Contains(nodes, p.Host) {
		return k.Fail("found %q, expected a domain name, an address or a host of the lab%s", p.Host, strictyaml.Suggest(p.Host, nodes))
	}
	return nil
}

func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

func joinPort(host string, port uint16) string {
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}
