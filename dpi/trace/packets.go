package trace

import (
	"net/netip"
	"strings"
	"time"
)

// The TCP flags and transports, as IP names them.
const (
	flagFIN = 1 << iota
	flagSYN
	flagRST
	flagPSH
	flagACK
	flagURG
	flagECE
	flagCWR
)

const (
	transportICMP = 1
	transportTCP  = 6
	transportUDP  = 17
)

// number is a number and what it counts from.
type number struct {
	value int64
	mode  byte // 0: not given; 'r': from the side's first; '+': from where it would be; '=': absolute
}

// packets is a line with > or <.
type packets struct {
	from      End
	fake      bool
	again     bool
	times     int
	every     time.Duration
	transport uint8 // 0: as the flow has it
	flags     int   // -1: the default
	payloads  []*payload
	words     string // of the payloads, which tell parts of one from those of another

	seq, ack    number
	timestamp   *number
	window      int // -1: the default
	ttls        []uint8
	id          int // -1: counted
	mss, wscale int // -1: none
	sack, md5   bool
	badChecksum bool
	src, dst    netip.AddrPort

	cuts     []spot
	cutMSS   int
	reversed bool
	order    []int
	twice    bool
	overlap  int
	part     []spot // from and to
	with     string

	fragments  int   // the packet is cut into so many
	fragmentAt []int // or at these bytes
	fragment   int   // only this one, from 1
	stretch    []int // or only these bytes; the second is -1 for the end
}

func newPackets(from End) *packets {
	return &packets{from: from, times: 1, flags: -1, window: -1, id: -1, mss: -1, wscale: -1}
}

// packetLine reads > or < and all behind it; first is empty where a count comes first.
func (p *parser) packetLine(first string, s *scanner, l line, sc scope) error {
	d := newPackets(Client)
	var err error
	if first == "" {
		if err = d.count(s); err != nil {
			return err
		}
		w := s.next()
		if first = w.text; first != ">" && first != "<" {
			return s.expected(w, "> or <")
		}
	}
	if first == "<" {
		d.from = Server
	}
	if d.fake = s.take("fake"); s.isNumber() {
		if err = d.count(s); err != nil {
			return err
		}
	}
	d.fake = s.take("fake") || d.fake
	switch {
	case s.take("udp"):
		d.transport = transportUDP
	case s.take("tcp"):
		d.transport = transportTCP
	}
	if s.take("again") {
		d.again = true
	} else if err = p.what(d, s); err != nil {
		return err
	}
	if err = p.options(d, s); err != nil {
		return err
	}
	if err = d.fits(s); err != nil {
		return err
	}
	return p.add(event{line: l.number, do: d}, s, sc)
}

func (d *packets) count(s *scanner) (err error) {
	if d.times, err = s.number("a number of packets", 1, maxEvents); err == nil && !s.take("x") {
		err = s.expected(s.peek(), "x: as in 40 x data 1200")
	}
	return err
}

// what reads flags and payloads.
func (p *parser) what(d *packets, s *scanner) error {
	w := s.peek()
	if flags, ok := flagsOf(w.text); ok || w.text == "none" {
		d.flags = int(flags)
		s.i++
	}
	start := s.i
	for {
		x, err := p.payload(s)
		if err != nil {
			return err
		}
		if x == nil {
			if len(d.payloads) > 0 || d.flags < 0 {
				return s.expected(s.peek(), "flags such as syn,ack or a payload such as data 100")
			}
			return nil
		}
		d.payloads = append(d.payloads, x)
		// The payload's options may stand between those of the packet: options reads them.
		d.words = wordsOf(s.words[start:s.i])
		if d.transport == 0 {
			d.transport = x.transport
		}
		if !s.take("+") {
			return nil
		}
	}
}

func wordsOf(words []word) string {
	var b strings.Builder
	for _, w := range words {
		b.WriteString(w.text)
		b.WriteByte(' ')
	}
	return b.String()
}

// fits checks that the options go together.
func (d *packets) fits(s *scanner) error {
	cut := len(d.cuts) > 0 || d.cutMSS > 0
	fragmented := d.fragments > 0 || d.fragmentAt != nil || d.stretch != nil
	last := word{at: s.peek().at, text: "this line"}
	switch {
	case (d.overlap > 0) && !cut:
		return s.expected(last, "cut with overlap")
	case (d.reversed || d.twice || d.order != nil) && !cut && !fragmented:
		return s.expected(last, "cut or fragments with reversed, order and twice")
	case cut && d.part != nil:
		return s.expected(last, "cut or bytes, not both")
	case d.part != nil && len(d.payloads) == 0 || cut && len(d.payloads) == 0:
		return s.expected(last, "a payload that is cut")
	case d.with != "" && d.part == nil:
		return s.expected(last, "bytes A..B with "+d.with)
	}
	for _, x := range d.payloads {
		if x.datagrams && (cut || d.part != nil || len(d.payloads) > 1) {
			return s.expected(last, "a whole payload of QUIC, which has cuts of its own")
		}
	}
	return nil
}
