package service

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// What opens a WhatsApp chat stream: "WA", the protocol version and the version of the token dictionary. These two are
// what the client in samples/wa_tcp_443.pcap sends; the box's inspector looks at the first two bytes (B44).
const (
	waMagic   = "WA"
	waVersion = 6
	waDict    = 3
)

// edPrefix opens the optional routing data before the WA header, as clients send it on a later visit: "ED", 0, 1, a
// 3-byte length and the data that an earlier session was given.
const edPrefix = "ED\x00\x01"

const (
	maxFrame     = 1<<24 - 1 // all that a 3-byte length can say
	maxHandshake = 64 << 10  // a handshake message; ours are below 1 KiB (choice)
	maxRouting   = 4 << 10   // routing data; real ones are some ten bytes (choice)
)

var (
	errOpening = errors.New("not a WhatsApp chat opening")
	errFrame   = errors.New("frame too long")
)

// readOpening reads the bytes before the first frame: routing data, if there is any, and the WA header. It reads not
// one byte more than these need, and gives up at the first byte that cannot belong to them.
func readOpening(r io.Reader) (header, routing []byte, err error) {
	header = make([]byte, 4)
	if _, err := io.ReadFull(r, header[:2]); err != nil {
		return nil, nil, err
	}
	if string(header[:2]) == edPrefix[:2] {
		if routing, err = readRouting(r); err != nil {
			return nil, nil, err
		}
		if _, err := io.ReadFull(r, header[:2]); err != nil {
			return nil, nil, err
		}
	}
	if string(header[:2]) != waMagic {
		return nil, nil, fmt.Errorf("%w: it starts % x", errOpening, header[:2])
	}
	if _, err := io.ReadFull(r, header[2:]); err != nil {
		return nil, nil, err
	}
	if header[2] != waVersion {
		return nil, nil, fmt.Errorf("%w: protocol version %d", errOpening, header[2])
	}
	return header, routing, nil
}

// readRouting reads what follows "ED".
func readRouting(r io.Reader) ([]byte, error) {
	var rest [5]byte
	if _, err := io.ReadFull(r, rest[:]); err != nil {
		return nil, err
	}
	if string(rest[:2]) != edPrefix[2:] {
		return nil, fmt.Errorf("%w: ED is followed by % x", errOpening, rest[:2])
	}
	n := uint24(rest[2:])
	if n > maxRouting {
		return nil, fmt.Errorf("%w: %d bytes of routing data", errOpening, n)
	}
	routing := make([]byte, n)
	_, err := io.ReadFull(r, routing)
	return routing, err
}

// appendOpening is the inverse of readOpening.
func appendOpening(out, routing []byte) []byte {
	if len(routing) > 0 {
		out = append(out, edPrefix...)
		out = appendUint24(out, len(routing))
		out = append(out, routing...)
	}
	return append(append(out, waMagic...), waVersion, waDict)
}

// readFrame reads one frame: a 3-byte big-endian length and as many bytes, at most limit. The buffer grows with what
// arrives, not with what the length promises.
func readFrame(r io.Reader, limit int) ([]byte, error) {
	var head [3]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := uint24(head[:])
	if n > limit {
		return nil, fmt.Errorf("%w: %d bytes announced, %d allowed", errFrame, n, limit)
	}
	var body bytes.Buffer
	if _, err := io.CopyN(&body, r, int64(n)); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return body.Bytes(), nil
}

// appendFrame appends body as a frame. A body of 16 MiB or more does not fit the length and is refused.
func appendFrame(out, body []byte) ([]byte, error) {
	if len(body) > maxFrame {
		return nil, fmt.Errorf("%w: %d bytes, at most %d fit", errFrame, len(body), maxFrame)
	}
	return append(appendUint24(out, len(body)), body...), nil
}

func uint24(b []byte) int { return int(b[0])<<16 | int(b[1])<<8 | int(b[2]) }

func appendUint24(out []byte, n int) []byte { return append(out, byte(n>>16), byte(n>>8), byte(n)) }
