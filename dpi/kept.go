package dpi

import "dpilab/rules"

// facts are rules.Facts as a flow keeps them: without what its key says, and with one class for the name that it showed, as a flow shows
// a server name, a host or a query, each in a protocol of its own.
type facts struct {
	Name        rules.Class // the Host of HTTP, the Query of DNS, the SNI of anything else
	Certificate rules.Class
	JA3, JA4    rules.Class
	To, From    rules.Class
	Signs, Lost uint64
	Known       rules.FactSet
	Protocol    rules.Protocol
	Opened      rules.Side
	Hello       rules.HelloKind
	QUIC        rules.QUICVersion
	ECH, Again  bool
	Size        uint16
}

// facts gives what is known of the flow in the form that the policy is asked with, until the next call.
func (e *Engine) facts(f *flow) *rules.Facts {
	x := &f.facts
	e.asked = rules.Facts{
		Known: x.Known, Transport: f.transport(), Protocol: x.Protocol, Opened: x.Opened, Hello: x.Hello, ECH: x.ECH, QUIC: x.QUIC, Again: x.Again,
		Port: f.key.outsidePort, SourcePort: f.key.insidePort, Size: x.Size,
		Certificate: x.Certificate, JA3: x.JA3, JA4: x.JA4, To: x.To, From: x.From, Signs: x.Signs, Lost: x.Lost,
	}
	switch x.Protocol {
	case rules.ProtocolHTTP:
		e.asked.Host = x.Name
	case rules.ProtocolDNS:
		e.asked.Query = x.Name
	default:
		e.asked.SNI = x.Name
	}
	return &e.asked
}

// transport gives that of the flow's packets.
func (f *flow) transport() rules.Transport { return transportOf(f.key.transport) }
