package lab

import (
	"errors"
	"fmt"
	"sync"

	"github.com/vishvananda/netlink"

	"dpilab/dpi/nfq"
)

// Missing says which features the machine lacks that no lab can be without; nil when it has them all. The process must have
// been through Enter. It is found out once.
func Missing() error { return missing() }

var missing = sync.OnceValue(func() error {
	var errs []error
	for _, f := range append(nfq.Probe(), Probe()...) {
		if f.Needed && !f.Present {
			errs = append(errs, fmt.Errorf("the kernel lacks %s (%s): %s", f.Name, f.Problem, f.Advice))
		}
	}
	return errors.Join(errs...)
})

// Probe finds out what the kernel has of what links need, by trying it in a network namespace that goes away afterwards. The
// process must have been through Enter.
func Probe() (features []nfq.Feature) {
	nfq.InScratch(func(err error) { features = probe(err) })
	return features
}

func probe(err error) []nfq.Feature {
	veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "try0"}, PeerName: "try1"}
	if err == nil {
		err = netlink.LinkAdd(veth)
	}
	if err == nil {
		var l netlink.Link
		if l, err = netlink.LinkByName("try0"); err == nil {
			veth.Index = l.Attrs().Index
		}
	}
	try := func(f func() error) error {
		if err != nil {
			return err
		}
		return f()
	}
	bridge := try(func() error { return netlink.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "try2"}}) })
	tbf := try(func() error { return netlink.QdiscAdd(shaper(veth.Index, netlink.HANDLE_ROOT, 1_000_000)) })
	var netem error
	if !hasNetem() {
		netem = errors.New("no such queueing discipline")
	}
	return []nfq.Feature{
		nfq.NewFeature("veth", "links between hosts", true, err, "modprobe veth, or a kernel with CONFIG_VETH"),
		nfq.NewFeature("bridge", "the place of a box, and of a link's delay", true, bridge, "modprobe bridge, or a kernel with CONFIG_BRIDGE"),
		nfq.NewFeature("tbf", "rates of links", true, tbf, "modprobe sch_tbf, or a kernel with CONFIG_NET_SCH_TBF"),
		nfq.NewFeature("netem", "delays of links", false, netem, "nothing to do: verdicts that are held delay them as well"),
	}
}
