package nfq

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"dpilab/rules"

	"github.com/vishvananda/netlink"
)

// ports are the two interfaces of the box.
type ports struct {
	inside, outside int // interface indexes
	insideMAC       [6]byte
	outsideMAC      [6]byte
	bridge          int // that they are ports of; 0 when routed
}

// findPorts looks the interfaces up in the thread's network namespace.
func findPorts(c *Config) (ports, error) {
	in, err := link(c.Inside)
	if err != nil {
		return ports{}, err
	}
	out, err := link(c.Outside)
	if err != nil {
		return ports{}, err
	}
	p := ports{inside: in.Index, outside: out.Index}
	copy(p.insideMAC[:], in.HardwareAddr)
	copy(p.outsideMAC[:], out.HardwareAddr)
	if !c.Bridged {
		return p, nil
	}
	if in.MasterIndex == 0 || in.MasterIndex != out.MasterIndex {
		return ports{}, &Error{Kind: ErrConfig, What: fmt.Sprintf("nfq: %s and %s are not ports of one bridge", c.Inside, c.Outside),
			Do: "put both on one bridge, or do not ask for a bridged box"}
	}
	p.bridge = in.MasterIndex
	return p, nil
}

func link(name string) (*netlink.LinkAttrs, error) {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return nil, &Error{Kind: ErrConfig, What: fmt.Sprintf("nfq: interface %q: %v", name, err), Do: "name an interface of the box's network namespace"}
	}
	return l.Attrs(), nil
}

// pairs are the interfaces, in and out, by which the forward hook knows the box's packets: bridged ones show the
// bridge itself as both.
func (p *ports) pairs() [][2]int {
	if p.bridge != 0 {
		return [][2]int{{p.bridge, p.bridge}}
	}
	return [][2]int{{p.inside, p.outside}, {p.outside, p.inside}}
}

// direction of a packet; rules.Both when it does not cross the box.
func (p *ports) direction(k *Packet) rules.Direction {
	in, out := int(k.In), int(k.Out)
	if p.bridge != 0 {
		in, out = int(k.PhysIn), int(k.PhysOut)
	}
	switch {
	case in == p.inside && out == p.outside:
		return rules.Up
	case in == p.outside && out == p.inside:
		return rules.Down
	}
	return rules.Both
}

const bridgeSysctls = "/proc/sys/net/bridge/"

// filterBridged makes the thread's network namespace show bridged packets to the forward hook. It returns what takes
// its changes back, to be run in the same namespace.
func filterBridged() (undo func() error, err error) {
	var changed []string
	undo = func() (err error) {
		for _, file := range changed {
			err = errors.Join(err, os.WriteFile(file, []byte("0\n"), 0o644))
		}
		return err
	}
	for _, name := range []string{"bridge-nf-call-iptables", "bridge-nf-call-ip6tables"} {
		file := bridgeSysctls + name
		value, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			return nil, &Error{Kind: ErrNoBridgeFilter, What: "nfq: " + file + " is missing: bridged packets cannot be queued",
				Do: "load br_netfilter (modprobe br_netfilter) or use a kernel with CONFIG_BRIDGE_NETFILTER"}
		}
		if err != nil {
			return nil, fmt.Errorf("nfq: %w", err)
		}
		if strings.TrimSpace(string(value)) != "0" {
			continue
		}
		if err := os.WriteFile(file, []byte("1\n"), 0o644); err != nil {
			return nil, errors.Join(fmt.Errorf("nfq: %w", err), undo())
		}
		changed = append(changed, file)
	}
	return undo, nil
}
