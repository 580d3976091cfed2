package lab

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"dpilab/internal/strictyaml"
)

// The most that a link takes: a rate that still fits the kernel's 32 bits of bytes a second, and a delay that no network has.
const (
	maxRate  = 30e9
	maxDelay = 5 * time.Second
)

// allowed are the ranges that a lab may use: documentation (RFC 5737, RFC 3849) and benchmarks (RFC 2544).
var allowed = []netip.Prefix{
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("2001:db8::/32"),
}

var (
	nodeName   = regexp.MustCompile(`^[a-z][a-z0-9-]{0,30}$`)
	linkName   = regexp.MustCompile(`^[a-z][a-z0-9-]{0,14}$`) // the kernel's IFNAMSIZ leaves 15 bytes
	domainName = regexp.MustCompile(`^([a-z0-9_]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
)

// taken are interface names that the kernel makes or forbids.
var taken = []string{"lo", "all", "default"}

// Validate finds the first thing that is wrong with a topology. Errors are *TopologyError.
func (t *Topology) Validate() error {
	for _, check := range []func() error{t.checkNodes, t.checkHosts, t.checkLinks, t.checkAddresses, t.checkBoxes, t.checkReach} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// wrong makes an error at the place of the nearest thing that is in the file.
func (t *Topology) wrong(path, format string, args ...any) error {
	if t.file == "" {
		return &TopologyError{File: "topology", Text: path + ": " + fmt.Sprintf(format, args...)}
	}
	at := strictyaml.Node{File: t.file}
	for p := path; p != "" && at.IsZero(); p = p[:max(strings.LastIndexAny(p, ".["), 0)] {
		if n, ok := t.places[p]; ok {
			at = n
		}
	}
	return at.Fail(format, args...)
}

func linkPath(i int) string { return fmt.Sprintf("links[%d]", i) }

func (t *Topology) checkNodes() error {
	if !nodeName.MatchString(t.Name) {
		return t.wrong("topology", "the topology needs a name of lower-case letters, digits and dashes, not %q", t.Name)
	}
	seen := map[string]string{}
	node := func(kind, name string) error {
		path := kind + "." + name
		if !nodeName.MatchString(name) {
			return t.wrong(path, "%q is no name; use a letter, then letters, digits and dashes, lower case, 31 at most", name)
		}
		if other, ok := seen[name]; ok {
			return t.wrong(path, "the name %q is taken (%s); choose another", name, other)
		}
		seen[name] = path
		return nil
	}
	for _, h := range t.Hosts {
		if err := node("hosts", h.Name); err != nil {
			return err
		}
	}
	for _, r := range t.Routers {
		if err := node("routers", r); err != nil {
			return err
		}
	}
	for _, b := range t.Boxes {
		if err := node("boxes", b); err != nil {
			return err
		}
	}
	if len(t.Hosts) == 0 {
		return t.wrong("hosts", "there is no host; write at least one under hosts")
	}
	return nil
}

func (t *Topology) checkHosts() error {
	owner := map[string]string{}
	for _, h := range t.Hosts {
		path := "hosts." + h.Name
		if h.Resolver != "" && !t.serves(h.Resolver, "dns") {
			return t.wrong(path+".resolver", "%q is no host that serves dns; name one, or give it {dns: resolver}", h.Resolver)
		}
		for i, n := range h.Names {
			at := fmt.Sprintf("%s.names[%d]", path, i)
			if !domainName.MatchString(n) || len(n) > 253 {
				return t.wrong(at, "%q is no domain name; write it in lower case, without a dot at the end", n)
			}
			if other, ok := owner[n]; ok {
				return t.wrong(at, "the name %s is already that of %s; a name leads to one host", n, other)
			}
			owner[n] = h.Name
		}
		for i, s := range h.Serves {
			if err := t.checkServe(fmt.Sprintf("%s.serves[%d]", path, i), s); err != nil {
				return err
			}
			if slices.ContainsFunc(h.Serves[:i], func(o Serve) bool { return o.Service == s.Service }) {
				return t.wrong(fmt.Sprintf("%s.serves[%d]", path, i), "%s serves %s twice; remove one", h.Name, s.Service)
			}
		}
	}
	return nil
}

func (t *Topology) checkServe(path string, s Serve) error {
	switch {
	case !slices.Contains(ServiceNames, s.Service):
		return t.wrong(path, "unknown service %q; known: %s", s.Service, strings.Join(ServiceNames, ", "))
	case s.Service != "dns" && (s.Variant != "" || s.To != ""):
		return t.wrong(path, "%s takes no options; write the word alone", s.Service)
	case s.Service == "dns" && !slices.Contains(dnsVariants, s.Variant):
		return t.wrong(path, "unknown kind of dns %q; write {dns: K} with K one of: %s", s.Variant, strings.Join(dnsVariants, ", "))
	case s.Variant == "forward" && !t.serves(s.To, "dns"):
		return t.wrong(path, "forwards to %q, which is no host that serves dns; write {dns: forward, to: HOST}", s.To)
	case s.Variant != "forward" && s.To != "":
		return t.wrong(path, "only {dns: forward} has a to")
	}
	return nil
}

func (t *Topology) serves(host, service string) bool {
	h := t.Host(host)
	return h != nil && slices.ContainsFunc(h.Serves, func(s Serve) bool { return s.Service == service })
}
