package inspect

const (
	maxRouting         = 1024
	maxWhatsAppVersion = 0x1f
)

// WhatsApp knows the opening of WhatsApp's chat, a Noise stream without TLS: "WA" and two version bytes (spec B44; the
// captures show 57 41 06 03). Clients that were given a way before put it in front: "ED", 0, 1, a length of three bytes,
// and as many bytes (choice: at most 1024). The version bytes are taken for small numbers, so that text which begins with
// "WA" is none.
func WhatsApp(payload []byte) Result {
	r := readerOf(payload, 4+3+maxRouting+4)
	if len(payload) > 0 && payload[0] == 'E' {
		r.literal("ED\x00\x01")
		n := r.uint(3)
		r.require(n <= maxRouting)
		r.take(n)
	}
	r.literal("WA")
	for range 2 {
		version := r.uint(1)
		r.require(version <= maxWhatsAppVersion)
	}
	return r.result
}

// literal reads s byte by byte, so that the first wrong one settles the result.
func (r *reader) literal(s string) {
	for i := range len(s) {
		b := r.uint(1)
		r.require(b == int(s[i]))
	}
}
