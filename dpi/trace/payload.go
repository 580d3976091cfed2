package trace

import (
	"encoding/hex"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"

	"dpilab/dpi/trace/craft"
	"dpilab/internal/strictyaml"
)

// payload is what a packet carries, as it is named.
type payload struct {
	transport uint8
	datagrams bool // may give more than one
	option    func(s *scanner) (bool, error)
	build     func(b *building) (content, string)
}

// more reads one option of the payload; false for a word that is none.
func (x *payload) more(s *scanner) (bool, error) {
	if x.option == nil {
		return false, nil
	}
	return x.option(s)
}

// building is what a payload is made with.
type building struct {
	r      *rand.Rand
	framed bool   // over TCP: a length comes before messages of datagrams
	id     uint16 // of the flow's DNS messages
}

// content is a payload that was made; the string beside it says why it could not be, or is empty.
type content struct {
	bytes     []byte
	name, end int      // the server name's place
	rest      [][]byte // further datagrams
}

func plainContent(b []byte) (content, string) { return content{bytes: b}, "" }

// kinds are the words that payloads begin with.
var kinds map[string]func(p *parser, s *scanner) (*payload, error)

func init() {
	kinds = map[string]func(p *parser, s *scanner) (*payload, error){
		"data":        sized(craft.Data),
		"random":      sized(craft.Random),
		"zeros":       sized(func(_ *rand.Rand, n int) []byte { return make([]byte, n) }),
		"application": sized(craft.Application),
		"hex":         hexPayload,
		"text":        textPayload,
		"http":        httpPayload,
		"hello":       helloPayload,
		"flight":      flightPayload,
		"ccs":         fixed(transportTCP, func(*rand.Rand) []byte { return craft.CCS() }),
		"finished": fixed(transportTCP, func(r *rand.Rand) []byte {
			return append(craft.CCS(), craft.Record(craft.TypeHandshake, 3, craft.Random(r, 40))...)
		}),
		"record":     recordPayload,
		"ssh":        fixed(transportTCP, func(*rand.Rand) []byte { return []byte("SSH-2.0-OpenSSH_9.6\r\n") }),
		"socks":      socksPayload,
		"whatsapp":   fixed(transportTCP, craft.WhatsApp),
		"bittorrent": bittorrentPayload,
		"quic":       quicPayload,
		"dtls":       dtlsPayload,
		"stun":       stunPayload,
		"wireguard":  wireguardPayload,
		"openvpn":    openvpnPayload,
		"ike":        ikePayload,
		"l2tp":       fixed(transportUDP, craft.L2TP),
		"dns":        dnsPayload,
		"icmp":       icmpPayload,
	}
}

// payload reads one; nil where the next word begins none.
func (p *parser) payload(s *scanner) (*payload, error) {
	w := s.peek()
	kind, ok := kinds[w.text]
	if !ok || w.quoted {
		if w.text != "" && len(s.words[s.i-1].text) > 0 && s.words[s.i-1].text == "+" {
			return nil, s.expected(w, "a payload")
		}
		if _, isOption := map[string]bool{"=>": true, "<=": true, "": true}[w.text]; isOption {
			return nil, nil
		}
		for _, name := range optionNames {
			if w.text == name {
				return nil, nil
			}
		}
		names := slices.Concat(flagNames, slices.Sorted(maps.Keys(kinds)), optionNames)
		return nil, fail(p.file, w.at, "found %q, expected flags, a payload or an option%s", w.text, strictyaml.Suggest(w.text, names))
	}
	s.i++
	return kind(p, s)
}

const maxPayload = 64 << 10

func sized(build func(*rand.Rand, int) []byte) func(*parser, *scanner) (*payload, error) {
	return func(_ *parser, s *scanner) (*payload, error) {
		n, err := s.number("a number of bytes", 0, maxPayload)
		return &payload{build: func(b *building) (content, string) { return plainContent(build(b.r, n)) }}, err
	}
}

func fixed(transport uint8, build func(*rand.Rand) []byte) func(*parser, *scanner) (*payload, error) {
	return func(*parser, *scanner) (*payload, error) { return made(transport, build), nil }
}

func made(transport uint8, build func(*rand.Rand) []byte) *payload {
	return &payload{transport: transport, build: func(b *building) (content, string) { return plainContent(build(b.r)) }}
}

// message is a payload of a datagram, which has a length before it over TCP.
func message(build func(*building) []byte) *payload {
	return &payload{transport: transportUDP, build: func(b *building) (content, string) {
		m := build(b)
		if m == nil {
			return content{}, "the payload cannot be made"
		}
		if b.framed {
			m = craft.Framed(m)
		}
		return plainContent(m)
	}}
}

func hexPayload(_ *parser, s *scanner) (*payload, error) {
	var all []byte
	for s.more() {
		b, err := hex.DecodeString(s.peek().text)
		if err != nil || len(b) == 0 || s.peek().quoted {
			break
		}
		all = append(all, b...)
		s.i++
	}
	if len(all) == 0 {
		return nil, s.expected(s.peek(), "bytes such as 16 fe fd")
	}
	return made(0, func(*rand.Rand) []byte { return all }), nil
}

func textPayload(_ *parser, s *scanner) (*payload, error) {
	w := s.next()
	if !w.quoted {
		return nil, s.expected(w, "a text in quotes")
	}
	return made(0, func(*rand.Rand) []byte { return []byte(w.text) }), nil
}

func httpPayload(p *parser, s *scanner) (*payload, error) {
	w := s.next()
	if code, err := strconv.Atoi(w.text); err == nil && code >= 100 && code <= 999 {
		n, location := 0, ""
		if s.isNumber() {
			if n, err = s.number("a number of bytes", 0, maxPayload); err != nil {
				return nil, err
			}
		} else if code/100 == 3 {
			location = s.next().text
		}
		return made(transportTCP, func(*rand.Rand) []byte { return craft.Response(code, location, n) }), nil
	}
	if w.text == "" || s.peek().text == "" {
		return nil, s.expected(s.peek(), "GET HOST, HEAD HOST, POST HOST, CONNECT HOST:PORT or a code such as 200")
	}
	target, padding, body := s.next().text, 0, 0
	x := made(transportTCP, func(*rand.Rand) []byte { return craft.Request(w.text, target, padding, body) })
	x.option = func(s *scanner) (ok bool, err error) {
		switch {
		case s.take("padding"):
			padding, err = s.number("a number of bytes", 1, maxPayload)
		case s.take("body"):
			body, err = s.number("a number of bytes", 1, maxPayload)
		default:
			return false, nil
		}
		return true, err
	}
	return x, nil
}

func dnsPayload(_ *parser, s *scanner) (*payload, error) {
	verb := s.next()
	if verb.text != "query" && verb.text != "answer" {
		return nil, s.expected(verb, "query or answer")
	}
	name := s.next()
	if name.text == "" {
		return nil, s.expected(name, "a name")
	}
	kind := "A"
	switch t := s.peek().text; t {
	case "A", "AAAA", "TXT", "HTTPS", "NS", "SOA", "ANY", "CNAME", "MX":
		kind = t
		s.i++
	}
	if verb.text == "query" {
		return message(func(b *building) []byte { return craft.Query(b.id, name.text, kind) }), nil
	}
	w := s.next()
	code, ok := map[string]int{"nxdomain": 3, "refused": 5, "servfail": 2, "empty": 0}[w.text]
	var address netip.Addr
	if !ok {
		var err error
		if address, err = netip.ParseAddr(w.text); err != nil {
			return nil, s.expected(w, "an address, nxdomain, refused, servfail or empty")
		}
		if address.Is6() && kind == "A" {
			kind = "AAAA"
		}
	}
	return message(func(b *building) []byte { return craft.Answer(b.id, name.text, kind, code, address) }), nil
}
