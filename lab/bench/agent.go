package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"time"
)

// agentMode is argument 0 of the program when it is to make load.
const agentMode = "dpilab-bench-agent"

// job is what an agent is asked to do, one at a time.
type job struct {
	Kind    string        `json:"kind"` // a key of jobs
	To      netip.Addr    `json:"to"`
	For     time.Duration `json:"for,omitempty"`
	Workers int           `json:"workers,omitempty"`
	Names   []string      `json:"names,omitempty"`
	Policy  string        `json:"policy,omitempty"` // a file
	Count   int           `json:"count,omitempty"`
	Rate    int           `json:"rate,omitempty"` // a second
}

// answer is what came of it. Which fields are set is for the job to say.
type answer struct {
	Error  string        `json:"error,omitempty"`
	Done   int           `json:"done,omitempty"`
	Failed int           `json:"failed,omitempty"`
	Bytes  int64         `json:"bytes,omitempty"`
	Took   time.Duration `json:"took,omitempty"`
	Times  times         `json:"times,omitzero"`
	Open   []bool        `json:"open,omitempty"` // a name each
	Why    []string      `json:"why,omitempty"`  // not open, a name each

	Values map[string]float64   `json:"values,omitempty"`
	Counts map[uint32]int64     `json:"counts,omitempty"`
	Series map[string][]float64 `json:"series,omitempty"`
}

// times are those of what was done one after the other, in microseconds.
type times struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// agent is a process on a host that makes load.
type agent struct {
	host  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	to    *json.Encoder
	from  *json.Decoder
}

// startAgent starts the program itself, in the namespace that do runs functions in.
func startAgent(host string, do func(func() error) error) (*agent, error) {
	c := exec.Command("/proc/self/exe")
	c.Args = []string{agentMode}
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := do(c.Start); err != nil { // a child is in the namespace of the thread that makes it
		return nil, fmt.Errorf("start the load on %s: %w", host, err)
	}
	return &agent{host: host, cmd: c, stdin: in, to: json.NewEncoder(in), from: json.NewDecoder(out)}, nil
}

// ask has a job done. An agent whose job was broken off by ctx is of no more use.
func (a *agent) ask(ctx context.Context, j job) (answer, error) {
	var x answer
	defer context.AfterFunc(ctx, func() { _ = a.cmd.Process.Kill() })()
	err := a.to.Encode(j)
	if err == nil {
		err = a.from.Decode(&x)
	}
	switch {
	case ctx.Err() != nil:
		return x, ctx.Err()
	case err != nil:
		return x, fmt.Errorf("%s: the load has ended: %w", a.host, err)
	case x.Error != "":
		return x, fmt.Errorf("%s: %s: %s", a.host, j.Kind, x.Error)
	}
	return x, nil
}

// close ends the process.
func (a *agent) close() {
	_ = a.stdin.Close()
	_ = a.cmd.Process.Kill()
	_ = a.cmd.Wait()
}

// aloneRounds is how often what shares the machine with nothing of ours is measured: it varies less.
func (r *runner) aloneRounds() int { return min(r.o.Rounds, 3) }

// alone has a job done by a process that does nothing else, on no host, with a heap of its own.
func (r *runner) alone(j job) (answer, error) {
	a, err := startAgent("a process of its own", func(f func() error) error { return f() })
	if err != nil {
		return answer{}, err
	}
	defer a.close()
	return a.ask(r.ctx, j)
}

// Hidden serves the mode in which the program starts itself to make load, and does not return then. A program that calls Run calls
// it first, beside lab.Hidden.
func Hidden() {
	if len(os.Args) == 0 || os.Args[0] != agentMode {
		return
	}
	if err := serveJobs(os.Stdin, os.Stdout); !errors.Is(err, io.EOF) {
		fmt.Fprintln(os.Stderr, "dpilab: load of a benchmark:", err)
		os.Exit(1)
	}
	os.Exit(0)
}
