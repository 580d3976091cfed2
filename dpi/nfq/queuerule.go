package nfq

import (
	"encoding/binary"

	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"
)

const bypass = 1 // both forms: accept when nobody listens

// queue is the expression that queues a packet. Several queues are balanced by a hash that is the same for both
// directions of (source, destination, protocol): all flows between two addresses share a queue, as they share a
// device behind the balancers of the real box.
func (a *attachment) queue() []expr.Any {
	flags := uint16(0)
	if a.failOpen {
		flags = bypass
	}
	if !a.xtables {
		return []expr.Any{&expr.Queue{Num: a.first, Total: a.queues, Flag: expr.QueueFlag(flags)}}
	}
	// struct xt_NFQ_info_v3 {queuenum, queues_total, flags}, in host order, padded to 8 bytes.
	b := make([]byte, 8)
	binary.NativeEndian.PutUint16(b[0:], a.first)
	binary.NativeEndian.PutUint16(b[2:], a.queues)
	binary.NativeEndian.PutUint16(b[4:], flags)
	info := xt.Unknown(b)
	return []expr.Any{&expr.Target{Name: "NFQUEUE", Rev: 3, Info: &info}}
}
