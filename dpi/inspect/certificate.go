package inspect

const (
	typeServerHello      = 2
	typeCertificate      = 11
	typeSupplementalData = 23 // may come before the certificate (RFC 4680)
)

// Certificate reads the server's first flight of a TLS handshake up to version 1.2, where the certificate is not encrypted
// (RFC 5246, sections 7.4.1.3 and 7.4.2). The zero value is ready, for one flow after another. It holds 16 KiB, and
// allocates nothing.
type Certificate struct {
	leaf    []byte // in scratch
	scratch [maxHello]byte
}

// Flight reads the server's stream from its first payload byte on, contiguous, as much of it as there is. Yes: the leaf
// certificate is complete, and Names gives its names. No: the stream begins with anything else; the version is 1.3, whose
// certificate is encrypted; a session is resumed without one; or it does not end within 16 KiB.
//
// Records must be of handshake and of major version 3; messages may be cut by them in any way.
func (c *Certificate) Flight(stream []byte) Result {
	c.leaf = nil
	n := 0
	for at := 0; ; {
		record, r := nextRecord(stream[at:])
		if r == No {
			return No
		}
		body := stream[min(at+recordHeader, len(stream)):min(at+recordHeader+record, len(stream))]
		n += copy(c.scratch[n:], body)
		at += recordHeader + record
		if found := c.find(c.scratch[:n]); found != More {
			return found
		}
		if n == len(c.scratch) {
			return No
		}
		if r == More {
			return More
		}
	}
}

// find walks the messages to the leaf certificate.
func (c *Certificate) find(messages []byte) Result {
	r := readerOf(messages, maxHello)
	for first := true; ; first = false {
		kind, length := r.uint(1), r.uint(3)
		r.require(first == (kind == typeServerHello))
		switch {
		case r.result != Yes:
			return r.result
		case kind == typeCertificate:
			return c.take(&r, length)
		case kind != typeServerHello && kind != typeSupplementalData:
			return No
		}
		message := r.take(length)
		if kind == typeServerHello && message != nil && isNewServerHello(message) {
			return No
		}
	}
}

// take reads the list of certificates as far as the first one, the server's own (RFC 5246, section 7.4.2).
func (c *Certificate) take(r *reader, length int) Result {
	list := r.uint(3)
	r.require(list == length-3)
	leaf := r.uint(3)
	r.require(leaf > 0 && leaf <= list-3)
	if bytes := r.take(leaf); bytes != nil {
		c.leaf = bytes
	}
	return r.result
}

// isNewServerHello tells whether a ServerHello, without its header, selects TLS 1.3 (RFC 8446, sections 4.1.3 and 4.2.1). One
// that cannot be read is taken for an old one: what follows it will show.
func isNewServerHello(message []byte) bool {
	r := readerOf(message, len(message))
	r.take(2 + 32)
	r.take(r.uint(1))
	r.take(2 + 1)
	if r.result != Yes || r.left() == 0 {
		return false
	}
	list := r.take(r.uint(2))
	hello := Hello{extensions: list}
	_, ok := hello.extension(extVersions)
	return ok
}

// Names gives the names that the certificate is for to yield, until that returns false: the common names of the subject,
// then the dNSNames of its subjectAltName extension (RFC 5280, sections 4.1.2.6 and 4.2.1.6). They are as in the
// certificate, neither lowered nor checked, a name may come twice, and they are valid until the next Flight. There are
// none before Flight gave Yes, and none behind the place where a certificate is broken.
func (c *Certificate) Names(yield func(name []byte) bool) {
	tbs := derOf(derOf(c.leaf).want(derSequence)).want(derSequence)
	in := derOf(tbs)
	in.skip(derVersion)
	in.want(derInteger)
	in.want(derSequence) // signature
	in.want(derSequence) // issuer
	in.want(derSequence) // validity
	if !commonNames(in.want(derSequence), yield) {
		return
	}
	in.want(derSequence) // public key
	in.skip(derIssuerID)
	in.skip(derSubjectID)
	altNames(derOf(in.want(derExtensions)).want(derSequence), yield)
}

// commonNames walks the name: a sequence of sets of attributes.
func commonNames(subject []byte, yield func(name []byte) bool) (goOn bool) {
	for sets := derOf(subject); sets.more(); {
		for attributes := derOf(sets.want(derSet)); attributes.more(); {
			attribute := derOf(attributes.want(derSequence))
			if string(attribute.want(derOID)) != oidCommonName {
				continue
			}
			kind, value := attribute.next()
			isText := kind == derUTF8 || kind == derPrintable || kind == derTeletex || kind == derIA5
			if isText && len(value) > 0 && !yield(value) {
				return false
			}
		}
	}
	return true
}

func altNames(extensions []byte, yield func(name []byte) bool) {
	for list := derOf(extensions); list.more(); {
		extension := derOf(list.want(derSequence))
		if string(extension.want(derOID)) != oidAltName {
			continue
		}
		extension.skip(derBoolean)
		for names := derOf(derOf(extension.want(derOctets)).want(derSequence)); names.more(); {
			if kind, name := names.next(); kind == derDNSName && len(name) > 0 && !yield(name) {
				return
			}
		}
	}
}
