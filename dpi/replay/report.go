package replay

import (
	"encoding/json"
	"io"
)

// Report is what the box did to a capture. Times are seconds or milliseconds of the capture; bytes are of IP packets.
type Report struct {
	Capture   string         `json:"capture"` // the file's name; the caller's
	Format    string         `json:"format"`  // pcap or pcapng
	Policy    string         `json:"policy"`
	Date      string         `json:"date"` // the policy's
	Seed      uint64         `json:"seed"`
	Start     string         `json:"start"`     // of the first packet, RFC 3339; "" without one
	Seconds   float64        `json:"seconds"`   // from the first packet to the latest
	Checksums string         `json:"checksums"` // auto, as-is or fixed
	Totals    Totals         `json:"totals"`
	Rules     []RuleTotal    `json:"rules"`     // those that hit, in the order of their first hit
	Flows     []*Flow        `json:"flows"`     // in the order of their first packets
	Untouched map[string]int `json:"untouched"` // flows that no rule hit, by protocol; "" where none was recognised
	Notes     []string       `json:"notes"`     // what to know about this capture
	Caveat    string         `json:"caveat"`
	Broken    string         `json:"broken,omitempty"` // why the rest of the file was not read
}

// Caveat is what every report says.
const Caveat = "the capture is what happened then: its ends do not react to what the box does, so nothing that would follow a drop or a reset is in it, and nothing that would be missing is gone"

// Totals count packets of the capture, unless they say otherwise.
type Totals struct {
	Packets   uint64 `json:"packets"`
	Bytes     uint64 `json:"bytes"`    // of frames, as on the wire
	Box       uint64 `json:"box"`      // IP packets that came by the box
	NotIP     uint64 `json:"not_ip"`   // passed
	Beside    uint64 `json:"beside"`   // do not cross the box: passed
	Unknown   uint64 `json:"unknown"`  // of interfaces with a link type that is not understood: passed
	Other     uint64 `json:"other"`    // of other interfaces than the one that was asked for: passed
	Twice     uint64 `json:"twice"`    // seen at another interface just before
	Broken    uint64 `json:"broken"`   // IP packets with impossible headers, which the box got as they are
	Cut       uint64 `json:"cut"`      // by the capture; the box got zeros for the rest
	Large     uint64 `json:"large"`    // more than 1,500 bytes: a card was to cut them
	Mended    uint64 `json:"mended"`   // their checksums were made right for the box
	Earlier   uint64 `json:"earlier"`  // stamped before a packet that came before them
	Accepted  uint64 `json:"accepted"` // out of the box as they came in
	Dropped   uint64 `json:"dropped"`
	Rewritten uint64 `json:"rewritten"`
	Late      uint64 `json:"late"`      // of all that came out: held by the box for a time
	Held      uint64 `json:"held"`      // still held at the end: not in what comes out
	Sent      uint64 `json:"sent"`      // packets of the box's own
	Flows     int    `json:"flows"`     // all
	Hit       int    `json:"hit"`       // flows that a rule hit
	Forgotten int    `json:"forgotten"` // flows that are not listed, since there were too many
}

// RuleTotal is what one rule did.
type RuleTotal struct {
	Rule      string `json:"rule"`
	Policy    string `json:"policy"` // that it was written in
	Mechanism string `json:"mechanism"`
	Source    string `json:"source"`
	Flows     int    `json:"flows"` // hits
	Dropped   uint64 `json:"dropped"`
	Rewritten uint64 `json:"rewritten"`
	Sent      uint64 `json:"sent"`
}

// Flow is one flow of the capture: packets of a 5-tuple, from one opening SYN to the next.
type Flow struct {
	Number    int       `json:"number"`    // in the order of first packets, from 1
	Seconds   float64   `json:"seconds"`   // of its first packet, from the capture's
	Transport string    `json:"transport"` // tcp, udp, icmp, or the number
	Client    string    `json:"client"`    // that opened it: address and port
	Server    string    `json:"server"`
	Opened    string    `json:"opened"`             // inside or outside: where the client is
	Protocol  string    `json:"protocol,omitempty"` // tls, quic, http, dns ...
	Name      string    `json:"name,omitempty"`     // SNI, host or query
	JA4       string    `json:"ja4,omitempty"`      // of the ClientHello
	Verdicts  []Verdict `json:"verdicts,omitempty"` // at most 8
	Up        Traffic   `json:"up"`
	Down      Traffic   `json:"down"`
	Events    []Event   `json:"events,omitempty"` // with Options.Story

}

// Traffic is what went in and out in one direction.
type Traffic struct {
	Packets    uint64 `json:"packets"` // in
	Bytes      uint64 `json:"bytes"`
	PacketsOut uint64 `json:"packets_out"` // with those of the box's own
	BytesOut   uint64 `json:"bytes_out"`
	Dropped    uint64 `json:"dropped"`
	Rewritten  uint64 `json:"rewritten"`
	Sent       uint64 `json:"sent"`
}

// Verdict is a rule that hit the flow.
type Verdict struct {
	Rule      string  `json:"rule"`
	Policy    string  `json:"policy"` // that it was written in
	Mechanism string  `json:"mechanism"`
	Source    string  `json:"source"`
	Packet    uint32  `json:"packet"` // the deciding one's number in the flow, as the box counts, from 1
	Frame     uint64  `json:"frame"`  // its number in the capture, from 1; 0: none was at hand
	MS        float64 `json:"ms"`     // after the flow's first packet
	Name      string  `json:"name,omitempty"`
	Learnt    bool    `json:"learnt,omitempty"` // its server had been learnt before
	Held      bool    `json:"held,omitempty"`   // the rule hit another flow between its ends, or to its server, before
}

// Event is what the box did to a packet of the flow, or to several one after another.
type Event struct {
	Kind      string  `json:"kind"` // hit, drop, rewrite, freeze, ban, send
	Direction string  `json:"direction"`
	Rule      string  `json:"rule"`
	Frame     uint64  `json:"frame"`
	LastFrame uint64  `json:"last_frame"`
	MS        float64 `json:"ms"` // after the flow's first packet
	LastMS    float64 `json:"last_ms"`
	Packets   uint64  `json:"packets"`
	Bytes     uint64  `json:"bytes"`
}

// WriteJSON writes the report as one object.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
