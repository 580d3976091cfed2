package service

import (
	"encoding/binary"
	"errors"
	"fmt"
)

var errProtobuf = errors.New("malformed protobuf")

// Fields of the handshake's protobuf messages: HandshakeMessage holds one of the three messages, each message byte
// strings.
const (
	fieldClientHello  = 2
	fieldServerHello  = 3
	fieldClientFinish = 4

	helloEphemeral = 1 // of ClientHello and ServerHello
	helloStatic    = 2
	helloPayload   = 3
	finishStatic   = 1 // of ClientFinish
	finishPayload  = 2
)

// appendField appends a length-delimited protobuf field. Fields up to 15 take a one-byte tag.
func appendField(out []byte, field int, value []byte) []byte {
	out = append(out, byte(field<<3|2))
	out = binary.AppendUvarint(out, uint64(len(value)))
	return append(out, value...)
}

// fieldBytes finds the last length-delimited field of that number in a protobuf message (the last one counts, as the
// encoding demands) and skips others. The message must be well formed to its end. ok is false where the field is
// absent. The result points into msg.
func fieldBytes(msg []byte, field int) (value []byte, ok bool, err error) {
	for len(msg) > 0 {
		tag, n := binary.Uvarint(msg)
		if n <= 0 || tag>>3 == 0 {
			return nil, false, errProtobuf
		}
		msg = msg[n:]
		size, skip := uint64(0), 0
		switch tag & 7 {
		case 0:
			_, skip = binary.Uvarint(msg)
			if skip <= 0 {
				return nil, false, errProtobuf
			}
		case 1:
			skip = 8
		case 5:
			skip = 4
		case 2:
			size, skip = binary.Uvarint(msg)
			if skip <= 0 {
				return nil, false, errProtobuf
			}
		default:
			return nil, false, errProtobuf
		}
		if skip > len(msg) || size > uint64(len(msg)-skip) {
			return nil, false, errProtobuf
		}
		if tag == uint64(field<<3|2) {
			value, ok = msg[skip:skip+int(size)], true
		}
		msg = msg[skip+int(size):]
	}
	return value, ok, nil
}

// part is one byte string of a handshake message.
type part struct {
	field int
	size  int // what it must be, or 0: anything
}

// joinParts looks up message in a HandshakeMessage and joins its parts, in order: together they are the Noise message.
func joinParts(msg []byte, message int, parts ...part) ([]byte, error) {
	inner, ok, err := fieldBytes(msg, message)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("%w: no handshake message %d", errProtobuf, message)
	}
	var noise []byte
	for _, p := range parts {
		value, ok, err := fieldBytes(inner, p.field)
		if err != nil {
			return nil, err
		}
		if !ok || p.size > 0 && len(value) != p.size {
			return nil, fmt.Errorf("%w: handshake message %d, field %d: %d bytes", errProtobuf, message, p.field, len(value))
		}
		noise = append(noise, value...)
	}
	return noise, nil
}
