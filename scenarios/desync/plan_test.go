package desync

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const request = "GET / HTTP/1.1\r\nUser-Agent: x\r\nHost: twitter.com:80\r\n\r\n"

func hello(t testing.TB, name string) []byte {
	t.Helper()
	b, err := fakeHello(name)
	require.NoError(t, err)
	return b
}

func planned(t *testing.T, text string, first []byte) plan {
	t.Helper()
	p, err := Must(text).plan(first, 1448)
	require.NoError(t, err)
	return p
}

// pieces are the data of the plan's steps that are parts of the stream, in the order in which they go out.
func pieces(p plan) (all []string) {
	for _, s := range p.steps {
		if s.fake == nil {
			all = append(all, string(s.data[s.over:]))
		}
	}
	return all
}

// assembled is the stream that a server puts together from the steps.
func assembled(p plan) []byte {
	b := make([]byte, len(p.stream))
	for _, s := range p.steps {
		if s.fake == nil {
			copy(b[s.at:], s.data[s.over:])
		}
	}
	return b
}

func TestMarks(t *testing.T) {
	b := hello(t, "twitter.com")
	where := helloMarks(b)
	require.Equal(t, "twitter.com", string(b[where["sni"]:where["endsni"]]))
	require.Equal(t, where["sni"]+5, where["midsni"])
	require.Equal(t, where["sni"]-5, where["sniext"])
	where = requestMarks([]byte(request))
	require.Equal(t, "twitter.com", request[where["host"]:where["endhost"]])
	require.Equal(t, "er.com", request[where["midhost"]:where["endhost"]])
	require.Nil(t, helloMarks([]byte(request)))
	require.Nil(t, requestMarks(b))
	require.Nil(t, helloMarks(b[:len(b)-1]), "a part")
}

func TestSplit(t *testing.T) {
	b := hello(t, "twitter.com")
	at := helloMarks(b)["sni"]
	p := planned(t, "split sni+3 1 sni+3 9999 host -4", b)
	n := len(b)
	require.Equal(t, []string{string(b[:1]), string(b[1 : at+3]), string(b[at+3 : n-4]), string(b[n-4:])}, pieces(p))
	require.Equal(t, b, assembled(p))

	r := []byte(request)
	require.Equal(t, []string{"GE", request[2 : len(request)-18], request[len(request)-18:]}, pieces(planned(t, "split 2 host", r)))
	require.Equal(t, []string{"SSH-2", ".0-x\r\n"}, pieces(planned(t, "split 5 sni", []byte("SSH-2.0-x\r\n"))), "a protocol that is not known has no marks")
	require.Equal(t, []string{"x"}, pieces(planned(t, "split 1", []byte("x"))))
}

func TestSplitKeepsToTheSegmentSize(t *testing.T) {
	p, err := Must("split 3; seqovl 4").plan([]byte(strings.Repeat("abcdefghij", 3)), 10)
	require.NoError(t, err)
	require.Equal(t, []string{"abc", "defghijabc", "defghijabc", "defghij"}, pieces(p))
	require.Equal(t, "\x00\x00\x00\x00abc", string(p.steps[0].data))
	require.Equal(t, 3, p.steps[0].end())
}

func TestOrderAndDelay(t *testing.T) {
	p := planned(t, "disorder 2 4; delay 10ms", []byte("abcdef"))
	require.Equal(t, []string{"ef", "cd", "ab"}, pieces(p))
	require.Equal(t, []time.Duration{0, 10 * time.Millisecond, 10 * time.Millisecond}, []time.Duration{p.steps[0].wait, p.steps[1].wait, p.steps[2].wait})
	p = planned(t, "disorder 2 ttl 1", []byte("abcdef"))
	require.Equal(t, []string{"ab", "cdef"}, pieces(p))
	require.Equal(t, []hopLimit{1, 0}, []hopLimit{p.steps[0].ttl, p.steps[1].ttl})
	p = planned(t, "split 2; delay 10ms", []byte("abcdef"))
	require.Equal(t, []time.Duration{0, 10 * time.Millisecond}, []time.Duration{p.steps[0].wait, p.steps[1].wait})
}

func TestUrgentByte(t *testing.T) {
	p := planned(t, "oob 2; split 1 4", []byte("abcdef"))
	require.Equal(t, []string{"a", "ba", "cd", "ef"}, pieces(p))
	require.Equal(t, "abacdef", string(p.stream))
	require.Equal(t, 2, p.urgent)
	for i, s := range p.steps {
		require.Equal(t, i == 1, s.urge)
	}
	require.Equal(t, -1, planned(t, "oob sni", []byte("abcdef")).urgent)
}

func TestFakesComeFirst(t *testing.T) {
	b := hello(t, "twitter.com")
	p := planned(t, "fake sni max.ru ttl 2 times 2; fake zeros 5 badsum; split 3", b)
	require.Len(t, p.steps, 5)
	for i, s := range p.steps[:3] {
		require.NotNil(t, s.fake)
		require.Zero(t, s.at)
		require.Equal(t, i == 2, s.fake.badSum)
	}
	where := helloMarks(p.steps[0].data)
	require.Equal(t, "max.ru", string(p.steps[0].data[where["sni"]:where["endsni"]]))
	require.Equal(t, hopLimit(2), p.steps[1].ttl)
	require.Equal(t, make([]byte, 5), p.steps[2].data)
	require.Equal(t, b, assembled(p))
	p = planned(t, "fake sni max.ru badsum", []byte(request))
	require.True(t, strings.HasPrefix(string(p.steps[0].data), "GET / HTTP/1.1\r\nHost: max.ru\r\n"))
}

// records reads the records of TLS in b.
func records(t *testing.T, b []byte) (kinds []byte, bodies [][]byte) {
	t.Helper()
	for len(b) > 0 {
		require.GreaterOrEqual(t, len(b), 5)
		n := int(b[3])<<8 | int(b[4])
		require.GreaterOrEqual(t, len(b), 5+n)
		kinds, bodies, b = append(kinds, b[0]), append(bodies, b[5:5+n]), b[5+n:]
	}
	return kinds, bodies
}

func TestRecords(t *testing.T) {
	b := hello(t, "twitter.com")
	at := helloMarks(b)["sni"] - recordHeader
	p := planned(t, "alert 2; tlsrec midsni 7", b)
	require.Empty(t, p.steps, "the kernel sends it")
	kinds, bodies := records(t, p.stream)
	require.Equal(t, []byte{21, 21, 22, 22, 22}, kinds)
	require.Equal(t, []byte{1, 90}, bodies[0])
	require.Len(t, bodies[2], 7)
	require.Len(t, bodies[3], at+5-7)
	require.Equal(t, b[recordHeader:], bytes.Join(bodies[2:], nil))

	// A cut and a record at one place: the segment ends before the new record's header.
	p = planned(t, "tlsrec midsni; split midsni sni", b)
	all := pieces(p)
	require.Equal(t, p.stream, assembled(p))
	require.Len(t, all, 3)
	require.True(t, strings.HasPrefix(all[1], "twitt"))
	require.Equal(t, byte(22), all[2][0])
}

func TestRequests(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"hostcase", "GET / HTTP/1.1\r\nUser-Agent: x\r\nhost: twitter.com:80\r\n\r\n"},
		{"hostspell hoSt", "GET / HTTP/1.1\r\nUser-Agent: x\r\nhoSt: twitter.com:80\r\n\r\n"},
		{"domcase; hostdot", "GET / HTTP/1.1\r\nUser-Agent: x\r\nHost: tWiTtEr.cOm.:80\r\n\r\n"},
		{"hosttab; hostnospace", "GET / HTTP/1.1\r\nUser-Agent: x\r\nHost:twitter.com:80\t\r\n\r\n"},
		{"hostspace", "GET / HTTP/1.1\r\nUser-Agent: x\r\nHost:  twitter.com:80\r\n\r\n"},
		{"methodspace", "GET  / HTTP/1.1\r\nUser-Agent: x\r\nHost: twitter.com:80\r\n\r\n"},
		{"tlsrec 3", request},
	} {
		require.Equal(t, test.want, string(planned(t, test.text, []byte(request)).stream), test.text)
	}
	p := planned(t, "hostdot; domcase; split midhost", []byte(request))
	require.True(t, strings.HasPrefix(pieces(p)[1], "r.cOm.:80"), pieces(p)[1])
	none := "GET / HTTP/1.1\r\nX: y\r\n\r\nHost: z\r\n"
	require.Equal(t, none, string(planned(t, "hostdot", []byte(none)).stream), "no Host among the headers")
}

// A server of crypto/tls takes the records, and the padding, of which nothing remains in the handshake.
func TestHandshake(t *testing.T) {
	for _, text := range []string{"padding 2000", "alert 5; tlsrec 1 2 3 midsni"} {
		s := Must(text)
		near, far := net.Pipe()
		go func() {
			c := tls.Client(&conn{Conn: near, strategy: s}, s.Config(&tls.Config{ServerName: "x.com", InsecureSkipVerify: true}))
			defer near.Close()
			if c.Handshake() == nil {
				io.WriteString(c, "through")
			}
		}()
		r := &tee{Conn: far}
		server := tls.Server(r, serverConfig(t))
		b := make([]byte, 7)
		_, err := io.ReadFull(server, b)
		require.NoError(t, err, text)
		require.Equal(t, "through", string(b))
		if s.padding > 0 {
			require.Greater(t, r.first, 2000+200)
		}
		far.Close()
	}
}

// tee knows how many bytes it has read in the first record.
type tee struct {
	net.Conn
	first int
}

func (r *tee) Read(b []byte) (int, error) {
	n, err := r.Conn.Read(b)
	if r.first == 0 && n >= 5 {
		r.first = int(b[3])<<8 | int(b[4])
	}
	return n, err
}

func TestPadIsExact(t *testing.T) {
	size := func(c *tls.Config) int {
		r := &recorder{}
		tls.Client(r, c).Handshake()
		return len(r.written)
	}
	config := fakeConfig("x.com", "h2", "http/1.1")
	for _, n := range []int{2, 3, 255, 256, 257, 258, 512, 513, 8000} {
		require.Equal(t, size(config)+n, size(Strategy{padding: n}.Config(config)), n)
	}
	require.Equal(t, config, Strategy{}.Config(config))
}

func FuzzPlan(f *testing.F) {
	f.Add("split sni+1 3; oob midsni; seqovl 4", hello(f, "twitter.com"), 500)
	f.Add("disorder midhost; hostdot; domcase; hosttab", []byte(request), 20)
	f.Add("tlsrec 1 midsni; alert 5; split endsni", hello(f, "x.com"), 1448)
	f.Fuzz(func(t *testing.T, text string, first []byte, mss int) {
		s, err := Parse(text)
		if err != nil || len(first) == 0 || mss < 1 {
			return
		}
		s.fakes = nil // they are random
		p, err := s.plan(first, mss)
		require.NoError(t, err)
		if s.usesRaw() {
			require.Equal(t, p.stream, assembled(p))
		}
		for _, x := range p.steps {
			require.LessOrEqual(t, len(x.data)-x.over, mss)
		}
	})
}
