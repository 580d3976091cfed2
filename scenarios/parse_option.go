package scenarios

import (
	"fmt"
	"strconv"
	"strings"
)

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
		p.Needs, err = k.texts("a list of programs", "a program")
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
