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
	"dpilab/lab/probe"
)

// options are the keys that each type of probe takes beside probe, expect, timeout and later.
var options = map[probe.Type][]string{
	probe.TypeDNS:        {"at", "over", "family"},
	probe.TypeConnect:    {"family", "resolver"},
	probe.TypeHTTP:       {"address", "path", "family", "resolver"},
	probe.TypeHTTPS:      {"address", "path", "family", "resolver", "via", "hello", "times"},
	probe.TypeHTTP3:      {"address", "path", "family", "resolver", "hello"},
	probe.TypeChat:       {"address", "family", "resolver", "via", "bytes"},
	probe.TypeCall:       {"address", "family", "resolver", "for"},
	probe.TypeDownload:   {"address", "family", "resolver", "via", "bytes", "for", "hello", "over"},
	probe.TypeWireGuard:  {"address", "family", "resolver"},
	probe.TypePing:       {"family", "resolver"},
	probe.TypeTraceroute: {"family", "resolver"},
	probe.TypeExec:       {"needs", "outcomes"},
}

var (
	probeTypes = slices.Sorted(maps.Keys(options))
	probeKeys  = func() []string {
		keys := map[string]bool{"probe": true, "expect": true, "goal": true, "timeout": true, "later": true}
		for typ, some := range options {
			keys[string(typ)] = true
			for _, k := range some {
				keys[k] = true
			}
		}
		return slices.Sorted(maps.Keys(keys))
	}()
)

const (
	maxDownload = 1 << 30
	maxMessage  = 8 << 20
	maxTimes    = 1000
	maxLater    = 30 * 24 * time.Hour
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
	p = Probe{Control: control}
	target, err := typeOf(n, fields, &p)
	if err != nil {
		return p, err
	}
	if err := f.target(target, &p); err != nil {
		return p, err
	}
	if p.Type != probe.TypeExec {
		p.Timeout = f.Timeout
	}
	known := append([]string{"probe", string(p.Type), "timeout", "later"}, options[p.Type]...)
	if !control {
		known = append(known, "expect", "goal")
	}
	for _, k := range fields {
		if !slices.Contains(known, k.Name) {
			if k.Name == "expect" {
				return p, k.Key.Fail("found the key %q, but controls are expected to be ok in every phase", k.Name)
			}
			return p, k.Key.Fail("found the key %q, which a probe of the kind %s does not take; it takes %s", k.Name, p.Type, strictyaml.OrList(known))
		}
		if err := f.option(k, &p); err != nil {
			return p, err
		}
	}
	if p.Name == "" {
		p.Name = string(p.Type) + " " + p.Target()
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
func typeOf(n strictyaml.Node, fields []strictyaml.Field, p *Probe) (target strictyaml.Field, err error) {
	for _, k := range fields {
		kind := probe.Type(k.Name)
		if !slices.Contains(probeTypes, kind) {
			continue
		}
		if p.Type != "" {
			return target, k.Key.Fail("found both %q and %q, expected one thing to try", p.Type, kind)
		}
		p.Type, target = kind, k
	}
	if p.Type == "" {
		words := make([]string, len(probeTypes))
		for i, k := range probeTypes {
			words[i] = string(k)
		}
		return target, n.Fail("found nothing to try, expected one of %s", strings.Join(words, ", "))
	}
	return target, nil
}

// target reads what stands at the kind's key.
func (f *file) target(k strictyaml.Field, p *Probe) (err error) {
	if p.Type == probe.TypeExec {
		argv, err := k.Texts("a program and its arguments", "an argument")
		if err == nil {
			p.Probe = probe.Exec(argv...)
		}
		return err
	}
	text, err := k.Text("a name")
	if err != nil {
		return err
	}
	p.Probe = probe.Of(p.Type, text)
	if p.Type == probe.TypeConnect || p.Type == probe.TypeChat {
		host, port, err := net.SplitHostPort(text)
		number, err2 := strconv.ParseUint(port, 10, 16)
		if err != nil || err2 != nil || number == 0 {
			return k.Expected("HOST:PORT")
		}
		p.Host, p.Port = host, uint16(number)
	}
	if isDomain(p.Host) || p.Type != probe.TypeDNS && isAddress(p.Host) {
		return nil
	}
	if p.Type == probe.TypeDNS {
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
