package rules

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

const chromeJA4 = "t13d1516h2_8daaf6152771_d8a2da3f94cd"

// The forms of a list, with the names that were hit and missed on the real boxes where a source says so.
func TestNameForms(t *testing.T) {
	for _, c := range []struct {
		line      string
		hit, miss []string
	}{
		{"twitter.com", []string{"twitter.com", "TWITTER.com", "api.twitter.com"}, []string{"throttletwitter.com", "com", "twitter.com.", "twitter.com.ru", ""}},
		{"=twitter.com", []string{"twitter.com"}, []string{"api.twitter.com"}},
		{"*.twimg.com", []string{"garbage.twimg.com", "a.b.twimg.com"}, []string{"twimg.com", "xtwimg.com"}},
		{"*twitter.com", []string{"throttletwitter.com", "twitter.com", "api.twitter.com"}, []string{"twitter.com.ru"}}, // to 2 Apr 2021, IMC21, O040
		{"*t.co*", []string{"t.co", "reddit.com", "microsoft.com"}, []string{"twitter.org"}},                            // March 2021, IMC21
		{"keyword:whatsapp-plus", []string{"whatsapp-plus.info", "www.whatsapp-plus.me", "whatsapp-plus"}, []string{"my-whatsapp-plus.info", "whatsapp.com"}},
		{"ua", []string{"ua", "ukrinform.ua"}, []string{"aqua", "a.ua.net"}},
		{"*a", []string{"a", "ba"}, []string{"ab", ""}},
		{"rr*", []string{"rr5---sn-5goeenes.googlevideo.com", "rr"}, []string{"r", "err.example", ""}},
		// Fingerprints are names without dots: whole, or by one of their three parts (B22: TD#30733, C).
		{"t13d1516h2_8daaf6152771_d8a2da3f94cd", []string{chromeJA4}, []string{"t13d1516h2_8daaf6152771_d8a2da3f94ce", ""}},
		{"t13d*", []string{chromeJA4}, []string{"q13d0310h3_55b375c5d22e_cd85d2d88918"}},
		{"*_8daaf6152771_*", []string{chromeJA4}, []string{"t13d1516h2_d8a2da3f94cd_8daaf6152771"}},
		{"*_d8a2da3f94cd", []string{chromeJA4}, []string{"t13d1516h2_d8a2da3f94cd_8daaf6152771"}},
	} {
		x := nameIndex(c.line)
		for _, name := range c.hit {
			require.NotZero(t, x.class([]byte(name)), "%s should have %q", c.line, name)
		}
		for _, name := range c.miss {
			require.Zero(t, x.class([]byte(name)), "%s should not have %q", c.line, name)
		}
	}
}

// A last dot made another name in 2021 (IMC21, O041); a profile may say that it does not.
func TestTrailingDot(t *testing.T) {
	x := nameIndex("twitter.com", "=t.co", "*o*")
	require.Zero(t, nameIndex("twitter.com").class([]byte("twitter.com.")))
	require.NotZero(t, x.class([]byte("twitter.com.")), "a star does not look at the end")
	x = nameIndex("twitter.com", "=t.co", "keyword:w")
	x.dots = true
	require.Equal(t, x.class([]byte("twitter.com")), x.class([]byte("twitter.com.")))
	require.NotZero(t, x.class([]byte("t.co.")))
	require.Zero(t, x.class([]byte("twitter.com..")))
	require.Zero(t, x.class([]byte(".")))
}

func TestAutomatonFindsOverlaps(t *testing.T) {
	a := newAutomaton([]piece{
		{"he", 1, false, false}, {"she", 2, false, false}, {"hers", 4, false, false}, {"hers", 8, false, true}, {"e", 16, false, true},
		{"us", 32, true, false}, {"he", 64, true, false},
	})
	require.EqualValues(t, 1|2|4|8|32, a.find([]byte("ushers")))
	require.EqualValues(t, 1|4|8|64, a.find([]byte("hers")))
	require.EqualValues(t, 1|64|16, a.find([]byte("heushe"))&^2)
	require.EqualValues(t, 1|2|16, a.find([]byte("she")))
	require.EqualValues(t, 1|2|4, a.find([]byte("shers-x")))
	require.Zero(t, a.find([]byte("h.e-s")))
	require.Nil(t, newAutomaton(nil))
}

// At most 32 lists and values may use stars, and the message says so.
func TestTooManyStars(t *testing.T) {
	p := &Policy{Profile: DefaultProfile()}
	for i := range maxWild + 1 {
		p.Rules = append(p.Rules, Rule{Name: "r", file: "p.yaml", Line: i + 1, When: Condition{SNI: []string{fmt.Sprintf("*x%dy*", i)}}})
	}
	_, err := p.Compile()
	require.ErrorContains(t, err, "p.yaml:33: rule r: ")
	require.ErrorContains(t, err, "at most 32 lists and rules")
	p.Rules = p.Rules[1:]
	c, err := p.Compile()
	require.NoError(t, err)
	require.Equal(t, 31, c.Match(&Facts{Known: AllFacts, SNI: c.Name([]byte("a.x32yb"))}))
}

var sink Class

// BenchmarkName: hot asks for the same thousand names over and over, cold for others each time, out of the whole list.
func BenchmarkName(b *testing.B) {
	for _, n := range []int{10, 100_000, 1_000_000, 10_000_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			c := manyNames(b, n)
			for _, kind := range []struct{ name, before string }{{"hit", "www."}, {"miss", "not-"}} {
				for _, asked := range []struct {
					name  string
					names int
				}{{"hot", 1024}, {"cold", 1 << 19}} {
					b.Run(kind.name+"/"+asked.name, func(b *testing.B) {
						names, ends := askedNames(kind.before, n, asked.names)
						b.ReportAllocs()
						for i := 0; b.Loop(); i++ {
							at := i & (asked.names - 1)
							sink = c.Name(names[ends[at]:ends[at+1]])
						}
					})
				}
			}
		})
	}
}

// askedNames gives names one behind the other, which the CPU fetches ahead of time, as it does not those of the list.
func askedNames(before string, n, asked int) (names []byte, ends []uint32) {
	r := rand.New(rand.NewPCG(1, 1))
	ends = append(ends, 0)
	for range asked {
		names = appendName(append(names, before...), r.IntN(n))
		ends = append(ends, uint32(len(names)))
	}
	return names, ends
}

// manyLines gives n names, of two to four labels, as a file has them, each with the same in front of it.
func manyLines(n int, before string) (text []byte) {
	for i := range n {
		text = append(text, before...)
		text = append(appendName(text, i), '\n')
	}
	return text
}

func appendName(to []byte, i int) []byte {
	words := [...]string{"shop", "news", "media", "my-cloud", "play", "bet", "the-best-video", "x"}
	tlds := [...]string{"com", "ru", "net", "org", "info", "online", "co.uk", "com.ua"}
	if i%5 == 0 {
		to = append(append(to, words[i/5%8]...), '.')
	}
	to = strconv.AppendInt(append(to, words[i%8]...), int64(i), 10)
	return append(append(to, '.'), tlds[i/8%8]...)
}

// manyNames compiles a policy of one rule, whose list has n domains.
func manyNames(t testing.TB, n int) *Compiled { return compileList(t, manyLines(n, "")) }

func compileList(t testing.TB, text []byte) *Compiled {
	l, err := parseList("many", "many.domains", text)
	require.NoError(t, err)
	p := &Policy{Profile: DefaultProfile(), lists: map[string]*List{"many": l}, Rules: []Rule{{When: Condition{SNI: []string{"many"}}}}}
	c, err := p.Compile()
	require.NoError(t, err)
	return c
}

// BenchmarkNameStars is the cost of stars and keywords beside.
func BenchmarkNameStars(b *testing.B) {
	x := nameIndex("twitter.com", "*twitter.com", "*t.co*", "*googlevideo*", "keyword:whatsapp-plus")
	name := []byte("rr5---sn-5goeenes.googlevideo.com")
	b.ReportAllocs()
	for b.Loop() {
		sink = x.class(name)
	}
}

// BenchmarkLoadNames is the way from a file to a policy that is ready: of the text, and of the compiled form beside it.
func BenchmarkLoadNames(b *testing.B) {
	for _, n := range []int{10, 100_000, 1_000_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			text := manyLines(n, "")
			policy, file := listFolder(b, text)
			compileFrom(b, 1<<30)
			for _, form := range []string{"text", "compiled"} {
				if form == "compiled" {
					_, err := CompileList(file)
					require.NoError(b, err)
				}
				b.Run(form, func(b *testing.B) {
					b.ReportAllocs()
					b.SetBytes(int64(len(text)))
					for b.Loop() {
						loadCompiled(b, policy)
					}
				})
			}
		})
	}
}
