package nfq

import (
	"encoding/binary"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"
)

const bypass = 1 // both forms: accept when nobody listens

// queued counts and queues what gets this far in a chain.
func (a *attachment) queued(c *nftables.Chain) error {
	if a.queues > 1 {
		a.rule(c, count(counterQueued))
		return a.spread(c)
	}
	a.rule(c, count(counterQueued), a.queue(a.first))
	return nil
}

// queue is the expression that queues a packet. The balancing of several queues that both forms have is not used: it sees addresses
// alone, so that everything between one subscriber and one server would be one worker's.
func (a *attachment) queue(number uint16) []expr.Any {
	flags := uint16(0)
	if a.failOpen {
		flags = bypass
	}
	if !a.xtables {
		return []expr.Any{&expr.Queue{Num: number, Total: 1, Flag: expr.QueueFlag(flags)}}
	}
	// struct xt_NFQ_info_v3 {queuenum, queues_total, flags}, in host order, padded to 8 bytes.
	b := make([]byte, 8)
	binary.NativeEndian.PutUint16(b[0:], number)
	binary.NativeEndian.PutUint16(b[2:], 1)
	binary.NativeEndian.PutUint16(b[4:], flags)
	info := xt.Unknown(b)
	return []expr.Any{&expr.Target{Name: "NFQUEUE", Rev: 3, Info: &info}}
}
