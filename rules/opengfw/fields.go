package opengfw

import "strings"

// kind is what a property can be compared with.
type kind uint8

const (
	thing     kind = iota // is there, or not
	nameKind              // a name
	truth                 // true, or not there
	address               // an IP address
	portKind              // a number
	transport             // tcp or udp
)

// field is a property of OpenGFW that a policy can ask for.
type field struct {
	kind    kind
	key     string // of a condition, where values are compared
	with    cond   // what else holds then
	present cond   // what holds when it is there; nil: that cannot be asked for
	differs string
}

var (
	tlsHello  = cond{"protocol": {"tls"}, "hello": {"named", "unnamed"}}
	tlsNamed  = cond{"protocol": {"tls"}, "hello": {"named"}}
	quicHello = cond{"protocol": {"quic"}, "hello": {"named", "unnamed"}}
	quicNamed = cond{"protocol": {"quic"}, "hello": {"named"}}
)

const (
	differsCase = "names are compared without regard to case; OpenGFW takes another case for another name"
	differsEnds = "ip.dst and port.dst are the outside end's here, ip.src and port.src the inside end's: as in streams that are opened from inside"
	differsHost = "Host is compared without its port, and read in the first segment of a connection's first request"
	differsDNS  = "DNS is read over UDP to port 53, in the first packet of a stream; OpenGFW reads it over TCP, on every port and in later packets, too"
	differsVPN  = "OpenVPN is known by the client's first packet; OpenGFW waits for the server's answer"
	differsWG   = "WireGuard is known by the first packet of a handshake; OpenGFW knows later packets, too"
	differsSOCK = "SOCKS is known by a whole opening; OpenGFW takes a first byte of 4 or 5 for one"
)

var fields = map[string]field{
	"proto":    {kind: transport},
	"ip.src":   {kind: address, key: "from", differs: differsEnds},
	"ip.dst":   {kind: address, key: "to", differs: differsEnds},
	"port.src": {kind: portKind, key: "source port", differs: differsEnds},
	"port.dst": {kind: portKind, key: "port", differs: differsEnds},

	"tls":          {present: tlsHello},
	"tls.req":      {present: tlsHello},
	"tls.req.sni":  {kind: nameKind, key: "sni", with: cond{"protocol": {"tls"}}, present: tlsNamed, differs: differsCase},
	"tls.req.ech":  {kind: truth, with: cond{"protocol": {"tls"}, "ech": {"true"}}, present: cond{"protocol": {"tls"}, "ech": {"true"}}},
	"quic":         {present: quicHello},
	"quic.req":     {present: quicHello},
	"quic.req.sni": {kind: nameKind, key: "sni", with: cond{"protocol": {"quic"}}, present: quicNamed, differs: differsCase},
	"quic.req.ech": {kind: truth, with: cond{"protocol": {"quic"}, "ech": {"true"}}, present: cond{"protocol": {"quic"}, "ech": {"true"}}},

	"http":                  {present: cond{"protocol": {"http"}}},
	"http.req":              {present: cond{"protocol": {"http"}}},
	"http.req.headers":      {present: cond{"protocol": {"http"}}},
	"http.req.headers.host": {kind: nameKind, key: "host", differs: differsHost},

	"dns":                  {present: cond{"protocol": {"dns"}}, differs: differsDNS},
	"dns.questions":        {present: cond{"protocol": {"dns"}}, differs: differsDNS},
	"dns.questions.0.name": {kind: nameKind, key: "query", differs: differsDNS},
	"dns.qr":               {kind: truth, with: cond{"protocol": {"dns"}, responseKey: {"true"}}, differs: differsDNS},

	"ssh":         {present: cond{"protocol": {"ssh"}}},
	"ssh.client":  {present: cond{"protocol": {"ssh"}}},
	"ssh.server":  {present: cond{"protocol": {"ssh"}}},
	"socks":       {present: cond{"protocol": {"socks"}}, differs: differsSOCK},
	"socks.req":   {present: cond{"protocol": {"socks"}}, differs: differsSOCK},
	"openvpn":     {present: cond{"protocol": {"openvpn"}}, differs: differsVPN},
	"wireguard":   {present: cond{"protocol": {"wireguard"}}, differs: differsWG},
	wgInitiation:  {present: cond{"protocol": {"wireguard"}}},
	wgResponse:    {present: cond{"protocol": {"wireguard"}}, differs: differsWG},
	wgData:        {present: cond{"protocol": {"wireguard"}}, differs: differsWG},
	wgMatchedResp: {kind: truth, with: cond{"protocol": {"wireguard"}}, differs: differsWG},
	wgMatchedData: {kind: truth, with: cond{"protocol": {"wireguard"}}, differs: differsWG},
}

const (
	wgInitiation  = "wireguard.handshake_initiation"
	wgResponse    = "wireguard.handshake_response"
	wgData        = "wireguard.packet_data"
	wgMatchedResp = wgResponse + ".receiver_index_matched"
	wgMatchedData = wgData + ".receiver_index_matched"
)

// responseKey is a key of our own: a DNS message is a response. No policy has it; see alternative.rule.
const responseKey = "response"

// analyzers are those that OpenGFW has.
var analyzers = []string{"dns", "fet", "http", "openvpn", "quic", "socks", "ssh", "tls", "trojan", "wireguard"}

// early tells whether a property is known with the first packet.
func early(name string) bool {
	switch fields[name].kind {
	case address, portKind, transport:
		return true
	}
	return false
}

// missing says why a property cannot be asked for.
func missing(name string) string {
	switch analyzer, rest, _ := strings.Cut(name, "."); {
	case analyzer == "fet":
		return "fet is a guess by the bits of the first payload, which no condition makes; the nearest, trick: encrypted, counts packets"
	case analyzer == "trojan":
		return "trojan is a guess by the lengths of what goes to and fro, which no condition makes; the nearest is trick: encrypted"
	case analyzer == "openvpn" && strings.HasSuffix(rest, "pkt_cnt"):
		return name + ": a condition does not count packets; write {drop: both, after: 50 packets} for a rule of protocol: openvpn"
	case analyzer == "dns" && strings.HasPrefix(rest, "questions."):
		return name + ": of a DNS question a condition reads the name alone"
	case analyzer == "dns":
		return name + ": of DNS a condition reads questions alone"
	case rest == "resp" || strings.HasPrefix(rest, "resp."):
		return name + ": a condition does not read what a server answers, except names in a certificate"
	}
	return name + " is nothing that a condition reads"
}
