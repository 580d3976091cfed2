package oracle

import (
	"dpilab/lab"
	"dpilab/lab/probe"
)

// The names and hosts of the lab that the tests are about. Where a name leads is known: a real checker asks an encrypted resolver.
const (
	listed   = "twitter.com"
	videos   = "rr1---sn-gvnuxaxjvh.googlevideo.com"
	neutral  = "example.org"
	allowed  = "max.ru"
	hosted   = "forum.example.net"
	crowded  = "shop.example.net"
	registry = "rutracker.org"
)

// Tests are all of them, in the order of reports.
var Tests = []Test{
	{"name", KindTCP, "a listed name over TLS, in one packet", Beside, tried(site(listed, "x", probe.HelloShort))},
	{"name-two-packets", KindTCP, "the same, in the two packets that a hello takes today", Beside, tried(site(listed, "x", ""))},
	{"name-records", KindTCP, "the same, cut into two TLS records within one packet", Beside, records},
	{"registry-name", KindTCP, "a name of the registry over TLS", Beside, tried(site(registry, "press", probe.HelloShort))},
	{"registry-http", KindTCP, "the same over HTTP", Beside, tried(at(probe.HTTP(registry), "press"))},
	{"youtube-name", KindTCP, "www.youtube.com at Google", Beside, tried(site("www.youtube.com", "google", probe.HelloShort))},
	{"whatsapp-name", KindTCP, "WhatsApp's name, at an address that is not Meta's", Beside, tried(site("web.whatsapp.com", "neutral", ""))},
	{"cache-name", KindTCP, "a neutral name at Google's cache", Beside, tried(site(neutral, "google-cache", ""))},
	{"ech", KindTCP, "an encrypted name at Cloudflare", Beside, tried(site("blog.example.net", "cloudflare", probe.HelloECH))},
	{"ech-elsewhere", KindTCP, "an encrypted name elsewhere", Beside, tried(site("hidden.example.net", "neutral", probe.HelloECH))},

	{"quic", KindQUIC, "a neutral name over QUIC", Beside, tried(at(probe.HTTP3(neutral), "neutral"))},
	{"quic-name", KindQUIC, "a listed name over QUIC", Beside, tried(at(probe.HTTP3(listed), "neutral"))},
	{"quic-videos", KindQUIC, "the videos' name over QUIC", Beside, tried(at(probe.HTTP3(videos), "neutral"))},
	{"quic-version", KindQUIC, "a listed name over QUIC version 2, to a server of ours", Beside, anotherVersion},
	{"quic-unnamed", KindQUIC, "QUIC without a name, to a server of ours", Beside, unnamed},
	{"quic-ports", KindQUIC, "the videos' name over QUIC, to a server of ours on ports below 1024", Beside, lowPorts},

	{"sizes", KindTCP, "pages of 4, 12, 16, 20, 32 and 64 KB from a hoster", Beside, sizes},
	{"small-writes", KindTCP, "64 bytes in 32 writes, to a server of ours at a hoster", Beside, smallWrites},
	{"upload", KindTCP, "64 KB up, to a server of ours at a hoster", Beside, upload},
	{"allowed-name-at-hoster", KindTCP, "64 KB from a hoster under a name of the white list", Beside, allowedSize},
	{"fourteen", KindTCP, "fourteen connections to one server in a row", Once, tried(times(site(crowded, "foreign", ""), 14))},

	{"chrome", KindTCP, "Chrome's hello", Beside, tried(site(neutral, "neutral", probe.HelloChrome))},
	{"four-chromes", KindTCP, "four of them in a row, to a server of ours at a hoster", Once, tried(times(site(serverName, "hoster", probe.HelloChrome), 4))},
	{"four-firefoxes", KindTCP, "four of Firefox's, to the same", Once, tried(times(site(serverName, "hoster", probe.HelloFirefox), 4))},

	{"dns", KindDNS, "a name of the registry, by the provider's resolver, against TCP to a public one", Beside, registryDNS},
	{"public-dns", KindDNS, "who answers as a public resolver, over UDP against TCP", Beside, publicDNS},
	{"dns-8888", KindDNS, "8.8.8.8", Beside, tried(dnsAt("gosuslugi.ru", "resolver-8888"))},

	{"call", KindCall, "a call at Meta's relay", Beside, call("call.whatsapp.net", "meta")},
	{"call-elsewhere", KindCall, "a call elsewhere", Beside, call("neutral", "")},
	{"wireguard", KindUDP, "WireGuard's handshake and data", Beside, tried(probe.WireGuard("neutral"))},
	{"chat", KindTCP, "WhatsApp's chat at Meta", Beside, tried(probe.Chat("meta", lab.PortChat))},
	{"tor", KindConnect, "TCP to a directory of Tor", Beside, tried(probe.Connect("tor", lab.PortHTTPS))},
	{"tor-ping", KindPing, "ping to it", Beside, tried(probe.Ping("tor"))},

	{"neutral", KindTCP, "a neutral site", Beside, tried(site(neutral, "neutral", ""))},
	{"neutral-tcp", KindConnect, "TCP to it", Beside, tried(probe.Connect("neutral", lab.PortHTTPS))},
	{"neutral-ping", KindPing, "ping to it", Beside, tried(probe.Ping("neutral"))},
	{"listed-address", KindTCP, "the neutral name at an address of the white list", Beside, tried(site(neutral, "gosuslugi", ""))},
	{"allowed-name", KindTCP, "a name of the white list at a neutral address", Beside, tried(site(allowed, "neutral", ""))},
	{"domestic", KindTCP, "a domestic site that is not on the white list", Beside, tried(site("habr.com", "domestic", ""))},

	{"pictures", KindTCP, "the rate of Twitter's pictures", Alone, rate("pbs.twimg.com", "x", false)},
	{"videos", KindTCP, "the rate of videos", Alone, rate(videos, "google-cache", false)},
	{"videos-quic", KindQUIC, "the same over QUIC", Alone, rate(videos, "google-cache", true)},
	{"meta", KindTCP, "the rate of a neutral name at Meta, against that elsewhere", Alone, metaRate},
}

func at(p probe.Probe, host string) probe.Probe {
	p.Address = host
	return p
}

func site(name, host string, hello probe.Hello) probe.Probe {
	p := at(probe.HTTPS(name), host)
	p.Hello = hello
	return p
}

func times(p probe.Probe, n int) probe.Probe {
	p.Times = n
	return p
}

func dnsAt(name, resolver string) probe.Probe {
	p := probe.DNS(name)
	p.Resolver = resolver
	return p
}
