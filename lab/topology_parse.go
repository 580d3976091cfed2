package lab

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"dpilab/internal/strictyaml"
)

// ParseTopology reads a topology and validates it. The file's name is for messages. Errors are *TopologyError, with the
// place in the file.
func ParseTopology(file string, data []byte) (*Topology, error) {
	top, err := strictyaml.Parse(file, data, "topology")
	r := &reader{places: map[string]strictyaml.Node{}, err: err}
	t := &Topology{file: file, places: r.places}
	for _, e := range r.mapping(entry{Node: top}, "a topology", "topology", "about", "hosts", "routers", "boxes", "links") {
		switch e.key {
		case "topology":
			t.Name = r.text(e, "the topology's name")
		case "about":
			t.About, err = e.Prose("a sentence about the topology")
			r.keep(err)
		case "hosts":
			for _, h := range r.mapping(e, "hosts by name, such as {client: {resolver: dns}}") {
				t.Hosts = append(t.Hosts, r.host(h))
			}
		case "routers":
			t.Routers = r.plain(e)
		case "boxes":
			t.Boxes = r.plain(e)
		case "links":
			for _, l := range r.list(e, "a list of links") {
				t.Links = append(t.Links, r.link(l))
			}
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	if err := t.Validate(); err != nil {
		return nil, err
	}
	return t, nil
}

// plain reads routers and boxes: names with nothing to say about them yet.
func (r *reader) plain(e entry) []string {
	var names []string
	for _, n := range r.mapping(e, "names, such as {isp: {}}") {
		if !n.IsEmpty() {
			r.keep(n.Expected("{}: there is nothing to set"))
		}
		names = append(names, n.key)
	}
	return names
}

func (r *reader) host(e entry) HostSpec {
	h := HostSpec{Name: e.key}
	for _, k := range r.mapping(e, "a host, such as {resolver: dns, serves: [https]}", "resolver", "names", "serves") {
		switch k.key {
		case "resolver":
			h.Resolver = r.text(k, "a host that serves dns")
		case "names":
			for _, n := range r.list(k, "a list of domain names") {
				h.Names = append(h.Names, r.text(n, "a domain name"))
			}
		case "serves":
			for _, s := range r.list(k, "a list of services, such as [https, {dns: resolver}]") {
				h.Serves = append(h.Serves, r.serve(s))
			}
		}
	}
	return h
}

// serve reads a word, or {dns: variant, to: host}.
func (r *reader) serve(e entry) Serve {
	if word, ok := e.Word(); ok {
		return Serve{Service: word}
	}
	var s Serve
	for _, k := range r.mapping(e, "a service, or {dns: KIND}", "dns", "to") {
		if k.key == "dns" {
			s.Service, s.Variant = "dns", r.text(k, "a kind of dns")
		} else {
			s.To = r.text(k, "a host that serves dns")
		}
	}
	return s
}

func (r *reader) link(e entry) LinkSpec {
	var l LinkSpec
	for _, k := range r.mapping(e, "a link, such as {link: access, ends: {...}}", "link", "ends", "rate", "delay", "box") {
		switch k.key {
		case "link":
			l.Name = r.text(k, "the link's name")
		case "ends":
			for _, n := range r.mapping(k, "two ends, such as {client: [198.51.100.2/30], isp: [198.51.100.1/30]}") {
				l.Ends = append(l.Ends, EndSpec{Node: n.key, Addrs: r.prefixes(n)})
			}
		case "rate":
			l.Rate = r.rate(k)
		case "delay":
			l.Delay = r.delay(k)
		case "box":
			l.Box = r.text(k, "a box")
		}
	}
	return l
}

func (r *reader) prefixes(e entry) []netip.Prefix {
	var all []netip.Prefix
	for _, v := range r.list(e, `a list of addresses, such as [198.51.100.2/24, "2001:db8:1::2/64"]`) {
		s, _ := v.Word()
		p, err := netip.ParsePrefix(s)
		if err != nil {
			r.keep(v.Expected("an address with a prefix length, such as 198.51.100.2/24 or 2001:db8:1::2/64"))
		}
		all = append(all, p)
	}
	return all
}

// rate reads a number of bits a second.
func (r *reader) rate(e entry) int64 {
	s, _ := e.Word()
	for _, u := range []struct {
		name string
		bits float64
	}{{"kbit", 1e3}, {"mbit", 1e6}, {"gbit", 1e9}} {
		number, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(number, 64)
		if err != nil || !(n > 0 && n*u.bits <= maxRate) {
			break
		}
		return int64(n * u.bits)
	}
	r.keep(e.Expected("a rate up to 30gbit, such as 50mbit or 500kbit"))
	return 0
}

func (r *reader) delay(e entry) time.Duration {
	s, _ := e.Word()
	d, err := time.ParseDuration(s)
	if err != nil {
		r.keep(e.Expected("a delay, such as 5ms"))
	}
	return d
}
