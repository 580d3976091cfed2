package inspect

// Hello is what is read of a ClientHello. It is valid after Yes, as long as the bytes that it was read from; after More
// only Records is.
type Hello struct {
	SNI     []byte // the server name as on the wire, neither lowered nor checked; nil without one. At most 255 bytes
	HasSNI  bool   // the server_name extension is there
	ECH     bool   // an encrypted_client_hello extension is there, real or GREASE
	Version uint16 // legacy_version: 0x0303 for TLS 1.2 and 1.3, 0xfefd for DTLS 1.2 and 1.3
	Records int    // records, of TLS or DTLS, that carry the hello, begun so far; 0 in QUIC
	Length  int    // bytes from the first one to the end of the record that completes the hello; in QUIC and DTLS, of the message

	suites     []byte // the list of cipher suites
	extensions []byte // the block of extensions, its lengths checked
}

// helloLen gives the length of the ClientHello that begins with message, its header included; 0 while that is not
// known, -1 for anything else.
func helloLen(message []byte) int {
	header := readerOf(message, handshakeHeader)
	kind := header.uint(1)
	header.require(kind == typeClientHello)
	length := handshakeHeader + header.uint(3)
	header.require(length <= maxHello)
	switch header.result {
	case No:
		return -1
	case More:
		return 0
	}
	return length
}

// parse reads the message (RFC 8446, section 4.1.2) as far as it is there. In DTLS it has a cookie (RFC 6347, section
// 4.2.1).
func (h *Hello) parse(message []byte, cookie bool) Result {
	total := helloLen(message)
	if total < 0 {
		return No
	}
	if total == 0 {
		return More
	}
	hello := readerOf(message[:min(total, len(message))], total)
	hello.take(handshakeHeader)
	h.Version = uint16(hello.uint(2))
	hello.take(32) // random
	sessionID := hello.uint(1)
	hello.require(sessionID <= 32)
	hello.take(sessionID)
	if cookie {
		hello.take(hello.uint(1))
	}
	suites := hello.uint(2)
	hello.require(suites >= 2 && suites%2 == 0)
	hello.fits(suites)
	h.suites = hello.take(suites)
	compressions := hello.uint(1)
	hello.require(compressions >= 1)
	hello.take(compressions)
	if hello.result == Yes && hello.left() == 0 {
		return Yes // before TLS 1.2 a hello may have no extensions
	}
	extensions := hello.uint(2)
	hello.require(extensions == hello.left())
	h.extensions = hello.bytes[min(hello.at, len(hello.bytes)):]
	for hello.result == Yes && hello.left() > 0 {
		h.readExtension(&hello)
	}
	return hello.result
}

func (h *Hello) readExtension(hello *reader) {
	kind, length := hello.uint(2), hello.uint(2)
	hello.fits(length)
	if hello.result != Yes {
		return
	}
	switch {
	case kind == extServerName && !h.HasSNI:
		h.serverName(hello, length)
		return
	case kind == extECH:
		h.ECH = true
	}
	hello.take(length)
}

// serverName reads a list of exactly one host name (RFC 6066, section 3, allows one of each type, and knows one type).
func (h *Hello) serverName(hello *reader, length int) {
	list := hello.uint(2)
	hello.require(list == length-2)
	kind := hello.uint(1)
	hello.require(kind == nameTypeHost)
	name := hello.uint(2)
	hello.require(name == list-3 && name > 0 && name <= maxName)
	sni := hello.take(name)
	if hello.result == Yes {
		h.SNI, h.HasSNI = sni, true
	}
}
