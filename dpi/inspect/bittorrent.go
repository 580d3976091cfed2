package inspect

import (
	"bytes"
	"encoding/binary"
)

// isUTP knows the first packet of a uTP connection (BEP 29): ST_SYN, version 1, no delay measured yet and nothing to
// acknowledge, a chain of extensions that ends with the datagram.
func isUTP(payload []byte) bool {
	const (
		header  = 20
		typeSYN = 4<<4 | 1
	)
	if len(payload) < header || payload[0] != typeSYN || !isZero(payload[8:12]) || !isZero(payload[18:20]) {
		return false
	}
	r := readerOf(payload, len(payload))
	r.take(1)
	extension := r.uint(1)
	r.take(header - 2)
	for extension != 0 && r.result == Yes {
		extension = r.uint(1)
		r.take(r.uint(1))
	}
	return r.result == Yes && r.left() == 0
}

// isDHT knows a query of the DHT (BEP 5): a dictionary whose first entry is the asking node's id.
func isDHT(payload []byte) bool {
	const nodeID = 20
	query, ok := bytes.CutPrefix(payload, []byte("d1:ad2:id20:"))
	return ok && len(query) > nodeID && query[len(query)-1] == 'e'
}

// isTracker knows the connect request of a UDP tracker (BEP 15).
func isTracker(payload []byte) bool {
	const connect = 0x41727101980
	return len(payload) == 16 && binary.BigEndian.Uint64(payload) == connect && isZero(payload[8:12])
}
