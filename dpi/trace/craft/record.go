package craft

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
)

// The content types of TLS records.
const (
	TypeCCS         = 20
	TypeAlert       = 21
	TypeHandshake   = 22
	TypeApplication = 23
	TypeHeartbeat   = 24
)

// maxRecord is the largest content of a plain record.
const maxRecord = 1 << 14

// Record is one TLS record of legacy version minor 3.minor.
func Record(kind, minor byte, content []byte) []byte {
	b := []byte{kind, 3, minor}
	b = binary.BigEndian.AppendUint16(b, uint16(len(content)))
	return append(b, content...)
}

// Records puts a ClientHello's message into records, cut at these places of it. A message too long for a record is cut there too. The
// garbled field is one of the first record's header or none.
func Records(m Message, cuts []int, garbled Garbled) (stream []byte, name int) {
	for i := maxRecord; i < len(m.Bytes); i += maxRecord {
		cuts = append(cuts, i)
	}
	cuts = append(cuts, len(m.Bytes))
	slices.Sort(cuts)
	from := 0
	for _, to := range cuts {
		if to <= from || to > len(m.Bytes) {
			continue
		}
		if m.Name >= from && m.Name < to {
			name = len(stream) + 5 + m.Name - from
		}
		stream = append(stream, Record(TypeHandshake, 1, m.Bytes[from:to])...)
		from = to
	}
	switch garbled {
	case GarbledType:
		stream[0] ^= 0x55
	case GarbledVersion:
		stream[1] ^= 0x55
	case GarbledRecordLength:
		stream[4] ^= 0x55
	}
	return stream, name
}

// CCS is a ChangeCipherSpec record.
func CCS() []byte { return Record(TypeCCS, 3, []byte{1}) }

// Application is a record of n bytes of application data.
func Application(r *rand.Rand, n int) []byte { return Record(TypeApplication, 3, Random(r, n)) }

// ServerFlight13 is what a server of TLS 1.3 answers a hello with: ServerHello, ccs, and encrypted records, about n bytes in all.
func ServerFlight13(r *rand.Rand, n int) []byte {
	hello := serverHello(r, 0x1301, []Extension{
		{extVersions, []byte{3, 4}},
		{extShares, append([]byte{0, groupX25519, 0, lengthX25519}, Random(r, lengthX25519)...)},
	})
	b := append(Record(TypeHandshake, 3, hello), CCS()...)
	for rest := max(n-len(b)-5, 64); rest > 0; rest -= maxRecord {
		b = append(b, Application(r, min(rest, maxRecord))...)
	}
	return b
}

func serverHello(r *rand.Rand, suite uint16, extensions []Extension) []byte {
	body := binary.BigEndian.AppendUint16(nil, versionTLS12)
	body = append(body, Random(r, 32)...)
	body = append(append(body, 32), Random(r, 32)...)
	body = binary.BigEndian.AppendUint16(body, suite)
	body = append(body, 0)
	return handshake(2, appendExtensions(body, extensions))
}

func handshake(kind byte, body []byte) []byte {
	return append([]byte{kind, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
}
