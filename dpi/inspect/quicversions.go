package inspect

// The versions of QUIC whose Initials can be read.
const (
	QUICv1      = 1          // RFC 9000
	QUICv2      = 0x6b3343cf // RFC 9369
	QUICDraft29 = 0xff00001d // draft-ietf-quic-transport-29
)

// QUICVersions is a set of versions of QUIC. The zero value stands for version 1 alone.
type QUICVersions uint8

// The members of a set.
const (
	ReadQUICv1 QUICVersions = 1 << iota
	ReadQUICv2
	ReadQUICDraft29
)

// QUICOptions says what a box's reader of Initials can do. The zero value is the box since the summer of 2022 (spec B11;
// NTC1823/69, C): version 1, the hello put together, and what follows the QUIC packets in a datagram does no harm.
type QUICOptions struct {
	Versions QUICVersions // whose Initials are decrypted
	// Lone reads one CRYPTO frame a datagram, at offset 0, which must hold the whole hello (choice: no source tells what the
	// box of spring 2022 did with a part). Otherwise the frames of all Initials of the flow are put together, in any order.
	Lone bool
	// Bare refuses a datagram in which nothing but zero bytes follows the QUIC packets, outside of the encryption, as Firefox
	// sent in 2022 (NTC1823/32 and 42, C).
	Bare bool
}

// quicVersion is how the Initials of a version differ from those of others.
type quicVersion struct {
	number            uint32
	member            QUICVersions
	initial           int // the type bits of an Initial
	retry             int // those of a Retry, which has no length
	salt, key, iv, hp string
}

// RFC 9001, section 5.2; RFC 9369, sections 3.2 and 3.3; draft-ietf-quic-tls-29, section 5.2.
var quicVersions = [...]quicVersion{
	{QUICv1, ReadQUICv1, 0, 3, "\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a", "quic key", "quic iv", "quic hp"},
	{QUICv2, ReadQUICv2, 1, 0, "\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9", "quicv2 key", "quicv2 iv", "quicv2 hp"},
	{QUICDraft29, ReadQUICDraft29, 0, 3, "\xaf\xbf\xec\x28\x99\x93\xd2\x4c\x9e\x97\x86\xf1\x9c\x61\x11\xe0\x43\x90\xa8\x99", "quic key", "quic iv", "quic hp"},
}

// versionOf gives the version of a packet with a long header and the fixed bit; nil for one that is not in the set.
func (s QUICVersions) versionOf(payload []byte) *quicVersion {
	number, ok := QUICVersion(payload)
	if !ok || payload[0]&0x40 == 0 {
		return nil
	}
	if s == 0 {
		s = ReadQUICv1
	}
	for i := range quicVersions {
		if v := &quicVersions[i]; v.number == number && v.member&s != 0 {
			return v
		}
	}
	return nil
}

// looksInitial tells whether a datagram begins like an Initial of one of the versions, readable or not.
func (s QUICVersions) looksInitial(payload []byte) bool {
	v := s.versionOf(payload)
	return v != nil && int(payload[0]>>4&3) == v.initial
}
