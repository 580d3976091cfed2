package matrix

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"dpilab/dpi"
	"dpilab/dpi/packet"
	"dpilab/lab"
)

// site is what a tool whose way leads over its server has to keep from the wire: the goal's name, and the addresses behind it.
type site struct {
	name  string // small letters; "" when the goal is an address
	host  string // of the lab
	addrs []netip.Addr
}

// siteOf finds the host that has a name.
func siteOf(l *lab.Lab, name string) site {
	s := site{name: strings.ToLower(name)}
	if addr, err := netip.ParseAddr(name); err == nil {
		s.name, s.addrs = "", []netip.Addr{addr}
	}
	for _, h := range l.Hosts() {
		if h.Name == name || slices.ContainsFunc(h.Names, func(n string) bool { return strings.EqualFold(n, name) }) ||
			len(s.addrs) > 0 && slices.Contains(h.Addrs(), s.addrs[0]) {
			s.host, s.addrs = h.Name, h.Addrs()
			break
		}
	}
	return s
}

// leaks says what of the packets that left the client led to the site itself, or asked for its name in the clear, a line a flow or question.
func (s site) leaks(sent []*seen, hostOf map[netip.Addr]string) []string {
	var all []string
	known := map[dpi.FlowID]bool{}
	asked := map[string]bool{}
	for _, p := range sent {
		if id := p.flow(); slices.Contains(s.addrs, p.dst()) && !known[id] {
			known[id] = true
			all = append(all, fmt.Sprintf("a flow to %s itself: %s", s.host, id))
		}
		name := question(p)
		if name == "" || s.name == "" || name != s.name && !strings.HasSuffix(name, "."+s.name) {
			continue
		}
		what := fmt.Sprintf("a question for %s in the clear, to %s", name, nameOr(hostOf, p.dst()))
		if !asked[what] {
			asked[what] = true
			all = append(all, what)
		}
	}
	return all
}

const portDNS = 53

// question gives the name that a packet asks DNS for, "" for any other. Over TCP it is the segment that begins with the question.
func question(p *seen) string {
	if !p.HasTransport || p.DstPort != portDNS {
		return ""
	}
	message := p.Payload
	if p.Protocol == packet.TCP {
		if len(message) < 2 {
			return ""
		}
		message = message[2:]
	}
	var m dns.Msg
	if err := m.Unpack(message); err != nil || m.Response || len(m.Question) == 0 {
		return ""
	}
	return strings.ToLower(strings.TrimSuffix(m.Question[0].Name, "."))
}

func nameOr(hostOf map[netip.Addr]string, a netip.Addr) string {
	if name := hostOf[a]; name != "" {
		return fmt.Sprintf("%s (%s)", name, a)
	}
	return a.String()
}
