package trace

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"dpilab/dpi/trace/craft"
)

// helloWords are the options of a hello.
type helloWords struct {
	craft.Hello
	records []spot
	mss     int
}

func helloPayload(_ *parser, s *scanner) (*payload, error) {
	h := &helloWords{}
	if err := h.named(s); err != nil {
		return nil, err
	}
	return &payload{transport: transportTCP, option: h.option, build: h.build}, nil
}

// named reads the name, or what stands in its place.
func (h *helloWords) named(s *scanner) error {
	switch {
	case s.take("no-sni"):
		h.NoSNI = true
	case s.take("empty-sni"):
	default:
		w := s.next()
		if h.Name = w.text; w.text == "" || len(w.text) > 255 || w.text == "=>" || w.text == "<=" {
			return s.expected(w, "a server name, no-sni or empty-sni")
		}
	}
	return nil
}

func (h *helloWords) option(s *scanner) (ok bool, err error) {
	if ok, err = h.common(s); ok || err != nil {
		return ok, err
	}
	switch {
	case s.take("size"):
		h.Size, err = s.number("a number of bytes", 1, 65000)
	case s.take("records"):
		if s.take("mss") {
			h.mss, err = s.number("a number of bytes", 1, 16384)
		} else if h.records = spots(s); len(h.records) == 0 {
			err = s.expected(s.peek(), "a place such as 813 or sni+3, or mss 100")
		}
	case s.take("garbled"):
		w := s.next()
		if h.Garbled = craft.Garbled(w.text); !slices.Contains(craft.AllGarbled, h.Garbled) {
			err = s.expected(w, fmt.Sprintf("one of %v", craft.AllGarbled))
		}
	default:
		return false, nil
	}
	return true, err
}

// common reads the options that hellos of TLS and QUIC share.
func (h *helloWords) common(s *scanner) (ok bool, err error) {
	switch {
	case s.take("1.2"):
		h.TLS12 = true
	case s.take("1.3"):
		h.TLS12 = false
	case s.take("ech"):
		h.ECH = 186
		if s.isNumber() {
			h.ECH, err = s.number("a number of bytes", 42, 4000)
		}
	case s.take("grease"):
		h.GREASE = true
	case s.take("dot"):
		h.Name += "."
	case s.take("no-sni"):
		h.NoSNI = true
	case s.take("extension"):
		var id, n int
		if id, err = s.number("an extension's number", 0, 65535); err == nil {
			n, err = s.number("a number of bytes", 0, 16000)
		}
		h.Extensions = append(h.Extensions, craft.Extension{ID: uint16(id), Content: slices.Repeat([]byte{0xa5}, n)})
	case s.take("fingerprint"):
		w := s.next()
		switch f := craft.Fingerprint(w.text); f {
		case craft.Chrome, craft.Firefox, craft.Safari, craft.Go:
			h.Fingerprint = f
		default:
			err = s.expected(w, "chrome, firefox, safari or go")
		}
	default:
		return false, nil
	}
	return true, err
}

// build makes the hello; its size is that of the payload, records included.
func (h *helloWords) build(b *building) (content, string) {
	// The natural hello tells where its name is; records take room, of which size is to account.
	seed1, seed2 := b.r.Uint64(), b.r.Uint64()
	fresh := func() *rand.Rand { return rand.New(rand.NewPCG(seed1, seed2)) }
	hello := h.Hello
	headers := 5
	hello.Size = 0
	m, _ := hello.Message(fresh())
	for range 3 { // the number of records depends on the size, and that on the number
		if h.Size > 0 {
			hello.Size = h.Size - headers
			var ok bool
			if m, ok = hello.Message(fresh()); !ok {
				small, _ := h.Hello.Message(fresh())
				return content{}, fmt.Sprintf("a hello of this kind has %d bytes or at least %d, not %d", len(small.Bytes)+headers, len(small.Bytes)+headers+4, h.Size)
			}
		}
		stream, name := craft.Records(m, h.cutsOf(m), h.Garbled)
		if h.Size == 0 || len(stream) == h.Size {
			return content{bytes: stream, name: name, end: name + len(h.Name)}, ""
		}
		headers += len(stream) - h.Size
	}
	return content{}, "no hello of this size has these records"
}

func (h *helloWords) cutsOf(m craft.Message) []int {
	var cuts []int
	for _, x := range h.records {
		cuts = append(cuts, x.in(len(m.Bytes), m.Name, m.Name+len(h.Name)))
	}
	for i := h.mss; h.mss > 0 && i < len(m.Bytes); i += h.mss {
		cuts = append(cuts, i)
	}
	return cuts
}

func flightPayload(_ *parser, s *scanner) (*payload, error) {
	size := 0
	option := func(s *scanner) (bool, error) {
		if !s.take("size") {
			return false, nil
		}
		var err error
		size, err = s.number("a number of bytes", 1, maxPayload)
		return true, err
	}
	switch {
	case s.take("1.3"):
		x := made(transportTCP, func(r *rand.Rand) []byte { return craft.ServerFlight13(r, max(size, 1)) })
		x.option = option
		return x, nil
	case s.take("1.2"):
	default:
		return nil, s.expected(s.peek(), "1.2 NAME or 1.3")
	}
	s.take("certificate")
	var names []string
	for s.more() && !slices.Contains(optionNames, s.peek().text) && !slices.Contains([]string{"=>", "<=", "size", "+"}, s.peek().text) {
		names = append(names, s.next().text)
	}
	if len(names) == 0 {
		return nil, s.expected(s.peek(), "the certificate's names")
	}
	return &payload{transport: transportTCP, option: option, build: func(b *building) (content, string) {
		flight, err := craft.ServerFlight12(b.r, names, size)
		if err != nil {
			return content{}, err.Error()
		}
		return plainContent(flight)
	}}, nil
}

func recordPayload(_ *parser, s *scanner) (*payload, error) {
	w := s.next()
	kind, ok := map[string]byte{
		"ccs": craft.TypeCCS, "alert": craft.TypeAlert, "handshake": craft.TypeHandshake, "application": craft.TypeApplication, "heartbeat": craft.TypeHeartbeat,
	}[w.text]
	if !ok {
		n, err := strconv.ParseUint(w.text, 0, 8)
		if err != nil {
			return nil, s.expected(w, "handshake, alert, ccs, application, heartbeat or a number up to 255")
		}
		kind = byte(n)
	}
	n, err := s.number("a number of bytes", 0, 16384)
	return made(transportTCP, func(r *rand.Rand) []byte { return craft.Record(kind, 3, craft.Random(r, n)) }), err
}
