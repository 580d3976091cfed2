package inspect

// What a certificate is made of (X.690; RFC 5280, appendix A).
const (
	derBoolean    = 1
	derInteger    = 2
	derOctets     = 4
	derOID        = 6
	derUTF8       = 12
	derPrintable  = 19
	derTeletex    = 20
	derIA5        = 22
	derSequence   = 0x30
	derSet        = 0x31
	derVersion    = 0xa0
	derIssuerID   = 0x81
	derSubjectID  = 0x82
	derDNSName    = 0x82
	derExtensions = 0xa3

	oidCommonName = "\x55\x04\x03" // 2.5.4.3
	oidAltName    = "\x55\x1d\x11" // 2.5.29.17
)

// der walks elements with definite lengths, one after another. A broken one ends it.
type der struct{ left []byte }

func derOf(b []byte) *der { return &der{b} }

func (d *der) more() bool { return len(d.left) > 0 }

// next gives the next element; nil once there is none.
func (d *der) next() (kind byte, content []byte) {
	b := d.left
	d.left = nil
	if len(b) < 2 || b[0]&0x1f == 0x1f { // no tag of a certificate has more than one byte
		return 0, nil
	}
	kind, length, at := b[0], int(b[1]), 2
	if length >= 0x80 {
		n := length & 0x7f
		if n < 1 || n > 3 || len(b) < at+n {
			return 0, nil
		}
		length = 0
		for _, c := range b[at : at+n] {
			length = length<<8 | int(c)
		}
		at += n
	}
	if length > len(b)-at {
		return 0, nil
	}
	d.left = b[at+length:]
	return kind, b[at : at+length]
}

// want gives the content of the next element, which must be of that kind.
func (d *der) want(kind byte) []byte {
	got, content := d.next()
	if got != kind {
		d.left = nil
		return nil
	}
	return content
}

// skip passes over an optional element.
func (d *der) skip(kind byte) {
	if len(d.left) > 0 && d.left[0] == kind {
		d.next()
	}
}
