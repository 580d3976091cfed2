package trace

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
)

// FuzzParse: no script makes the parser or the runner panic, and what parses can be asked everything.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/*.trace", "observations/*.trace"} {
		files, _ := filepath.Glob(pattern)
		for i, file := range files {
			if i%8 == 0 {
				data, _ := os.ReadFile(file)
				f.Add(string(data))
			}
		}
	}
	f.Add(head + "each a 1..3 x\n  flow {a} client :7 server [2001:db8::1]:9 udp\n  > fake 3 x udp hex 16 fe + text \"\\x00\" every 2ms ttl 1 2 from :1 to 192.0.2.1 => 1..2 % passed, then any <= 2 rst ttl same, nothing\n")
	f.Fuzz(func(t *testing.T, text string) {
		x, err := Parse("x.trace", []byte(text), fstest.MapFS{})
		if err != nil {
			return
		}
		x.Live()
		if len(x.events) > 200 || x.Waits() > 1e13 || x.Repeat > 3 {
			return
		}
		for _, e := range x.events {
			if d, ok := e.do.(*packets); ok && d.times*max(d.fragments, 1) > 2000 {
				return
			}
		}
		if r, err := Run(t.Context(), x, NewVirtual); err == nil {
			r.Line()
		}
	})
}
