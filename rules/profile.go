package rules

import (
	"time"

	"dpilab/internal/strictyaml"
)

// DefaultProfile is what a policy starts from that extends no other. This is the one place of these values.
func DefaultProfile() Profile {
	return Profile{
		// No reassembly (IMC22, P). How much is kept once it is switched on: the 2025 boxes joined 1,836 bytes in 4 segments
		// and not 5,924 bytes in 5 (FOCI25-data, our reading, P); 4096 and 4 lie between.
		Reassembly: Reassembly{Bytes: 4096, Segments: 4},
		Originator: true,              // only flows opened from inside are filtered (IMC21, IMC22, P)
		Inspect:    Range{15, 20},     // packets after a first one of a known protocol (IMC21, P)
		Unknown:    101,               // bytes of an unknown first payload after which a flow is let be (IMC21, P)
		TCPIdle:    600 * time.Second, // "about ten minutes" without a packet (IMC21, P)
		UDPIdle:    420 * time.Second, // choice, after the 420 s of QUIC's residual (FOCI26, P)
		OtherIdle:  60 * time.Second,  // choice
		RemoteSYN:  true,              // IMC22 Fig. 7, P
		// Times of half-open connections: no text that could be read has them (MEM); a box that forgets them early matters little.
		SYNSent:     60 * time.Second,
		SYNReceived: 105 * time.Second,
		QUIC:        QUICReading{Versions: []QUICVersion{QUICv1}, Assemble: true, Padding: true, Datagrams: 5}, // NTC1823/69, C; datagrams: NTC1823/61, A
		Encrypted:   Encrypted{Packets: 3, Size: 411},                                                          // N4P#363, C
		// What the 2021 and 2022 boxes believe: a fake that no server accepts counts as any other packet (ZAP-doc, C).
		Fooled: Fooled{Checksum: true, Sequence: true, MD5: true, Timestamp: true},
		// Off: fragments are seen one by one. The queue of IMC22 (P): at most 45, TTL copied. Time and duplicates: MEM. Sets: choice.
		Fragments: Fragments{Max: 45, CopyTTL: true, Timeout: 5 * time.Second, Discard: true, Sets: 1024},
		Flows:     1_000_000, // choice
		// TrailingDot false: twitter.com. was another name than twitter.com (IMC21, P).
		// Miss 0: a mechanism's rate of failure is published (IMC22) but was not found; 0 keeps tests exact (choice).
		// FailClosed false: five lost keep-alives and the wire is closed past the box (TDOC, D).
	}
}

// readProfile changes p by what the policy's profile has.
func readProfile(n strictyaml.Node, p *Profile) error {
	fields, err := n.Fields("a profile", "reassembly", "originator", "inspect", "idle", "trailing dot", "miss", "flows", "fail")
	for _, f := range fields {
		if err == nil {
			err = readProfileField(f, p)
		}
	}
	return err
}

func readProfileField(f strictyaml.Field, p *Profile) (err error) {
	var i int
	switch f.Name {
	case "reassembly":
		return readReassembly(f.Node, &p.Reassembly)
	case "originator": // whose flows are acted on
		i, err = f.OneOf("inside", "any")
		p.Originator = i == 0
	case "inspect":
		return readInspect(f.Node, p)
	case "idle":
		return readIdle(f.Node, p)
	case "trailing dot": // a name with a last dot is another name, or the same
		i, err = f.OneOf("differs", "same")
		p.TrailingDot = i == 1
	case "miss": // share of the flows that are not looked at
		p.Miss.Share, err = readPercent(f.Node)
	case "flows":
		p.Flows, err = readWhole(f.Node, "a number of flows from 1 to 100000000", 1, 100_000_000)
	case "fail": // what becomes of packets when the box is dead or does not keep up
		i, err = f.OneOf("open", "closed")
		p.FailClosed = i == 1
	}
	return err
}

func readReassembly(n strictyaml.Node, r *Reassembly) error {
	if s, ok := n.Word(); ok && s == "none" {
		r.TCP, r.Records, r.Both = false, false, false
		return nil
	}
	fields, err := n.Fields("none, or a mapping of tcp, records, both, bytes, segments", "tcp", "records", "both", "bytes", "segments")
	for _, f := range fields {
		if err != nil {
			return err
		}
		switch f.Name {
		case "tcp":
			r.TCP, err = readTruth(f.Node)
		case "records":
			r.Records, err = readTruth(f.Node)
		case "both":
			r.Both, err = readTruth(f.Node)
		case "bytes":
			r.Bytes, err = readWhole(f.Node, "a number of bytes from 1 to 65536", 1, 65536)
		case "segments":
			r.Segments, err = readWhole(f.Node, "a number of segments from 1 to 64", 1, 64)
		}
	}
	if err == nil && r.Both && !(r.TCP && r.Records) {
		return n.Fail("found both: true, expected tcp: true and records: true with it")
	}
	return err
}

func readInspect(n strictyaml.Node, p *Profile) error {
	fields, err := n.Fields("a mapping of packets, unknown", "packets", "unknown")
	for _, f := range fields {
		if err != nil {
			return err
		}
		switch f.Name {
		case "packets":
			p.Inspect, err = readSpan(f.Node, "packets such as 20 or 15..20, from 1 to 1000", "", 1, 1000)
		case "unknown":
			p.Unknown, err = readWhole(f.Node, "a number of bytes from 1 to 65535", 1, 65535)
		}
	}
	return err
}

func readIdle(n strictyaml.Node, p *Profile) error {
	fields, err := n.Fields("a mapping of tcp, udp, other", "tcp", "udp", "other")
	for _, f := range fields {
		if err != nil {
			return err
		}
		switch f.Name {
		case "tcp":
			p.TCPIdle, err = readDuration(f.Node)
		case "udp":
			p.UDPIdle, err = readDuration(f.Node)
		case "other":
			p.OtherIdle, err = readDuration(f.Node)
		}
	}
	return err
}
