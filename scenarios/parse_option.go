package scenarios

import (
	"fmt"
	"strconv"
	"strings"

	"dpilab/internal/strictyaml"
	"dpilab/lab/probe"
)

func (f *file) option(k strictyaml.Field, p *Probe) (err error) {
	switch k.Name {
	case "probe":
		p.Name, err = k.Text("the probe's name")
	case "goal":
		var i int
		i, err = k.OneOf("true", "false")
		p.Goal = i == 0
	case "expect":
		p.expect, err = f.expectations(k.Node)
	case "at", "resolver":
		p.Resolver, err = f.host(k.Node)
	case "over":
		err = readOver(k, p)
	case "hello":
		err = readHello(k, p)
	case "times":
		s, _ := k.Word()
		if p.Times, err = strconv.Atoi(s); err != nil || p.Times < 1 || p.Times > maxTimes {
			err = k.Expected(fmt.Sprintf("a number of 1 to %d", maxTimes))
		}
	case "family":
		var i int
		i, err = k.OneOf("4", "6")
		p.Family = []int{4, 6}[i]
	case "address":
		p.Address, err = f.host(k.Node)
	case "path":
		if p.Path, err = k.Text("a path"); err == nil && !strings.HasPrefix(p.Path, "/") {
			err = k.Expected("a path, which begins with /")
		}
	case "via":
		p.Tunnel = true
		if _, err = k.OneOf("tunnel"); err == nil && f.Topology.Serving("tunnel") == nil {
			err = k.Fail("the lab %s has no host that serves a tunnel", f.Topology.Name)
		}
	case "bytes":
		most := int64(maxDownload)
		if p.Type == probe.TypeChat {
			most = maxMessage
		}
		p.Bytes, err = readBytes(k.Node, most)
	case "for":
		p.For, err = readDuration(k.Node, maxTimeout)
	case "timeout":
		p.Timeout, err = readDuration(k.Node, maxTimeout)
	case "later":
		p.Later, err = readDuration(k.Node, maxLater)
	case "needs":
		p.Needs, err = k.Texts("a list of programs", "a program")
	case "outcomes":
		p.Results, err = f.results(k.Node)
	}
	return err
}

// readOver reads what carries a question of DNS, or a download.
func readOver(k strictyaml.Field, p *Probe) error {
	words := []string{"udp", "tcp"}
	if p.Type == probe.TypeDownload {
		words = []string{"tcp", "quic"}
	}
	i, err := k.OneOf(words...)
	p.TCP = p.Type == probe.TypeDNS && i == 1
	p.QUIC = p.Type == probe.TypeDownload && i == 1
	return err
}

// readHello reads the word for a ClientHello; long is the usual one. That of a browser goes over TCP alone.
func readHello(k strictyaml.Field, p *Probe) error {
	words := []string{"long"}
	for _, h := range probe.Hellos {
		if p.Type != probe.TypeHTTP3 || !h.Parrot() {
			words = append(words, string(h))
		}
	}
	i, err := k.OneOf(words...)
	if i > 0 {
		p.Hello = probe.Hello(words[i])
	}
	return err
}

// readBytes reads a size, such as 512, 64KB or 2MB.
func readBytes(n strictyaml.Node, most int64) (int64, error) {
	s, _ := n.Word()
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
		return 0, n.Expected(fmt.Sprintf("a size of 1 to %d bytes, such as 512, 64KB or 2MB", most))
	}
	return v * factor, nil
}
