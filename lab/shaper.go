package lab

import (
	"sync"
	"time"

	"github.com/vishvananda/netlink"

	"dpilab/dpi/nfq"
)

// The bucket holds what the rate lets through in burstTime, and the queue what it lets through in queueTime, as a subscriber's
// line with a modest buffer; both have a floor, so that slow lines still take a few packets.
const (
	burstTime = 4 * time.Millisecond
	queueTime = 100 * time.Millisecond
	burstMin  = 4 * 1514
	queueMin  = 32 * 1514
)

// shaper is a token bucket for everything that leaves an interface, below parent: burst and queue in bytes of frames.
func shaper(index int, parent uint32, rate int64) *netlink.Tbf {
	perSecond := max(uint64(rate/8), 1)
	part := func(d time.Duration) uint32 { return uint32(perSecond * uint64(d) / uint64(time.Second)) }
	burst := max(part(burstTime), burstMin)
	return &netlink.Tbf{
		QdiscAttrs: netlink.QdiscAttrs{LinkIndex: index, Handle: netlink.MakeHandle(1, 0), Parent: parent},
		Rate:       perSecond,
		Buffer:     netlink.Xmittime(perSecond, burst),
		Limit:      burst + max(part(queueTime), queueMin),
	}
}

// delayerHandle is netem's, above the shaper.
const delayerHandle = 2

// delayer holds what leaves an interface for the delay of its link.
func delayer(index int, delay time.Duration) *netlink.Netem {
	attrs := netlink.QdiscAttrs{LinkIndex: index, Handle: netlink.MakeHandle(delayerHandle, 0), Parent: netlink.HANDLE_ROOT}
	return netlink.NewNetem(attrs, netlink.NetemQdiscAttrs{Latency: uint32(delay.Microseconds()), Limit: lineLength})
}

// hasNetem tells whether the kernel has netem. It is found out once, in a network namespace that goes away afterwards.
var hasNetem = sync.OnceValue(func() (has bool) {
	nfq.InScratch(func(err error) { has = err == nil && netlink.QdiscReplace(delayer(1, time.Millisecond)) == nil })
	return has
})
