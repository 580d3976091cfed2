package inspect

// Numbers of TLS (RFC 8446, sections 4 and 5.1; RFC 6066, section 3; draft-ietf-tls-esni for ECH).
const (
	recordHeader    = 5
	handshakeHeader = 4
	maxRecord       = 1 << 14
	maxHello        = 16 << 10 // of the scratch: a longer ClientHello is none
	maxName         = 255

	typeHandshake   = 22
	typeClientHello = 1
	extServerName   = 0
	extECH          = 0xfe0d
	nameTypeHost    = 0
)

// TLS parses ClientHellos, one after another, of any flows. Its scratch joins hellos that are cut into records. The
// zero value is ready. Hello's SNI points into the input or, after a hello of several records, into the scratch, which
// the next call overwrites.
type TLS struct {
	Hello   Hello
	scratch [maxHello]byte
}

// ClientHello reads a stream from its first payload byte on, contiguous, as much of it as there is.
//
// It is as strict as the box of 2021 (spec B06; IMC21, P): content type, handshake type and each length that leads to the
// server name must be right, the server_name extension must hold one host name, and a record must be at least as long
// as the hello in it, or the hello goes on in the next record. That the record's major version is 3 is required too
// (choice; no source tells). A first record of another type is a No, whatever follows. Of two server_name
// extensions the first one counts.
func (h *TLS) ClientHello(stream []byte) Result {
	h.Hello = Hello{}
	record, r := nextRecord(stream)
	h.Hello.Records = 1
	if r == No || len(stream) <= recordHeader {
		return r
	}
	end := recordHeader + record
	body := stream[recordHeader:min(end, len(stream))]
	if total := helloLen(body); total < 0 || (total > 0 && total <= record) {
		return h.whole(body, min(end, len(stream)), r)
	}
	return h.join(stream)
}

// whole parses a hello that its only record holds; r says whether the record is complete.
func (h *TLS) whole(body []byte, end int, r Result) Result {
	if parsed := h.Hello.parse(body, false); parsed != Yes {
		return parsed
	}
	h.Hello.Length = end
	return r
}

// join copies the content of the records into the scratch and parses what came together.
func (h *TLS) join(stream []byte) Result {
	n, at := 0, 0
	for h.Hello.Records = 0; ; {
		record, r := nextRecord(stream[at:])
		if r == No {
			return No
		}
		if at < len(stream) {
			h.Hello.Records++
		}
		body := stream[min(at+recordHeader, len(stream)):min(at+recordHeader+record, len(stream))]
		n += copy(h.scratch[n:], body)
		at += recordHeader + record
		total := helloLen(h.scratch[:n])
		if r == More || (total > 0 && n >= total) {
			parsed := h.Hello.parse(h.scratch[:n], false)
			if parsed != Yes {
				return parsed
			}
			h.Hello.Length = min(at, len(stream))
			return r
		}
		if total < 0 {
			return No
		}
	}
}

// Handshake reads a ClientHello without records, as QUIC's CRYPTO frames carry it (RFC 9001, section 4.1.3).
func (h *TLS) Handshake(message []byte) Result {
	h.Hello = Hello{}
	return h.Hello.handshake(message)
}

func (h *Hello) handshake(message []byte) Result {
	r := h.parse(message, false)
	if r == Yes {
		h.Length = helloLen(message)
	}
	return r
}

// nextRecord reads the header of a handshake record: the length of its content, and whether all of it is there.
func nextRecord(stream []byte) (length int, r Result) {
	header := readerOf(stream, recordHeader)
	kind := header.uint(1)
	header.require(kind == typeHandshake)
	major := header.uint(1)
	header.require(major == 3)
	header.take(1)
	length = header.uint(2)
	header.require(length > 0 && length <= maxRecord)
	if header.result == Yes && len(stream) < recordHeader+length {
		return length, More
	}
	return length, header.result
}
