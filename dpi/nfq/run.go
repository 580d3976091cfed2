package nfq

// run is a series of packets that are accepted as they are, in the order of their ids, with nothing older left without a verdict: one
// NFQNL_MSG_VERDICT_BATCH, which decides every packet up to an id, says the same as a verdict for each. It follows which
// packets have a verdict; each is to get one once.
type run struct {
	next   int    // of those of the last Receive, the first that has none yet and that none behind it has overtaken
	older  int    // packets without a verdict ahead of that one
	length int    // of the run
	last   uint32 // its last id
}

// received begins with the packets of another Receive; what those of the last one still lack, the engine holds.
func (r *run) received(last []Packet) {
	r.older += len(last) - r.next
	r.next = 0
}

// decided notes that a packet has its verdict, and tells whether all that came before it have theirs.
func (r *run) decided(packets []Packet, id uint32) bool {
	if r.next < len(packets) && packets[r.next].ID == id {
		r.next++
		return r.older == 0
	}
	for i := r.next; i < len(packets); i++ {
		if packets[i].ID == id {
			r.older += i - r.next
			r.next = i + 1
			return false
		}
	}
	if r.older > 0 { // not so for a verdict on a packet that never came
		r.older--
	}
	return false
}

func (r *run) add(id uint32) {
	r.length++
	r.last = id
}

// appendTo ends the run, if there is one, and adds the message that it is.
func (r *run) appendTo(b []byte, queue uint16) []byte {
	switch r.length {
	case 0:
		return b
	case 1:
		b = appendVerdict(b, queue, r.last, true, 0, nil)
	default:
		b = appendBatch(b, queue, r.last)
	}
	r.length = 0
	return b
}
