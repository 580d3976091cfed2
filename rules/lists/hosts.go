package lists

import (
	"net/netip"
	"strings"
)

// ownNames are those that a hosts file has for the machine itself.
var ownNames = map[string]bool{
	"localhost": true, "localhost.localdomain": true, "localhost4": true, "localhost6": true, "localhost4.localdomain4": true,
	"localhost6.localdomain6": true, "local": true, "broadcasthost": true, "ip6-localhost": true, "ip6-loopback": true, "ip6-localnet": true,
	"ip6-mcastprefix": true, "ip6-allnodes": true, "ip6-allrouters": true, "ip6-allhosts": true, "0.0.0.0": true,
}

func hosts(s *source) {
	for n, line := range s.lines() {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		a, err := netip.ParseAddr(fields[0])
		if err != nil || len(fields) == 1 {
			s.bad(n, "found %s, expected an address and names", shown(strings.TrimSpace(line)))
			continue
		}
		for _, name := range fields[1:] {
			switch {
			case ownNames[strings.ToLower(name)]:
				s.skip()
			case !a.IsLoopback() && !a.IsUnspecified():
				s.cannot(n, "%s is sent to %s, not blocked", shown(name), a)
			default:
				s.add(n, formExact, name)
			}
		}
	}
}
