package probe

import (
	"net"
	"strconv"
	"strings"
	"time"
)

// Type is what a probe tries: the key that a scenario file gives it by.
type Type string

// The types of probe.
const (
	TypeDNS        Type = "dns"        // resolve a name
	TypeConnect    Type = "connect"    // open a TCP connection
	TypeHTTP       Type = "http"       // get a page without TLS
	TypeHTTPS      Type = "https"      // get a page over TLS
	TypeHTTP3      Type = "http3"      // get a page over QUIC
	TypeChat       Type = "chat"       // open a WhatsApp chat and send a message
	TypeCall       Type = "call"       // STUN, then media at 50 packets a second
	TypeDownload   Type = "download"   // measure the rate of a transfer over TLS
	TypeWireGuard  Type = "wireguard"  // a stand-in's handshake and data
	TypePing       Type = "ping"       // ICMP echo
	TypeTraceroute Type = "traceroute" // UDP with rising TTL
	TypeExec       Type = "exec"       // run a program
)

// The usual values.
const (
	defaultTimeout  = 3 * time.Second
	execTimeout     = 10 * time.Second
	defaultDownload = 1 << 20
	defaultCall     = 3 * time.Second
	defaultMessage  = 512
)

// Probe is one thing that a client tries. Of and the constructors give it the usual values, which the zero values of Family, Path and
// Timeout mean as well.
type Probe struct {
	Name string // for reports
	Type Type
	Host string   // a domain name, which the resolver is asked for; a host of the lab, or an address
	Port uint16   // connect, chat
	Argv []string // exec

	Family   int           // 4 or 6: IP, and for dns the type of record and the way to the resolver. 0: 4
	Resolver string        // whose DNS is asked: a host of the lab. "": the resolver of the host that tries
	TCP      bool          // dns: over TCP
	Address  string        // the host of the lab where the connection goes, whatever the name. "": what the resolver says
	Path     string        // http, https, http3. "": /
	Tunnel   bool          // through the lab's tunnel
	Hello    Hello         // https, download: the ClientHello. A Via that makes TLS has its own
	QUIC     bool          // download: over QUIC
	Times    int           // https: so many pages, each over a connection of its own, until one fails. 0: 1
	Bytes    int64         // download: how much; chat: the size of the message
	For      time.Duration // call: how long; download: the longest that is measured, 0 to the end
	Timeout  time.Duration // how long it waits for the next thing to happen; exec: for the end. 0: 3 s, exec 10 s
	Needs    []string      // exec: programs without which it is skipped
	Results  []Result      // exec: what exit codes and output mean, the first that fits
}

// Of gives a probe of a type with the usual values: a transfer of 1 MiB, a message of 512 bytes, a call of three seconds. A connect and a
// chat want a Port, an exec its Argv.
func Of(t Type, host string) Probe {
	p := Probe{Type: t, Host: host}
	switch t {
	case TypeDownload:
		p.Bytes = defaultDownload
	case TypeChat:
		p.Bytes = defaultMessage
	case TypeCall:
		p.For = defaultCall
	}
	return p.whole()
}

// whole puts the usual values in place of zero values that mean them.
func (p Probe) whole() Probe {
	if p.Family == 0 {
		p.Family = 4
	}
	if p.Path == "" {
		p.Path = "/"
	}
	if p.Timeout == 0 {
		p.Timeout = defaultTimeout
		if p.Type == TypeExec {
			p.Timeout = execTimeout
		}
	}
	return p
}

// DNS resolves a name.
func DNS(name string) Probe { return Of(TypeDNS, name) }

// Connect opens a TCP connection and leaves it.
func Connect(host string, port uint16) Probe {
	p := Of(TypeConnect, host)
	p.Port = port
	return p
}

// HTTP gets a page without TLS.
func HTTP(host string) Probe { return Of(TypeHTTP, host) }

// HTTPS gets a page over TLS.
func HTTPS(host string) Probe { return Of(TypeHTTPS, host) }

// HTTP3 gets a page over QUIC.
func HTTP3(host string) Probe { return Of(TypeHTTP3, host) }

// Download gets so many bytes over TLS, and measures the rate of the last three quarters of them.
func Download(host string, bytes int64) Probe {
	p := Of(TypeDownload, host)
	p.Bytes = bytes
	return p
}

// Chat opens a WhatsApp chat and has one message sent back.
func Chat(host string, port uint16) Probe {
	p := Of(TypeChat, host)
	p.Port = port
	return p
}

// WireGuard opens a stand-in for a WireGuard tunnel at a host that serves one, and sends data to and fro.
func WireGuard(host string) Probe { return Of(TypeWireGuard, host) }

// Call sets up a call by STUN and sends media for a while.
func Call(host string) Probe { return Of(TypeCall, host) }

// Ping sends echo requests, and is content with one answer.
func Ping(host string) Probe { return Of(TypePing, host) }

// Traceroute finds the way to a host, hop by hop.
func Traceroute(host string) Probe { return Of(TypeTraceroute, host) }

// Exec runs a program on the host. It is skipped where the program is not installed; exit codes of curl are understood.
func Exec(argv ...string) Probe {
	p := Of(TypeExec, "")
	p.Argv, p.Needs = argv, argv[:1]
	if argv[0] == "curl" {
		p.Results = CurlResults()
	}
	return p
}

// Target says in one word what is tried, as in "web.whatsapp.com" or "g.whatsapp.net:5222".
func (p *Probe) Target() string {
	switch {
	case p.Type == TypeExec:
		return strings.Join(p.Argv, " ")
	case p.Port != 0:
		return joinPort(p.Host, p.Port)
	}
	return p.Host
}

func joinPort(host string, port uint16) string {
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}
