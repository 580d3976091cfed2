package tools

import (
	"crypto/tls"
	"net"

	utls "github.com/refraction-networking/utls"

	"dpilab/lab/probe"
)

// parrots are the ClientHellos of browsers that uTLS imitates. A name without a number is the newest one of its browser.
var parrots = map[string]utls.ClientHelloID{
	"chrome": utls.HelloChrome_Auto, "chrome-58": utls.HelloChrome_58, "chrome-83": utls.HelloChrome_83, "chrome-100": utls.HelloChrome_100,
	"chrome-106": utls.HelloChrome_106_Shuffle, "chrome-120": utls.HelloChrome_120, "chrome-131": utls.HelloChrome_131,
	"chrome-133": utls.HelloChrome_133,
	"firefox":    utls.HelloFirefox_Auto, "firefox-63": utls.HelloFirefox_63, "firefox-99": utls.HelloFirefox_99,
	"firefox-105": utls.HelloFirefox_105, "firefox-120": utls.HelloFirefox_120,
	"safari": utls.HelloSafari_Auto, "safari-16": utls.HelloSafari_16_0,
	"ios": utls.HelloIOS_Auto, "ios-12": utls.HelloIOS_12_1, "ios-14": utls.HelloIOS_14,
	"edge": utls.HelloEdge_Auto, "edge-85": utls.HelloEdge_85,
	"android": utls.HelloAndroid_11_OkHttp, "qq": utls.HelloQQ_Auto, "360": utls.Hello360_Auto,
	"randomized": shakesHands(utls.HelloRandomized), "randomized-alpn": shakesHands(utls.HelloRandomizedALPN),
	"randomized-noalpn": shakesHands(utls.HelloRandomizedNoALPN),
	"golang":            utls.HelloGolang,
}

// shakesHands makes a ClientHello of chance one that a server can always answer. Left to itself, uTLS now and then offers the group
// X25519MLKEM768 without a key share for it, and then cannot follow a server that asks for one, or leaves out every cipher suite of the
// server's. TLS 1.3 is what Xray's "randomized" has, too.
func shakesHands(id utls.ClientHelloID) utls.ClientHelloID {
	w := utls.DefaultWeights
	w.TLSVersMax_Set_VersionTLS13 = 1
	w.CurveIDs_Append_X25519, w.KeyShare_Append_RandomGroups = 0, 0 // X25519 alone, which TLS 1.3 has anyway
	w.CipherSuites_Remove_RandomCiphers = 0
	id.Weights = &w
	return id
}

// parrot gives the client's side of TLS with the ClientHello of a browser.
func parrot(name string) func(net.Conn, *tls.Config) (net.Conn, error) {
	return func(c net.Conn, config *tls.Config) (net.Conn, error) {
		return probe.Imitate(c, config, parrots[name]), nil
	}
}
