package trace

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"dpilab/dpi/packet"
)

// story says what came of a line, in the words of expectations.
func (h *happening) story() string {
	var parts []string
	for i := 0; i < len(h.sent); {
		word, n := h.sent[i].word(), 1
		for i+n < len(h.sent) && h.sent[i+n].word() == word {
			n++
		}
		text := word
		if len(h.sent) > 1 {
			text = fmt.Sprintf("%d %s", n, word)
		}
		if len(parts) == 8 {
			parts = append(parts, "...")
			break
		}
		if i > 0 {
			text = "then " + text
		}
		parts = append(parts, text)
		i += n
	}
	if len(h.released) > 0 {
		parts = append(parts, fmt.Sprintf("%d released (%s)", len(h.released), h.released[0].word()))
	}
	for _, data := range h.extra {
		parts = append(parts, "+ "+describe(data))
	}
	text := "=> " + strings.Join(parts, ", ")
	if len(parts) == 0 {
		text = "=> nothing"
	}
	if ip, payload := h.bytes(); len(h.sent) > 1 && h.end > h.begin {
		s := h.duration().Seconds()
		text += fmt.Sprintf(" (%d bytes in %s: %.1f kbit, goodput %.0f B/s)", payload, h.duration(), float64(ip)/s/125, float64(payload)/s)
	}
	if len(h.back) > 0 {
		var all []string
		for _, data := range h.back {
			all = append(all, describe(data))
		}
		text += " <= " + strings.Join(all, ", ")
	}
	if len(h.hits) > 0 {
		text += " (hit " + strings.Join(h.hits, ", ") + ")"
	}
	return text
}

func (s *sent) word() string {
	switch {
	case s.exact():
		return "passed"
	case s.passed():
		return fmt.Sprintf("passed ttl %d", ttlOf(s.out))
	case s.out != nil:
		return "rewritten: " + describe(s.out)
	case s.dies:
		return "expired"
	}
	return "dropped"
}

// describe says what a packet is.
func describe(data []byte) string {
	var p packet.Packet
	if decode(&p, data) != nil {
		return fmt.Sprintf("%d broken bytes", len(data))
	}
	text := ""
	switch {
	case p.Protocol == packet.TCP && p.HasTransport:
		text = fmt.Sprintf("%s len %d seq =%d", flagText(p.Flags), len(p.Payload), p.Seq)
	case p.Protocol == packet.UDP && p.HasTransport:
		text = fmt.Sprintf("udp len %d", len(p.Payload))
		m := new(dns.Msg)
		if (p.SrcPort == 53 || p.DstPort == 53) && m.Unpack(p.Payload) == nil {
			text = "dns " + strings.ToLower(dns.RcodeToString[m.Rcode])
		}
	default:
		text = fmt.Sprintf("protocol %d len %d", p.Protocol, len(p.Payload))
	}
	return fmt.Sprintf("%s ttl %d from %s to %s", text, p.TTL, packet.AddrOf(p.Src), packet.AddrOf(p.Dst))
}
