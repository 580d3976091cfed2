// Package inspect takes the first bytes of a flow for what they are: one file a protocol.
//
// The parsers are pure, never panic and do not allocate, save where a comment says so. They are strict, as the box's
// are: an evasion that breaks a field on the wire must not be repaired here. Where a stream is a Yes, it is More or,
// where it was complete before, Yes on each of their prefixes.
package inspect

// Result is what a parser makes of the bytes it has seen.
type Result uint8

// The zero Result is No.
const (
	No   Result = iota // this is not it, and more bytes will not change that
	More               // it could be; more bytes are needed
	Yes                // it is, and all that the parser looks for is there
)

var resultNames = [...]string{"no", "more", "yes"}

// String gives the word for messages.
func (r Result) String() string {
	if int(r) < len(resultNames) {
		return resultNames[r]
	}
	return "?"
}
