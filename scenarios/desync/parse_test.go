package desync

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseSaysItBack(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", ""},
		{"split 3", "split 3"},
		{" split   sni+1 -5 midsni ; fake ttl auto badseq", "fake sni www.w3.org ttl auto badseq -10000; split sni+1 -5 midsni"},
		{"disorder endsni-2 sniext+4", "disorder endsni-2 sniext+4"},
		{"disorder 1 ttl 1", "disorder 1 ttl 1"},
		{"delay 50ms; split host midhost endhost+0", "split host midhost endhost; delay 50ms"},
		{"fake badsum md5sig times 2; fake random 101 ts -1 badack 7 datanoack", "fake sni www.w3.org badsum md5sig times 2; fake random 101 badack 7 ts -1 datanoack"},
		{"fake hex 16FE ttl 2", "fake hex 16fe ttl 2"},
		{"hostcase; hostdot; domcase; hosttab; hostnospace; methodspace", "hostcase; domcase; hostdot; hosttab; hostnospace; methodspace"},
		{"hostspell hoSt; hostspace", "hostspell hoSt; hostspace"},
		{"udpfake; udpfake short 620 ttl 2 times 6; udpfrag 8 reverse; sport 443",
			"udpfake sni www.w3.org; udpfake short 620 ttl 2 times 6; udpfrag 8 reverse; sport 443"},
		{"window 1152; mss 88; syndata zeros 16; padding 2000; alert; tlsrec 5; oob 1; seqovl 2; ipfrag 24",
			"window 1152; mss 88; syndata zeros 16; padding 2000; alert 1; tlsrec 5; oob 1; seqovl 2; ipfrag 24"},
	} {
		s, err := Parse(test.text)
		require.NoError(t, err, test.text)
		require.Equal(t, test.want, s.String())
		again, err := Parse(s.String())
		require.NoError(t, err, s.String())
		require.Equal(t, s, again)
	}
}

func TestParseErrors(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"splat 3", `desync "splat 3": unknown step "splat"; expected one of: alert, delay, disorder, `},
		{"split 3;", `desync "split 3;": step 2 is empty; expected one of: `},
		{"split", `desync "split": split: nothing follows; expected a place such as 3, -5, sni+1, `},
		{"split 0", `split: found "0"; expected a place such as 3`},
		{"split 3 +5", `split: found "+5"; expected a place`},
		{"split sni*2", `split: found "sni*2"; expected a place`},
		{"split 3 ttl 1", `split: found "ttl"; expected the end of the step`},
		{"split 1; split 2", `split stands twice; expected once`},
		{"split 1; disorder 2", `split and disorder stand together; expected one of them`},
		{"disorder 1; seqovl 5", `seqovl and disorder stand together`},
		{"delay 5ms", `delay without segments to wait between; expected a split, disorder or oob besides`},
		{"delay soon; split 1", `delay: found "soon"; expected a time such as 50ms, 1ms to 10s`},
		{"fake", `fake: the server would take it; expected one of ttl, badsum, badseq, badack, md5sig, ts, datanoack besides`},
		{"fake ttl", `fake: nothing follows; expected auto or a number, 1 to 255`},
		{"fake ttl 0", `fake: found "0"; expected auto or a number, 1 to 255`},
		{"fake wrongsum", `fake: found "wrongsum"; expected sni, random, zeros, hex, ttl, badsum, badseq, badack, md5sig, ts, datanoack or times, each once`},
		{"fake badsum badsum", `fake: found "badsum"; expected ttl,`},
		{"fake badseq 0", `fake: found "0"; expected a number that is not 0, such as -10000`},
		{"fake random 9000 badsum", `fake: found "9000"; expected a number for random, 1 to 1400`},
		{"fake hex 1 badsum", `fake: found "1"; expected bytes in hex`},
		{"fake sni x_y badsum", `fake: found "x_y"; expected a domain name, such as www.w3.org`},
		{"fake short 5 badsum", `fake: found "short"; expected sni,`},
		{"udpfake badseq", `udpfake: found "badseq"; expected short, sni, random, zeros, hex, ttl, badsum or times`},
		{"ipfrag 9", `ipfrag: found "9"; expected a number of bytes, 8 to 1400 and a multiple of 8`},
		{"window 0", `window: found "0"; expected a number for window, 1 to 65535`},
		{"window 5", `window 5, of which the second segment tells the server; expected a split, disorder or oob besides, or 1152 at least`},
		{"alert 6", `alert: found "6"; expected a number`},
		{"hostspell hast", `hostspell: found "hast"; expected host in any mix of cases, such as HoSt`},
		{"hostdot 1", `hostdot: found "1"; expected the end of the step`},
	} {
		_, err := Parse(test.text)
		require.ErrorContains(t, err, test.want, test.text)
	}
	require.PanicsWithError(t, `desync "window": window: nothing follows; expected a number for window, 1 to 65535`, func() { Must("window") })
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"", "split 3 midsni; delay 5ms", "fake sni max.ru ttl auto badseq -7 times 3", "udpfake short 620; udpfrag 8 reverse",
		"disorder -1 ttl 4; oob sni-2", "hostspell hOsT; hostspace", "fake hex 00 md5sig;seqovl 3", "syndata random 5; window 2000"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(s.String())
		require.NoError(t, err, s.String())
		require.Equal(t, s, again, s.String())
	})
}

func TestGoals(t *testing.T) {
	for text, want := range map[string][]string{
		"":                               {"http", "https", "download", "chat", "http3", "call"},
		"split 1":                        {"http", "https", "download", "chat"},
		"x25519; split 1":                {"https", "download"},
		"hostcase":                       {"http"},
		"hostdot; split 1":               {"http"},
		"udpfake":                        {"http3", "call"},
		"tlsrec 1; udpfrag 8":            {"https", "download", "http3", "call"},
		"mss 88; hostdot; tlsrec 4":      {"http", "https", "download"},
		"fake badsum; udpfake times 2":   {"http", "https", "download", "chat", "http3", "call"},
		"split midsni; fake badsum":      {"https", "download"},
		"disorder midhost":               {"http"},
		"oob midhost; split midsni host": {"http", "https", "download"},
	} {
		require.Equal(t, want, Must(text).Goals(), text)
	}
}
