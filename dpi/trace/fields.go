package trace

import (
	"bytes"
	"net/netip"

	"github.com/miekg/dns"

	"dpilab/dpi/packet"
)

// fieldsOf checks the fields of each packet that came out.
func (j *judging) fieldsOf(x *item, all []*sent) bool {
	for _, s := range all {
		if !j.fields(x, s, s.out) {
			return false
		}
	}
	return true
}

// fields checks what came out; s is the packet that was sent, nil for one of the box's own.
func (j *judging) fields(x *item, s *sent, data []byte) bool {
	if len(x.fields) == 0 {
		return true
	}
	var got, want packet.Packet
	if data == nil || decode(&got, data) != nil {
		return false
	}
	if s == nil && len(j.sent) > 0 {
		s = j.sent[0] // what the box answers is compared with what it answers to
	}
	if s != nil && decode(&want, s.want) != nil {
		return false
	}
	for _, f := range x.fields {
		if !f.holds(&got, &want, s) {
			return false
		}
	}
	return true
}

func (f field) holds(got, want *packet.Packet, s *sent) bool {
	switch f.name {
	case "len":
		return int64(len(got.Payload)) == f.n
	case "from":
		return fits(f.addr, got.Src, got.SrcPort)
	case "to":
		return fits(f.addr, got.Dst, got.DstPort)
	}
	a, b := f.pair(got, want)
	if f.same {
		return s != nil && a == b
	}
	n := uint32(f.n)
	if s != nil && (f.name == "seq" || f.name == "ack") {
		// Relative to the first of the side whose number it is.
		from := End(0)
		if got.Src == packet.Bytes(s.flow.ends[Server].Addr()) {
			from = Server
		}
		if f.name == "ack" {
			from = from.Other()
		}
		n += s.flow.side[from].first
	}
	return a == n
}

func (f field) pair(got, want *packet.Packet) (a, b uint32) {
	switch f.name {
	case "seq":
		return got.Seq, want.Seq
	case "ack":
		return got.Ack, want.Ack
	case "ttl":
		return uint32(got.TTL), uint32(want.TTL)
	case "ip-id":
		return uint32(got.IPID), uint32(want.IPID)
	}
	return uint32(got.Window), uint32(want.Window)
}

func fits(want netip.AddrPort, addr [16]byte, port uint16) bool {
	return (!want.Addr().IsValid() || packet.Bytes(want.Addr()) == addr) && (want.Port() == 0 || want.Port() == port)
}

// near compares what came back.
func (j *judging) near(items []item) {
	left := len(j.back)
	for i := range items {
		x := &items[i]
		if x.kind == isAny {
			return
		}
		n := 0
		for _, data := range j.back {
			if j.isBack(x, data) {
				n++
			}
		}
		if x.share {
			key := shareKey{j.line, 1000 + i}
			if j.result.shares[key] == nil {
				j.result.shares[key] = &share{item: *x, text: j.text}
			}
			j.result.shares[key].hit += n
			j.result.shares[key].of += len(j.sent)
		} else {
			j.require(x.count(n))
		}
		left -= n
	}
	j.require(left <= 0)
}

func (j *judging) isBack(x *item, data []byte) bool {
	var p packet.Packet
	if decode(&p, data) != nil {
		return false
	}
	switch x.kind {
	case isDNS:
		m := new(dns.Msg)
		if p.Protocol != packet.UDP || m.Unpack(p.Payload) != nil || !m.Response {
			return false
		}
		return x.answers(m)
	case isHTTP:
		if p.Protocol != packet.TCP || !bytes.HasPrefix(p.Payload, []byte("HTTP/1.")) || len(p.Payload) < 12 {
			return false
		}
		code := int(p.Payload[9]-'0')*100 + int(p.Payload[10]-'0')*10 + int(p.Payload[11]-'0')
		return code == x.code && bytes.Contains(p.Payload, []byte(x.url))
	}
	return tcpFlags(data) == int(x.flags) && j.fields(x, nil, data)
}

func (x *item) answers(m *dns.Msg) bool {
	if !x.addr.IsValid() {
		return m.Rcode == x.code
	}
	for _, rr := range m.Answer {
		switch a := rr.(type) {
		case *dns.A:
			if got, ok := netip.AddrFromSlice(a.A.To4()); ok && got == x.addr {
				return true
			}
		case *dns.AAAA:
			if got, ok := netip.AddrFromSlice(a.AAAA); ok && got == x.addr {
				return true
			}
		}
	}
	return false
}
