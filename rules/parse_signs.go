package rules

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"dpilab/internal/strictyaml"
)

const (
	extensionForm = "an extension such as 0xfe0d, or with its length 0xfe02/20"
	payloadForm   = `bytes at places of a payload, such as "0: 16 fe fd, 0x5a: 1d 00 17"`
)

// readExtension reads 0xfe02 or 0xfe02/20.
func readExtension(n strictyaml.Node) (Extension, error) {
	s, _ := n.Word()
	number, length, sized := strings.Cut(s, "/")
	id, ok := hexNumber(number)
	if !ok {
		return Extension{}, n.Expected(extensionForm)
	}
	e := Extension{ID: uint16(id), Length: -1}
	if sized {
		if e.Length, ok = whole(length, 0, 65535); !ok {
			return Extension{}, n.Expected(extensionForm)
		}
	}
	return e, nil
}

// hexNumber reads 0x and up to four digits.
func hexNumber(s string) (int, bool) {
	digits, ok := strings.CutPrefix(s, "0x")
	v, err := strconv.ParseUint(digits, 16, 16)
	return int(v), ok && err == nil
}

// readPayload keeps what is written, in one form for the same stretches.
func readPayload(n strictyaml.Node) (Payload, error) {
	s, err := n.Text(payloadForm)
	if err != nil {
		return Payload{}, err
	}
	all, err := parseStretches(s)
	if err != nil {
		return Payload{}, n.Fail("%s", err)
	}
	return Payload{writeStretches(all)}, nil
}

// Bounds of what a payload condition may ask for: enough for any signature that is known, little enough for every packet.
const (
	maxStretches = 8
	maxStretch   = 64
)

// parseStretches reads "0: 16 fe fd, 0x5a: 1d 00 17": places in decimal or with 0x, bytes as two digits each. The order of the
// stretches does not matter; two of them must not overlap.
func parseStretches(text string) ([]Stretch, error) {
	var all []Stretch
	for part := range strings.SplitSeq(text, ",") {
		place, digits, ok := strings.Cut(part, ":")
		at, number := whole(strings.TrimSpace(place), 0, 65535)
		if !number {
			at, number = hexNumber(strings.TrimSpace(place))
		}
		bytes, err := parseBytes(digits)
		if !ok || !number || err != nil {
			return nil, fmt.Errorf("found %q, expected %s", strings.TrimSpace(part), payloadForm)
		}
		s := Stretch{at, bytes}
		i := len(all)
		for i > 0 && all[i-1].At > at {
			i--
		}
		if i > 0 && all[i-1].At+len(all[i-1].Bytes) > at || i < len(all) && at+len(bytes) > all[i].At {
			return nil, fmt.Errorf("found %q, which overlaps another stretch, expected stretches apart", strings.TrimSpace(part))
		}
		all = append(all[:i], append([]Stretch{s}, all[i:]...)...)
		if len(all) > maxStretches {
			return nil, fmt.Errorf("found more than %d stretches, expected fewer", maxStretches)
		}
	}
	return all, nil
}

func parseBytes(digits string) ([]byte, error) {
	var all []byte
	for _, two := range strings.Fields(digits) {
		b, err := hex.DecodeString(two)
		if err != nil || len(b) != 1 {
			return nil, fmt.Errorf("no byte: %q", two)
		}
		all = append(all, b[0])
	}
	if len(all) == 0 || len(all) > maxStretch {
		return nil, fmt.Errorf("%d bytes", len(all))
	}
	return all, nil
}

func writeStretches(all []Stretch) string {
	parts := make([]string, len(all))
	for i, s := range all {
		parts[i] = fmt.Sprintf("%d: % x", s.At, s.Bytes)
	}
	return strings.Join(parts, ", ")
}
