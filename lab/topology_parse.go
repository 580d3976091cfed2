package lab

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// ParseTopology reads a topology and validates it. The file's name is for messages. Errors are *TopologyError, with the
// place in the file.
func ParseTopology(file string, data []byte) (*Topology, error) {
	r := &reader{file: file, places: map[string]place{}}
	t := &Topology{file: file, places: r.places}
	for _, e := range r.mapping(r.root(data), "topology", "about", "hosts", "routers", "boxes", "links") {
		switch e.key {
		case "topology":
			t.Name = r.text(e)
		case "about":
			t.About = strings.TrimSpace(r.text(e))
		case "hosts":
			for _, h := range r.mapping(e) {
				t.Hosts = append(t.Hosts, r.host(h))
			}
		case "routers":
			t.Routers = r.plain(e)
		case "boxes":
			t.Boxes = r.plain(e)
		case "links":
			for _, l := range r.sequence(e) {
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
	for _, n := range r.mapping(e) {
		for _, k := range r.mapping(n) {
			r.fail(k.at, k.path, "unknown key %q; %s takes none, write {}", k.key, n.path)
		}
		names = append(names, n.key)
	}
	return names
}

func (r *reader) host(e entry) HostSpec {
	h := HostSpec{Name: e.key}
	for _, k := range r.mapping(e, "resolver", "names", "serves") {
		switch k.key {
		case "resolver":
			h.Resolver = r.text(k)
		case "names":
			h.Names = r.texts(k)
		case "serves":
			for _, s := range r.sequence(k) {
				h.Serves = append(h.Serves, r.serve(s))
			}
		}
	}
	return h
}

// serve reads a word, or {dns: variant, to: host}.
func (r *reader) serve(e entry) Serve {
	if word, ok := scalar(e.node); ok {
		return Serve{Service: word}
	}
	var s Serve
	for _, k := range r.mapping(e, "dns", "to") {
		if k.key == "dns" {
			s.Service, s.Variant = "dns", r.text(k)
		} else {
			s.To = r.text(k)
		}
	}
	return s
}

func (r *reader) link(e entry) LinkSpec {
	var l LinkSpec
	for _, k := range r.mapping(e, "link", "ends", "rate", "delay", "box") {
		switch k.key {
		case "link":
			l.Name = r.text(k)
		case "ends":
			for _, n := range r.mapping(k) {
				l.Ends = append(l.Ends, EndSpec{Node: n.key, Addrs: r.prefixes(n)})
			}
		case "rate":
			l.Rate = r.rate(k)
		case "delay":
			l.Delay = r.delay(k)
		case "box":
			l.Box = r.text(k)
		}
	}
	return l
}

func (r *reader) prefixes(e entry) []netip.Prefix {
	var all []netip.Prefix
	for _, v := range r.sequence(e) {
		text := r.text(v)
		p, err := netip.ParsePrefix(text)
		if err != nil {
			r.fail(v.at, v.path, "%q is no address with a prefix length; write it like 198.51.100.2/24 or 2001:db8:1::2/64", text)
		}
		all = append(all, p)
	}
	return all
}

// rate reads a number of bits a second.
func (r *reader) rate(e entry) int64 {
	text := r.text(e)
	for _, u := range []struct {
		name string
		bits float64
	}{{"kbit", 1e3}, {"mbit", 1e6}, {"gbit", 1e9}} {
		number, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(number, 64)
		if err != nil || !(n > 0 && n*u.bits <= maxRate) {
			break
		}
		return int64(n * u.bits)
	}
	r.fail(e.at, e.path, "%q is no rate; write a number and kbit, mbit or gbit, such as 50mbit, up to 30gbit", text)
	return 0
}

func (r *reader) delay(e entry) time.Duration {
	text := r.text(e)
	d, err := time.ParseDuration(text)
	if err != nil {
		r.fail(e.at, e.path, "%q is no delay; write a number and a unit, such as 5ms", text)
	}
	return d
}
