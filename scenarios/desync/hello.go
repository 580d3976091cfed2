package desync

import "encoding/binary"

const recordHeader = 5

// helloMarks finds the places of a ClientHello that begins with b's first byte and lies in one record; nil when b is none.
func helloMarks(b []byte) map[string]int {
	if len(b) < recordHeader+4 || b[0] != 22 || b[1] != 3 || b[recordHeader] != 1 {
		return nil
	}
	end := recordHeader + int(binary.BigEndian.Uint16(b[3:]))
	body := recordHeader + 4 + int(b[6])<<16 + int(binary.BigEndian.Uint16(b[7:]))
	if end > len(b) || body > end {
		return nil
	}
	where := map[string]int{}
	at := recordHeader + 4 + 2 + 32 // version and random
	for _, width := range []int{1, 2, 1} {
		var ok bool
		if _, at, ok = vector(b[:body], at, width); !ok { // session id, suites, compression
			return where
		}
	}
	at, stop, ok := vector(b[:body], at, 2)
	if !ok {
		return where
	}
	for at+4 <= stop {
		kind := binary.BigEndian.Uint16(b[at:])
		data, next, ok := vector(b[:stop], at+2, 2)
		if !ok {
			return where
		}
		if kind == 0 {
			where["sniext"] = data
			if name, nameEnd, ok := vector(b[:next], data+3, 2); ok && nameEnd > name {
				where["sni"], where["midsni"], where["endsni"] = name, (name+nameEnd)/2, nameEnd
			}
			return where
		}
		at = next
	}
	return where
}

// vector reads a length of so many bytes at a place, and gives where what it measures begins and ends.
func vector(b []byte, at, width int) (begin, end int, ok bool) {
	if at < 0 || at+width > len(b) {
		return 0, 0, false
	}
	n := 0
	for _, x := range b[at : at+width] {
		n = n<<8 | int(x)
	}
	begin, end = at+width, at+width+n
	return begin, end, end <= len(b)
}

// alertRecord is a warning: the user has canceled something, which no server minds (RFC 8446, 6.1).
var alertRecord = []byte{21, 3, 1, 0, 2, 1, 90}

// prepare makes a ClientHello's bytes what goes into the stream: alerts first, and the message in records cut at the places that cuts
// give. The marks move along: one at a cut is in front of the new record's header.
func (s Strategy) prepareHello(b []byte, where map[string]int) ([]byte, map[string]int) {
	message := b[recordHeader : recordHeader+int(binary.BigEndian.Uint16(b[3:]))]
	rest := b[recordHeader+len(message):]
	inMessage := map[string]int{}
	for m, at := range where {
		inMessage[m] = at - recordHeader
	}
	var out []byte
	for range s.alerts {
		out = append(out, alertRecord...)
	}
	shift := len(out)
	cuts := resolveAll(s.records, inMessage, len(message))
	begin := 0
	for _, end := range append(cuts, len(message)) {
		out = append(out, b[0], b[1], b[2])
		out = binary.BigEndian.AppendUint16(out, uint16(end-begin))
		out = append(out, message[begin:end]...)
		begin = end
	}
	moved := map[string]int{}
	for m, at := range inMessage {
		moved[m] = shift + recordHeader + at
		for _, c := range cuts {
			if c < at {
				moved[m] += recordHeader
			}
		}
	}
	return append(out, rest...), moved
}
