package desync

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What leaves the client is what the strategy says, packet by packet: S, M and E are the beginning, the middle and the end of the name
// in the ClientHello, N is its end, F the size of a fake one, Q how much the second SYN's number is ahead. Later packets may be those
// that the kernel sends again.
func TestOnTheWire(t *testing.T) {
	l := subscriber(t)
	first := hello(t, "x.com")
	where := helloMarks(first)
	values := map[byte]int{
		'S': where["sni"], 'M': where["midsni"], 'E': where["endsni"], 'N': len(first), 'F': len(hello(t, "max.ru")),
	}
	tests := []struct{ text, want string }{
		{"", "0..N"},
		{"split 3", "0..3, 3..N"},
		{"split S+1 midsni -5", "0..S+1, S+1..M, M..N-5, N-5..N"},
		{"disorder 1 midsni", "M..N, 1..M, 0..1"},
		{"disorder midsni ttl 1", "0..M ttl 1, M..N"}, // and the first again
		{"fake sni max.ru ttl auto", "0..F ttl 2, 0..N"},
		{"fake sni max.ru ttl 7 badsum times 2", "0..F ttl 7 badsum, 0..F ttl 7 badsum, 0..N"},
		{"fake sni max.ru badsum; split endsni", "0..F badsum, 0..E, E..N"},
		{"fake random 200 badseq", "-10000..-9800, 0..N"},
		{"fake random 200 badack", "0..200 ack -66000, 0..N"},
		{"fake random 200 md5sig", "0..200 md5, 0..N"},
		{"fake random 200 ts", "0..200 ts -10 min, 0..N"},
		{"fake random 200 datanoack; disorder 9", "0..200 noack, 9..N, 0..9"},
		{"oob midsni", "0..M+1 urg, M+1..N+1"},
		{"seqovl 100; split 3", "-100..3, 3..N"},
		{"ipfrag 64", "frag 0..64+, frag 64..N+32"},
		{"ipfrag 64 reverse", "frag 64..N+32, frag 0..64+"},
		{"fake zeros 9 ttl 1; ipfrag 40; split 20", "0..9 ttl 1, frag 0..40+, frag 40..52, frag 0..40+, frag 40..N+12"},
		{"syndata zeros 16", "syn 16, syn 0, 0..N"},
		{"mss 88", "syn 0 mss 88, 0..76, 76..152, 152..228, 228..N"},
	}
	for i := range tests {
		tests[i].want = strings.ReplaceAll(fill(tests[i].want, values), " urg", " urg "+fill("M+1", values))
		tests[i].text = fill(tests[i].text, map[byte]int{'S': where["sni"]})
	}
	for _, name := range []string{"IPv4", "IPv6"} {
		server := l.Host("neutral")
		to := server.Addr4()
		if name == "IPv6" {
			to = server.Addr6()
		}
		port, got := keeper(t, server)
		type span struct {
			from, until time.Time
			port        uint16
		}
		spans := make([]span, len(tests))
		all := capture(t, l, func() {
			for i, test := range tests {
				spans[i].from = time.Now()
				d := Must(test.text).Dialer(l.Host("client").Do)
				c, err := d.DialContext(t.Context(), "tcp", netip.AddrPortFrom(to, port).String())
				require.NoError(t, err, test.text)
				_, err = c.Write(first)
				require.NoError(t, err, test.text)
				require.NoError(t, c.(*conn).CloseWrite())
				spans[i].port = addrPort(c.LocalAddr()).Port()
				require.Equal(t, first, got(spans[i].port), test.text)
				spans[i].until = time.Now()
				require.NoError(t, c.Close())
			}
		}, "access")
		for i, test := range tests {
			var within []seen
			for _, p := range all {
				if p.at.After(spans[i].from) && p.at.Before(spans[i].until) {
					within = append(within, p)
				}
			}
			f := read(t, within, spans[i].port, port)
			want := strings.Split(test.want, ", ")
			have := f.packets
			if strings.HasPrefix(test.want, "syn") {
				have = append(append([]string(nil), f.syn...), have...)
			}
			require.GreaterOrEqual(t, len(have), len(want), "%s: %s: %q", name, test.text, have)
			require.Equal(t, want, have[:len(want)], "%s: %s", name, test.text)
			for _, again := range have[len(want):] {
				require.Regexp(t, `^\d+\.\.\d+$`, again, "%s: %s", name, fmt.Sprint(test.text, have))
			}
		}
	}
}
