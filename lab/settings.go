package lab

import (
	"errors"
	"io/fs"
)

// settings are kernel settings of one namespace, in the order in which they are made: ip_forward resets others.
type settings []struct {
	path, value string
	optional    bool // where the kernel has no such setting, nothing is lost
}

// settingsOf gives the settings of a bridge, a router or a host. They are made before there is any interface, because new
// interfaces copy the defaults.
func settingsOf(bridge, router bool) settings {
	if bridge {
		return settings{
			{"ipv4/ip_forward", "0", false},
			{"ipv6/conf/all/forwarding", "0", false},
			{"ipv6/conf/default/disable_ipv6", "1", false}, // the bridge says nothing of its own
			{"bridge/bridge-nf-call-iptables", "1", false},
			{"bridge/bridge-nf-call-ip6tables", "1", false},
			{"bridge/bridge-nf-call-arptables", "0", true},
		}
	}
	forward := "0"
	if router {
		forward = "1"
	}
	return settings{
		{"ipv4/ip_forward", forward, false},
		{"ipv6/conf/all/forwarding", forward, false},
		{"ipv6/conf/default/forwarding", forward, false},
		{"ipv4/conf/all/rp_filter", "0", false}, // the machine's values are inherited
		{"ipv4/conf/default/rp_filter", "0", false},
		{"ipv4/conf/default/send_redirects", "0", false},
		{"ipv4/conf/all/send_redirects", "0", false},
		{"ipv6/conf/default/accept_dad", "0", false}, // addresses work at once
		{"ipv6/conf/default/router_solicitations", "0", false},
		{"ipv6/conf/default/accept_ra", "0", false},
		{"ipv4/icmp_ratelimit", "0", false}, // traceroute and ping get every answer
		{"ipv4/icmp_ratemask", "0", false},  // no kind of message counts for the global limit either
		{"ipv6/icmp/ratelimit", "0", false},
		{"ipv6/icmp/ratemask", "0", true},       // no kind but 0, which does not exist
		{"ipv4/ping_group_range", "0 0", false}, // the only group that the user namespace has
		{"ipv4/ip_unprivileged_port_start", "0", true},
	}
}

var errNoBridgeNetfilter = errors.New("the kernel does not show bridged packets to netfilter; run: sudo modprobe br_netfilter")

// apply makes the settings in the namespace of the calling thread, and brings lo up.
func (s settings) apply() error {
	for _, v := range s {
		err := sysctl(v.path, v.value)
		missing := errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)
		switch {
		case err == nil || v.optional && missing:
		case missing && v.path[:7] == "bridge/":
			return errNoBridgeNetfilter
		default:
			return err
		}
	}
	return loopbackUp()
}
