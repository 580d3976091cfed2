package tools

import (
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"dpilab/internal/strictyaml"
)

const trafficForms = `"socks5h://HOST:PORT", "socks5://HOST:PORT", "http://HOST:PORT", {tun: INTERFACE}, {hook: COMMAND}, {dns: ADDRESS:PORT}, client or builtin`

var trafficKeys = []string{"socks5", "socks5h", "http", "tun", "hook", "dns", "udp", "resolver"}

func (r *reader) readTraffic() error {
	n := r.value("traffic")
	if n == nil {
		if r.layers["builtin"] != nil {
			r.def.traffic.way = wayBuiltin
			return nil
		}
		return r.top.Fail(`found a tool without the key "traffic", expected how traffic gets into it: %s`, trafficForms)
	}
	if err := r.trafficOf(*n); err != nil {
		return err
	}
	if w := r.def.traffic.way; r.def.client == nil && w != wayClient && w != wayBuiltin {
		return n.Fail("found %s without a client part: nothing would take the traffic", w)
	}
	return nil
}

func (r *reader) trafficOf(n strictyaml.Node) error {
	t := &r.def.traffic
	if !n.IsMapping() {
		text, err := n.Text(trafficForms)
		if err != nil {
			return err
		}
		if text == string(wayClient) || text == string(wayBuiltin) {
			t.way = way(text)
			return nil
		}
		if !strings.Contains(text, "://") {
			return n.Fail("found %q, expected %s%s", text, trafficForms, strictyaml.Suggest(text, []string{"client", "builtin"}))
		}
		return r.proxy(n, text)
	}
	fields, err := n.Fields(trafficForms, trafficKeys...)
	if err != nil {
		return err
	}
	for _, f := range fields {
		switch f.Name {
		case "resolver":
			if t.resolver, err = r.hostPort(f.Node, "53"); err != nil {
				return err
			}
			continue
		case "udp":
			if t.udp, err = truth(f.Node); err != nil {
				return err
			}
			continue
		}
		if t.way != "" {
			return f.Key.Fail("found %s beside %s, expected one way", f.Name, t.way)
		}
		switch t.way = way(f.Name); t.way {
		case wayTUN:
			if t.at, err = f.Text("the name of an interface"); err == nil {
				err = r.template(f.Node, t.at, false)
			}
		case wayHook:
			t.counter, err = r.command(f.Node, true)
		case wayDNS:
			t.at, err = r.hostPort(f.Node, "53")
		default:
			var at string
			if at, err = f.Text("HOST:PORT of the proxy"); err == nil {
				err = r.proxy(f.Node, f.Name+"://"+at)
			}
		}
		if err != nil {
			return err
		}
	}
	if t.way == "" {
		return n.Fail("found no way, expected %s", trafficForms)
	}
	if udp := strictyaml.Find(fields, "udp"); udp != nil && t.way != waySOCKS5 && t.way != waySOCKS5H {
		return udp.Key.Fail("found udp beside %s, expected socks5 or socks5h: only such a proxy is asked to relay datagrams", t.way)
	}
	return nil
}

// example is what placeholders are read as while an address is checked.
var example = regexp.MustCompile(`\{[a-z][a-z0-9.-]*\}`)

// proxy reads SCHEME://[USER:PASSWORD@]HOST:PORT.
func (r *reader) proxy(n strictyaml.Node, text string) error {
	if err := r.template(n, text, false); err != nil {
		return err
	}
	scheme, rest, _ := strings.Cut(text, "://")
	schemes := []string{string(waySOCKS5), string(waySOCKS5H), string(wayHTTP)}
	if !slices.Contains(schemes, scheme) {
		return n.Fail("found the scheme %q, expected %s%s", scheme, strictyaml.OrList(schemes), strictyaml.Suggest(scheme, schemes))
	}
	t := &r.def.traffic
	t.way = way(scheme)
	at := rest
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		t.user, t.password, _ = strings.Cut(rest[:i], ":")
		at = rest[i+1:]
	}
	u, err := url.Parse("x://" + example.ReplaceAllString(at, "192.0.2.1"))
	if err != nil || u.Port() == "" || u.Hostname() == "" || u.Host != u.Hostname()+":"+u.Port() && !strings.HasPrefix(u.Host, "[") || u.Path != "" {
		return n.Fail("found %q, expected %s://HOST:PORT", text, scheme)
	}
	t.at = at
	return nil
}

// hostPort reads an address and a port; the port may be left out.
func (r *reader) hostPort(n strictyaml.Node, port string) (string, error) {
	text, err := n.Text("ADDRESS:PORT of a resolver")
	if err != nil {
		return "", err
	}
	if err := r.template(n, text, false); err != nil {
		return "", err
	}
	sample := example.ReplaceAllString(text, "192.0.2.1")
	if net.ParseIP(sample) != nil {
		return net.JoinHostPort(text, port), nil
	}
	host, p, err := net.SplitHostPort(sample)
	if number, e := strconv.ParseUint(p, 10, 16); err != nil || e != nil || number == 0 || net.ParseIP(host) == nil {
		return "", n.Fail("found %q, expected ADDRESS:PORT of a resolver, such as 127.0.0.1:53 or {resolver.far}:53", text)
	}
	return text, nil
}
