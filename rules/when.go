package rules

// Condition is what a rule looks for: the fields are joined by and, the values of one field by or.
// The zero Condition asks for nothing.
type Condition struct {
	SNI, Host, Query []string // names of lists, or patterns as in a list
	Certificate      []string // the same; the server's certificate has such a name
	JA3, JA4         []string // the same, of fingerprints
	To, From         []string // names of lists, or prefixes
	Protocol         []Protocol
	Transport        []Transport
	Port, SourcePort []Range
	Opened           Side
	Hello            []HelloKind
	ECH              *bool
	QUIC             []QUICVersion
	Size             []Range     // bytes of the first payload
	Extension        []Extension // of the ClientHello
	Payload          []Payload   // of one packet that is looked at, either way
	Trick            []Trick
}

// Extension is an extension of a ClientHello.
type Extension struct {
	ID     uint16
	Length int // bytes of its content; -1: any
}

// Payload is what stands at places of one packet's payload; all of its stretches must be there.
type Payload struct {
	Stretches string // as a file has them: "0: 16 fe fd, 90: 1d 00 17"
}

// Stretch is bytes at an offset of a packet's payload.
type Stretch struct {
	At    int
	Bytes []byte
}

// Trick is a way to hide from a box, or the look of something that hides, that a box may notice (B16, B23).
type Trick uint8

// TrickSplit: the first request or hello came in more than one segment. TrickRecords: the hello came in more than one TLS record.
// TrickID: two packets with payload from inside have the same IP-ID, which is not 0. TrickWindow, TrickChecksum, TrickMD5, TrickTimestamp, TrickTTL: a
// packet with payload from inside that a server would not accept, or that may not reach it, as Fooled tells them apart (TTL: below
// 16 and lower than the flow's first packet had it by more than 4: choice). TrickFake: one of these, and it held a ClientHello or an Initial.
// TrickEncrypted: Profile.Encrypted.
const (
	TrickSplit Trick = iota
	TrickRecords
	TrickID
	TrickWindow
	TrickChecksum
	TrickMD5
	TrickTimestamp
	TrickTTL
	TrickFake
	TrickEncrypted
	TrickCount = iota
)

var trickNames = [...]string{"split", "records", "repeated id", "window", "checksum", "md5", "timestamp", "ttl", "fake", "encrypted"}

// String gives the word that policy files use.
func (t Trick) String() string { return word(trickNames[:], int(t)) }
