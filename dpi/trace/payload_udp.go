package trace

import (
	"math/rand/v2"
	"slices"

	"dpilab/dpi/trace/craft"
)

func quicPayload(_ *parser, s *scanner) (*payload, error) {
	switch {
	case s.take("short"):
		n, err := s.number("a number of bytes", 1, 65000)
		return made(transportUDP, func(r *rand.Rand) []byte { return craft.QUICShort(r, n) }), err
	case s.take("server"):
		n, err := s.number("a number of bytes", 1, 16000)
		return made(transportUDP, func(r *rand.Rand) []byte { return craft.QUICServer(r, craft.QUICv1, n) }), err
	case s.take("negotiation"):
		return made(transportUDP, craft.QUICNegotiation), nil
	case s.take("initial"):
	default:
		return nil, s.expected(s.peek(), "initial, short, server or negotiation")
	}
	h, q := &helloWords{}, &craft.Initial{Version: craft.QUICv1}
	if err := h.named(s); err != nil {
		return nil, err
	}
	option := func(s *scanner) (bool, error) {
		if ok, err := h.common(s); ok || err != nil {
			return ok, err
		}
		return initialOption(q, s)
	}
	return &payload{transport: transportUDP, datagrams: true, option: option, build: func(b *building) (content, string) {
		initial := *q
		initial.Hello = h.Hello
		all := initial.Payloads(b.r)
		if len(all) == 0 {
			return content{}, "the datagram is too small or too large for this Initial"
		}
		return content{bytes: all[0], rest: all[1:]}, ""
	}}, nil
}

func initialOption(q *craft.Initial, s *scanner) (ok bool, err error) {
	switch {
	case s.take("size"):
		q.Size, err = s.number("a number of bytes", 50, 16000)
	case s.take("datagrams"):
		q.Datagrams, err = s.number("a number of datagrams", 1, 50)
	case s.take("frames"):
		q.Frames, err = s.number("a number of frames", 1, 100)
	case s.take("shuffled"):
		q.Shuffled = true
	case s.take("flipped"):
		q.Flipped = true
	case s.take("outside"):
		q.Outside, err = s.number("a number of bytes", 1, 16000)
	case s.take("version"):
		switch {
		case s.take("v1"):
			q.Version = craft.QUICv1
		case s.take("v2"):
			q.Version = craft.QUICv2
		case s.take("draft-29"):
			q.Version = craft.QUICDraft29
		default:
			var n int
			n, err = s.number("v1, v2, draft-29 or a number", 0, 1<<32-1)
			q.Version = uint32(n)
		}
	default:
		return false, nil
	}
	return true, err
}

func dtlsPayload(_ *parser, s *scanner) (*payload, error) {
	switch {
	case s.take("verify"):
		return made(transportUDP, craft.DTLSVerify), nil
	case s.take("application"):
		n, err := s.number("a number of bytes", 0, 16384)
		return made(transportUDP, func(r *rand.Rand) []byte { return craft.DTLSApplication(r, n) }), err
	case s.take("server-hello"):
		at := 0
		return &payload{transport: transportUDP, option: groupsAt(&at), build: func(b *building) (content, string) {
			hello := craft.DTLSServerHello(b.r, at)
			if hello == nil {
				return content{}, "the groups cannot stand there"
			}
			return plainContent(hello)
		}}, nil
	case s.take("hello"):
	default:
		return nil, s.expected(s.peek(), "hello, server-hello, verify or application")
	}
	h := &craft.DTLSHello{}
	if w := s.peek(); w.text != "" && !slices.Contains(append([]string{"=>", "<=", "1.3", "groups", "fingerprint"}, optionNames...), w.text) {
		h.Name = s.next().text
	}
	groups := groupsAt(&h.GroupsAt)
	option := func(s *scanner) (bool, error) {
		switch {
		case s.take("1.3"):
			h.DTLS13 = true
		case s.take("fingerprint"):
			w := s.next()
			if h.Fingerprint = w.text; !slices.Contains([]string{"pion", "browser", "random"}, w.text) {
				return true, s.expected(w, "pion, browser or random")
			}
		default:
			return groups(s)
		}
		return true, nil
	}
	return &payload{transport: transportUDP, option: option, build: func(b *building) (content, string) {
		hello, ok := h.Datagram(b.r)
		if !ok {
			return content{}, "the groups cannot stand there"
		}
		return plainContent(hello)
	}}, nil
}

func groupsAt(at *int) func(*scanner) (bool, error) {
	return func(s *scanner) (bool, error) {
		if !s.take("groups") {
			return false, nil
		}
		if !s.take("at") {
			return true, s.expected(s.peek(), "at: as in groups at 0x5a")
		}
		var err error
		*at, err = s.number("a place", 1, 1400)
		return true, err
	}
}

func stunPayload(_ *parser, s *scanner) (*payload, error) {
	w, n := s.next(), 0
	var err error
	switch w.text {
	case "binding", "answer", "indication":
	case "data":
		n, err = s.number("a number of bytes", 0, 65000)
	default:
		return nil, s.expected(w, "binding, answer, indication or data")
	}
	return made(transportUDP, func(r *rand.Rand) []byte { return craft.STUN(r, w.text, n) }), err
}

func wireguardPayload(_ *parser, s *scanner) (*payload, error) {
	w, n := s.next(), 0
	var err error
	kind := map[string]byte{"init": 1, "response": 2, "cookie": 3, "data": 4, "keepalive": 4}[w.text]
	if kind == 0 {
		return nil, s.expected(w, "init, response, cookie, data or keepalive")
	}
	if w.text == "data" {
		n, err = s.number("a number of bytes", 0, 65000)
	}
	return made(transportUDP, func(r *rand.Rand) []byte { return craft.WireGuard(r, kind, n) }), err
}

func openvpnPayload(_ *parser, s *scanner) (*payload, error) {
	w, n := s.next(), 0
	var err error
	what := w.text
	switch what {
	case "reset":
		for _, kind := range []string{"tls-auth", "tls-crypt", "v3"} {
			if s.take(kind) {
				what += " " + kind
			}
		}
	case "server-reset", "ack":
	case "control", "data", "data-v1":
		n, err = s.number("a number of bytes", 0, 65000)
	default:
		return nil, s.expected(w, "reset, server-reset, ack, control, data or data-v1")
	}
	return message(func(b *building) []byte { return craft.OpenVPN(b.r, what, n) }), err
}

func bittorrentPayload(_ *parser, s *scanner) (*payload, error) {
	what, transport := s.next(), uint8(transportUDP)
	switch what.text {
	case "handshake":
		transport = transportTCP
	case "utp", "dht", "tracker":
	default:
		return nil, s.expected(what, "handshake, utp, dht or tracker")
	}
	return made(transport, func(r *rand.Rand) []byte { return craft.BitTorrent(r, what.text) }), nil
}

func socksPayload(_ *parser, s *scanner) (*payload, error) {
	n, err := s.number("4 or 5,", 4, 5)
	greeting := []byte{5, 1, 0}
	if n == 4 {
		greeting = []byte{4, 1, 1, 187, 203, 0, 113, 2, 0}
	}
	return made(transportTCP, func(*rand.Rand) []byte { return greeting }), err
}

func ikePayload(_ *parser, s *scanner) (*payload, error) {
	v1 := s.take("v1")
	nat := s.take("nat")
	return made(transportUDP, func(r *rand.Rand) []byte { return craft.IKE(r, v1, nat) }), nil
}

// icmpPayload is an echo: whether it asks or answers stands in the first byte, which the packet's builder takes off again.
func icmpPayload(_ *parser, s *scanner) (*payload, error) {
	w, n := s.next(), 56
	if w.text != "echo" && w.text != "reply" {
		return nil, s.expected(w, "echo or reply")
	}
	var err error
	if s.isNumber() {
		n, err = s.number("a number of bytes", 0, 65000)
	}
	kind := byte(len(w.text) - len("echo"))
	return made(transportICMP, func(r *rand.Rand) []byte { return append([]byte{kind}, craft.Random(r, n)...) }), err
}
