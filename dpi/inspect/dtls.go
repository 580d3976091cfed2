package inspect

import "encoding/binary"

const (
	dtlsRecordHeader    = 13 // type, version, epoch, sequence number, length
	dtlsHandshakeHeader = 12 // type, length, message number, offset and length of the fragment
	dtlsApplicationData = 23
)

// DTLS reads the ClientHello in the client's datagrams of one flow (RFC 6347, section 4.2; RFC 9147, section 5), which
// may come in fragments and in any order. The zero value is ready; Reset makes it ready for another flow. It holds some
// 4 KiB and allocates nothing.
type DTLS struct {
	// Hello is valid once Datagram gave Yes, until the next call. Its SNI points into the DTLS.
	Hello Hello

	assembly
	message int // number of the handshake message that is put together
	total   int // bytes of it, without the header; 0 before the first fragment
	records int
}

// Reset forgets the flow.
func (d *DTLS) Reset() { d.restart(0, 0) }

func (d *DTLS) restart(message, total int) {
	d.Hello = Hello{}
	d.assembly.forget()
	d.message, d.total, d.records = message, total, 0
}

// Datagram takes the payload of one datagram of the client. Yes: the hello is complete. More: it carries a piece of one,
// and more are needed. No: it carries none, or a hello that is broken or longer than 4096 bytes. A hello of another
// message number, as the answer to a HelloVerifyRequest has, begins anew. The payload is only read.
func (d *DTLS) Datagram(payload []byte) Result {
	pieces := 0
	for len(payload) > 0 {
		content, rest, ok := dtlsRecord(payload)
		if !ok || payload[0] != typeHandshake {
			break
		}
		for first := true; len(content) > 0; first = false {
			fragment, next, ok := helloFragment(content)
			if !ok {
				break
			}
			d.add(&fragment, first)
			pieces++
			content = next
		}
		payload = rest
	}
	if pieces == 0 {
		return No
	}
	return d.hello()
}

func (d *DTLS) add(f *dtlsFragment, newRecord bool) {
	if d.total == 0 || f.message != d.message || f.total != d.total {
		d.restart(f.message, f.total)
		header := [handshakeHeader]byte{typeClientHello, byte(f.total >> 16), byte(f.total >> 8), byte(f.total)}
		d.keep(0, header[:])
	}
	if newRecord {
		d.records++
	}
	d.keep(handshakeHeader+f.offset, f.bytes)
}

func (d *DTLS) hello() Result {
	d.grow()
	d.Hello = Hello{}
	r := d.Hello.parse(d.crypto[:d.length], true)
	d.Hello.Records = d.records
	if r == Yes {
		d.Hello.Length = handshakeHeader + d.total
	}
	return r
}

// dtlsFragment is a piece of a ClientHello.
type dtlsFragment struct {
	message, total, offset int
	bytes                  []byte
}

// helloFragment reads one fragment; all of it must be there. The longest hello that is read leaves a byte of the assembly
// free, so that one that is cut off by the bound is never taken for complete.
func helloFragment(content []byte) (f dtlsFragment, rest []byte, ok bool) {
	r := readerOf(content, len(content))
	kind := r.uint(1)
	r.require(kind == typeClientHello)
	f.total, f.message, f.offset = r.uint(3), r.uint(2), r.uint(3)
	length := r.uint(3)
	r.require(f.total > 0 && f.total <= maxCrypto-handshakeHeader && f.offset+length <= f.total)
	f.bytes = r.take(length)
	return f, content[r.at:], r.result == Yes
}

// dtlsRecord reads one plain record (RFC 6347, section 4.1): epoch 0, all of it in the datagram.
func dtlsRecord(payload []byte) (content, rest []byte, ok bool) {
	if len(payload) < dtlsRecordHeader || !isDTLSVersion(payload[1:]) || !isZero(payload[3:5]) {
		return nil, nil, false
	}
	end := dtlsRecordHeader + int(binary.BigEndian.Uint16(payload[11:]))
	if end == dtlsRecordHeader || end > len(payload) {
		return nil, nil, false
	}
	return payload[dtlsRecordHeader:end], payload[end:], true
}

// isDTLSVersion takes 1.0, which a first hello may state whatever it offers, and 1.2.
func isDTLSVersion(b []byte) bool { return b[0] == 0xfe && (b[1] == 0xff || b[1] == 0xfd) }

// IsDTLS says whether a datagram begins with a record that holds a ClientHello or a fragment of one.
func IsDTLS(payload []byte) bool {
	content, _, ok := dtlsRecord(payload)
	if !ok || payload[0] != typeHandshake {
		return false
	}
	_, _, ok = helloFragment(content)
	return ok
}

// isDTLSData: application data of an epoch with keys; or, in DTLS 1.3, whose header hides the content type, a record
// of the third epoch, that of application data (RFC 9147, sections 4 and 6.1).
func isDTLSData(payload []byte) bool {
	if len(payload) < dtlsRecordHeader {
		return false
	}
	if payload[0]&0xe0 == 0x20 {
		return payload[0]&3 == 3
	}
	return payload[0] == dtlsApplicationData && isDTLSVersion(payload[1:]) && !isZero(payload[3:5])
}
