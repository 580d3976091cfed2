package matrix

import (
	"slices"
	"strings"
	"time"
)

// trying says what is being tried now; what it gives says that it no longer is.
func (r *runner) trying(words ...string) func() {
	name := strings.Join(words, " ")
	r.mu.Lock()
	r.running = append(r.running, name)
	r.tellLocked(nil)
	r.mu.Unlock()
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if i := slices.Index(r.running, name); i >= 0 {
			r.running = slices.Delete(r.running, i, i+1)
		}
	}
}

// put puts a cell that is done into the result.
func (r *runner) put(c *Cell) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Cells = append(r.result.Cells, *c)
	r.done++
	if i := slices.Index(r.running, c.String()); i >= 0 {
		r.running = slices.Delete(r.running, i, i+1)
	}
	r.tellLocked(&r.result.Cells[len(r.result.Cells)-1])
}

func (r *runner) tell(c *Cell) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tellLocked(c)
}

func (r *runner) tellLocked(c *Cell) {
	if r.Update == nil {
		return
	}
	p := Progress{Result: r.result, Done: r.done + r.skipped, Of: r.of + r.skipped, Running: slices.Clone(r.running), Cell: c}
	if took := time.Since(r.begun); r.done > 0 && r.done < r.of {
		p.Left = took / time.Duration(r.done) * time.Duration(r.of-r.done)
	}
	r.Update(p)
}
