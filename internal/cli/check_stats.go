package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"dpilab/rules"
)

// policyStats is what check --stats says of one policy. Times are in nanoseconds.
type policyStats struct {
	File    string        `json:"file"`
	Policy  string        `json:"policy"`
	Reading time.Duration `json:"reading"` // of the policy with its lists
	Lists   time.Duration `json:"lists"`   // of these, for the lists
	Compile time.Duration `json:"compile"`
	Need    time.Duration `json:"need"` // to derive what must be queued
	Heap    int64         `json:"heap"` // bytes of memory that the loaded policy holds, measured; mapped lists are not in it
	rules.Stats
}

// statsOf gives what says the stats of one file.
func statsOf(asJSON bool) func(io.Writer, string) error {
	return func(out io.Writer, file string) error {
		s, err := measurePolicy(file)
		if err != nil {
			return err
		}
		if asJSON {
			e := json.NewEncoder(out)
			e.SetIndent("", "  ")
			return e.Encode(s)
		}
		return s.write(out)
	}
}

func measurePolicy(file string) (*policyStats, error) {
	s := &policyStats{File: file}
	before := heap()
	begun := time.Now()
	lap := func() (d time.Duration) {
		d, begun = time.Since(begun), time.Now()
		return d
	}
	p, err := openPolicy(file)
	if err != nil {
		return nil, err
	}
	s.Reading, s.Policy = lap(), p.Name
	c, err := p.Compile()
	if err != nil {
		return nil, err
	}
	s.Compile = lap()
	c.Need()
	s.Need = lap()
	s.Heap = heap() - before
	s.Stats = c.Stats()
	for _, l := range s.Stats.Lists {
		s.Lists += l.Reading
	}
	return s, nil
}

// heap is what is in use once garbage is gone.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func (s *policyStats) write(out io.Writer) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%s: policy %s, %s\n", s.File, s.Policy, counted(s.Rules, "rule"))
	fmt.Fprintf(t, "  loaded in %s: read in %s, of which %s for lists; compiled in %s; what to queue derived in %s\n",
		brief(s.Reading+s.Compile+s.Need), brief(s.Reading), brief(s.Lists), brief(s.Compile), brief(s.Need))
	fmt.Fprintf(t, "  memory: %s of heap held; lists and indexes are %s\n", bytesText(s.Heap), bytesText(s.Bytes))
	for _, l := range s.Stats.Lists {
		kind, place := "prefixes", ""
		if l.Domains {
			kind = "domains"
		}
		if l.Own {
			place = "a table of its own"
		}
		if l.Mapped {
			place += ", mapped"
		}
		fmt.Fprintf(t, "  list %s\t%s\t%s\t%s\t%s\n", l.Name, kind, counted(l.Entries, "entry"), bytesText(l.Bytes), strings.TrimPrefix(place, ", "))
	}
	for _, x := range s.Indexes {
		ruled := ""
		if x.Rules > 0 {
			ruled = counted(x.Rules, "rule")
		}
		fmt.Fprintf(t, "  index of %s\t%s\t%s\t%s\t%s\n", x.Of, x.Structure, counted(x.Values, "value"), ruled, bytesText(x.Bytes))
	}
	fmt.Fprintln(t, "  queued:")
	for _, line := range s.Queue.Says {
		fmt.Fprintf(t, "    %s\n", line)
	}
	fmt.Fprintln(t, "  seen by the engine:")
	for _, x := range s.Seen {
		flows := "flows that no rule hits"
		if len(x.Rules) > 0 {
			flows = strings.Join(x.Rules, ", ")
		}
		until := x.Until
		if x.Payload > 0 {
			until = fmt.Sprintf("%d: %s", x.Payload, until)
		}
		fmt.Fprintf(t, "    %s: %s\n", flows, until)
	}
	return t.Flush()
}

func brief(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}

func bytesText(n int64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.1f KB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d B", n)
}
