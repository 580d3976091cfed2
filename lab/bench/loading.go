package bench

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"dpilab/rules"
)

// load measures how long a policy of many names takes from its files to use, and what memory it holds then: from text, and from the
// compiled form of its list, which is made on the way from text where the list is long.
func (r *runner) load() error {
	file, err := r.policies.file(r.o.Domains)
	if err != nil {
		return err
	}
	list := strings.TrimSuffix(file, ".yaml") + ".domains"
	for round := range r.aloneRounds() {
		for i, form := range []string{"text", "compiled"} {
			r.tell(round, "from "+form, 2*(r.aloneRounds()-round)-i)
			if form == "text" {
				err = os.Remove(list + ".compiled")
				if errors.Is(err, fs.ErrNotExist) {
					err = nil
				}
			} else {
				_, err = rules.CompileList(list)
			}
			if err != nil {
				return err
			}
			x, err := r.alone(job{Kind: "load", Policy: file})
			if err != nil {
				return err
			}
			r.samples.set("load_"+form, "ms", round, millis(x.Took))
			r.samples.set("load_"+form+"_memory", "MB resident", round, x.Values["resident"])
			r.samples.set("load_"+form+"_peak", "MB resident", round, x.Values["peak"])
		}
	}
	v, ok := r.samples.median("load_text")
	r.ratio("load_text_s", v/1000, ok)
	v, ok = r.samples.median("load_text_memory")
	r.ratio("load_text_mb", v, ok)
	v, ok = r.samples.median("load_compiled")
	r.ratio("load_compiled_ms", v, ok)
	return nil
}

// loadPolicy loads Policy: Took until it can be used, and what the process holds more than before, when garbage is gone, and at most.
func loadPolicy(j job) (answer, error) {
	debug.FreeOSMemory()
	before, err := memory("VmRSS")
	if err != nil {
		return answer{}, err
	}
	start := time.Now()
	c, err := compile(j.Policy)
	took := time.Since(start)
	if err != nil {
		return answer{}, err
	}
	peak, err := memory("VmHWM")
	if err != nil {
		return answer{}, err
	}
	debug.FreeOSMemory()
	after, err := memory("VmRSS")
	runtime.KeepAlive(c)
	return answer{Took: took, Values: map[string]float64{"resident": after - before, "peak": peak - before}}, err
}

// memory gives a line of the process's status, in megabytes.
func memory(line string) (float64, error) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for l := range strings.Lines(string(b)) {
		if name, value, _ := strings.Cut(l, ":"); name == line {
			kb, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
			return kb * 1024 / 1e6, err
		}
	}
	return 0, fmt.Errorf("/proc/self/status has no line %s", line)
}
