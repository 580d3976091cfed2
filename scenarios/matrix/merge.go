package matrix

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Part is a result that is to be merged, with the name of its file for messages.
type Part struct {
	File   string
	Result *Result
}

// Merge puts the shards of one matrix together: the result is what one run of the whole gives, but for times. Parts of different plans,
// seeds or versions are refused, and so are shards that are there twice or missing. The parts are not to be changed any more: the
// result shares what they have.
func Merge(parts []Part) (*Result, error) {
	if len(parts) == 0 {
		return nil, fmt.Errorf("nothing to merge: expected the results of dpilab matrix --shard 1/N to N/N")
	}
	if err := allShards(parts); err != nil {
		return nil, err
	}
	first := parts[0]
	whole := *first.Result
	whole.Shards, whole.Seconds, whole.Cells = nil, 0, nil
	whole.Tools, whole.Phases = slices.Clone(whole.Tools), slices.Clone(whole.Phases)
	for _, p := range parts {
		if why := differs(first.Result, p.Result); why != "" {
			return nil, fmt.Errorf("%s and %s are not of one matrix: %s", first.File, p.File, why)
		}
		whole.Seconds += p.Result.Seconds
		whole.Partial = whole.Partial || p.Result.Partial
		whole.Labs = max(whole.Labs, p.Result.Labs)
		if p.Result.Started.Before(whole.Started) {
			whole.Started = p.Result.Started
		}
		if err := whole.take(p); err != nil {
			return nil, err
		}
	}
	whole.sort()
	return &whole, nil
}

// allShards tells which shards are missing or there twice.
func allShards(parts []Part) error {
	of, from := 0, map[int]string{}
	for _, p := range parts {
		if len(p.Result.Shards) == 0 {
			return fmt.Errorf("%s is no shard: it is a whole result, or merged already", p.File)
		}
		for _, s := range p.Result.Shards {
			shard, err := ParseShard(s)
			i, n := shard.Index, shard.Of
			switch {
			case err != nil:
				return fmt.Errorf("%s: %w", p.File, err)
			case of != 0 && n != of:
				return fmt.Errorf("%s is shard %s, and %s is one of %d", p.File, s, parts[0].File, of)
			case from[i] != "":
				return fmt.Errorf("shard %s is there twice: %s and %s", s, from[i], p.File)
			}
			of, from[i] = n, p.File
		}
	}
	var missing []string
	for i := 1; i <= of; i++ {
		if from[i] == "" && len(missing) == 10 {
			missing = append(missing, "…")
			break
		}
		if from[i] == "" {
			missing = append(missing, fmt.Sprintf("%d/%d", i, of))
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("missing: shard %s", strings.Join(missing, ", "))
	}
	return nil
}

// differs says in what two results are not of one matrix; "" when they are.
func differs(a, b *Result) string {
	switch {
	case a.Dpilab != b.Dpilab:
		return fmt.Sprintf("dpilab is %s in the one and %s in the other", a.Dpilab, b.Dpilab)
	case a.Seed != b.Seed:
		return fmt.Sprintf("the seed is %d in the one and %d in the other", a.Seed, b.Seed)
	case a.Repeat != b.Repeat:
		return fmt.Sprintf("a cell has %s in the one and %d in the other", plural(a.Repeat, "try", "tries"), b.Repeat)
	}
	names := func(r *Result) (tools, phases []string) {
		for i := range r.Tools {
			tools = append(tools, r.Tools[i].Name)
		}
		for i := range r.Phases {
			phases = append(phases, fmt.Sprintf("%s (%s)", &r.Phases[i], r.Phases[i].Date))
		}
		return tools, phases
	}
	aTools, aPhases := names(a)
	bTools, bPhases := names(b)
	if why := unlike("tool", aTools, bTools); why != "" {
		return why
	}
	if why := unlike("policy", aPhases, bPhases); why != "" {
		return why
	}
	for i := range a.Tools {
		x, y := a.Tools[i].Version, b.Tools[i].Version
		if x != y && x != "" && y != "" {
			return fmt.Sprintf("%s is %q in the one and %q in the other", a.Tools[i].Name, x, y)
		}
	}
	return ""
}

// unlike names the first difference of two lists.
func unlike(what string, a, b []string) string {
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(a):
			return fmt.Sprintf("only the second has the %s %s", what, b[i])
		case i >= len(b):
			return fmt.Sprintf("only the first has the %s %s", what, a[i])
		case a[i] != b[i]:
			return fmt.Sprintf("%s %d is %s in the one and %s in the other", what, i+1, a[i], b[i])
		}
	}
	return ""
}

// take adds what a part has found.
func (r *Result) take(p Part) error {
	for i := range r.Tools {
		t, from := &r.Tools[i], &p.Result.Tools[i]
		if t.Version == "" {
			t.Version = from.Version
		}
		for _, m := range from.Missing {
			if !slices.Contains(t.Missing, m) {
				t.Missing = append(slices.Clip(t.Missing), m)
			}
		}
	}
	for i := range r.Phases {
		t, from := &r.Phases[i], &p.Result.Phases[i]
		if len(t.Proofs) == 0 || t.Broken == "" && from.Broken != "" {
			t.Proofs, t.Broken = from.Proofs, from.Broken
		}
	}
	for i := range p.Result.Cells {
		c := &p.Result.Cells[i]
		if slices.ContainsFunc(r.Cells, func(o Cell) bool { return o.Tool == c.Tool && o.column() == c.column() }) {
			return fmt.Errorf("%s: %s is in another shard too", p.File, c)
		}
	}
	r.Cells = append(r.Cells, p.Result.Cells...)
	return nil
}

// sort puts the cells in the order of Tools and Phases.
func (r *Result) sort() {
	tools, phases := map[string]int{}, map[string]int{}
	for i := range r.Tools {
		tools[r.Tools[i].Name] = i
	}
	for i := range r.Phases {
		phases[r.Phases[i].Scenario+"/"+r.Phases[i].Name] = i
	}
	slices.SortStableFunc(r.Cells, func(a, b Cell) int {
		if d := tools[a.Tool] - tools[b.Tool]; d != 0 {
			return d
		}
		return phases[a.column()] - phases[b.column()]
	})
}

// Moved gives the result for a file in the folder to, where the captures that its runs kept are named relative to the folder from.
func (r *Result) Moved(from, to string) (*Result, error) {
	moved := *r
	moved.Cells = slices.Clone(r.Cells)
	for i := range moved.Cells {
		c := &moved.Cells[i]
		c.Runs = slices.Clone(c.Runs)
		for j := range c.Runs {
			if c.Runs[j].Kept == "" || filepath.IsAbs(c.Runs[j].Kept) {
				continue
			}
			kept, err := relative(filepath.Join(from, c.Runs[j].Kept), to)
			if err != nil {
				return nil, err
			}
			c.Runs[j].Kept = kept
		}
	}
	return &moved, nil
}

func relative(name, folder string) (string, error) {
	name, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	if folder, err = filepath.Abs(folder); err != nil {
		return "", err
	}
	rel, err := filepath.Rel(folder, name)
	return filepath.ToSlash(rel), err
}
