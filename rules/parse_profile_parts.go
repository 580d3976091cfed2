package rules

import "dpilab/internal/strictyaml"

func readReassembly(n strictyaml.Node, r *Reassembly) error {
	if s, ok := n.Word(); ok && s == "none" {
		r.TCP, r.Records, r.Both = false, false, false
		return nil
	}
	if !n.IsMapping() {
		return n.Expected("none, or a mapping of tcp, records, both, bytes, segments, overlap, order, timeout")
	}
	if err := readSettings(n, "", r.settings()); err != nil {
		return err
	}
	if r.Both && !(r.TCP && r.Records) {
		return n.Fail("found both: true, expected tcp: true and records: true with it")
	}
	return nil
}

func (r *Reassembly) settings() []setting {
	return []setting{
		{"tcp", truth(&r.TCP)},
		{"records", truth(&r.Records)},
		{"both", truth(&r.Both)},
		{"bytes", number(&r.Bytes, "a number of bytes from 1 to 65536", 1, 65536)},
		{"segments", number(&r.Segments, "a number of segments from 1 to 64", 1, 64)},
		{"overlap", either(&r.Last, "first", "last")},
		{"order", either(&r.Ordered, "any", "strict")},
		{"timeout", wait(&r.Timeout, "none")},
	}
}

func readFragments(n strictyaml.Node, f *Fragments) error {
	if err := readSettings(n, "", f.settings()); err != nil {
		return err
	}
	if f.Inspect && !f.Hold {
		return n.Fail("found inspect: true, expected hold: true with it: only complete sets can be read")
	}
	return nil
}

func (f *Fragments) settings() []setting {
	return []setting{
		{"hold", truth(&f.Hold)},
		{"max", number(&f.Max, "a number of fragments from 1 to 8192", 1, 8192)},
		{"copy ttl", truth(&f.CopyTTL)},
		{"timeout", wait(&f.Timeout, "")},
		{"duplicate", either(&f.Discard, "ignore", "discard")},
		{"inspect", truth(&f.Inspect)},
		{"sets", number(&f.Sets, "a number of sets from 1 to 65536", 1, 65536)},
	}
}

func (f *Fooled) settings() []setting {
	return []setting{
		{"checksum", truth(&f.Checksum)},
		{"sequence", truth(&f.Sequence)},
		{"md5", truth(&f.MD5)},
		{"timestamp", truth(&f.Timestamp)},
		{"ttl", func(n strictyaml.Node) (err error) {
			if s, _ := n.Word(); s == "any" {
				f.TTL = 0
				return nil
			}
			f.TTL, err = readWhole(n, "any, or the lowest TTL that is still read, from 1 to 255", 1, 255)
			return err
		}},
	}
}

func (p *Profile) inspectSettings() []setting {
	return []setting{
		{"packets", func(n strictyaml.Node) (err error) {
			p.Inspect, err = readSpan(n, "packets such as 20 or 15..20, from 1 to 1000", "", 1, 1000)
			return err
		}},
		{"hellos", either(&p.FirstHello, "every", "first")},
		{"unknown", number(&p.Unknown, "a number of bytes from 1 to 65535", 1, 65535)},
	}
}

func (q *QUICReading) settings() []setting {
	return []setting{
		{"versions", func(n strictyaml.Node) (err error) {
			if s, _ := n.Word(); s == "none" {
				q.Versions = nil
				return nil
			}
			q.Versions, err = each(n, "none, or versions such as v1", func(item strictyaml.Node) (QUICVersion, error) {
				i, err := item.OneOf("v1", "v2", "draft")
				return QUICv1 + QUICVersion(i), err
			})
			return err
		}},
		{"assemble", truth(&q.Assemble)},
		{"padding", truth(&q.Padding)},
		{"datagrams", number(&q.Datagrams, "a number of datagrams from 1 to 64", 1, 64)},
	}
}

func (x *Encrypted) settings() []setting {
	return []setting{
		{"packets", number(&x.Packets, "a number of packets from 1 to 64", 1, 64)},
		{"size", number(&x.Size, "a number of bytes from 1 to 65535", 1, 65535)},
	}
}

func (p *Profile) idleSettings() []setting {
	return []setting{
		{"syn sent", wait(&p.SYNSent, "")},
		{"syn received", wait(&p.SYNReceived, "")},
		{"tcp", wait(&p.TCPIdle, "")},
		{"udp", wait(&p.UDPIdle, "")},
		{"other", wait(&p.OtherIdle, "")},
		{"closed", wait(&p.Closed, "same")},
	}
}
