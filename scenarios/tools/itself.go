package tools

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"dpilab/lab/probe"
)

const (
	maxOutput = 1 << 20 // bytes of a program that are looked at

	// A program that moves bytes is given the time that they take at this rate, besides (choice: below what a policed flow is left with).
	slowest = 64e3 // bits a second
)

// byItself is a program that does the goal itself.
type byItself struct{ session *Session }

func (e *byItself) before(context.Context) error { return nil }

func (e *byItself) used(context.Context) error { return nil }

// try runs the program as often as the probe wants pages, each over connections of its own, until one fails.
func (e *byItself) try(ctx context.Context, p probe.Probe) probe.Outcome {
	o := e.once(ctx, p)
	for n := 2; n <= p.Times && o.Kind == probe.OK; n++ {
		o = e.once(ctx, p)
	}
	return o
}

func (e *byItself) once(ctx context.Context, p probe.Probe) probe.Outcome {
	s := e.session
	g, ok := s.tool.def.goals[p.Type]
	if !ok || p.QUIC {
		return probe.Outcome{Kind: probe.Skipped, Detail: fmt.Sprintf("%s does no %s", s.tool.Name, p.Type)}
	}
	values := maps.Clone(s.values)
	maps.Copy(values, goalValues(p))
	user := s.tool.def.client
	if user == nil {
		user = &part{}
	}
	r := s.running("client", user, values)
	defer sweep(r.mark + "-goal")
	r.launch.env = append(r.launch.env, markVariable+"="+r.mark+"-goal") // the last one counts
	limit := 3*patience(p) + time.Duration(float64(p.Bytes)*8/slowest*float64(time.Second))
	within, cancel := context.WithTimeout(ctx, max(limit, g.within))
	defer cancel()
	command := s.place.Client.Command
	if user.plain {
		command = s.place.Client.PlainCommand
	}
	argv := g.run.fill(values)
	out := &limited{}
	cmd := command(within, argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = r.launch.dir, r.launch.env
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second // for a child that keeps the pipe
	start := time.Now()
	err := cmd.Run()
	took := time.Since(start)
	for line := range strings.Lines(out.String()) {
		s.journal.add("client: " + strings.TrimRight(line, "\n"))
	}
	if within.Err() != nil {
		return probe.Outcome{Kind: probe.Timeout, After: took}
	}
	exit := (*exec.ExitError)(nil)
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		return failed(fmt.Errorf("cannot start %s: %w", argv, cause(err)))
	}
	o := probe.OutcomeOf(cmd.ProcessState.ExitCode(), out.String(), g.outcomes)
	o.After = took
	return g.measured(o, p, out.String(), s.place.Client.Line())
}

// measured adds what the program printed about itself, and to an ok transfer its rate.
func (g goal) measured(o probe.Outcome, p probe.Probe, output string, line int64) probe.Outcome {
	number := func(name string) float64 {
		e := g.measures[name]
		if e == nil {
			return 0
		}
		return lastNumber(e, output)
	}
	seconds := func(name string) time.Duration { return time.Duration(number(name) * float64(time.Second)) }
	o.Handshake, o.FirstByte = seconds("handshake"), seconds("first-byte")
	if p.Type != probe.TypeDownload {
		return o
	}
	bytes, took := int64(number("bytes")), seconds("seconds")
	if o.Kind == probe.Timeout && bytes > 0 {
		o.Kind, o.Stage, o.Bytes = probe.Stalled, "", bytes
	}
	if o.Kind != probe.OK {
		return o
	}
	switch {
	case g.measures["bytes"] == nil:
		bytes = p.Bytes
	case bytes < p.Bytes:
		return failed(fmt.Errorf("%d bytes came, expected %d", bytes, p.Bytes))
	}
	if took <= 0 {
		took = o.After
	}
	o.Transfer = &probe.Transfer{Bytes: bytes, Rate: float64(bytes*8) / max(took-o.FirstByte, time.Microsecond).Seconds(), Line: float64(line), Tries: 1}
	if o.Transfer.Slow() {
		o.Kind = probe.Throttled
	}
	return o
}

// lastNumber gives the number in the last place of a text that an expression with one group finds, 0 when there is none.
func lastNumber(e *regexp.Regexp, text string) float64 {
	all := e.FindAllStringSubmatch(text, -1)
	if len(all) == 0 {
		return 0
	}
	n, err := strconv.ParseFloat(all[len(all)-1][1], 64)
	if err != nil || n < 0 || n > 1e15 {
		return 0
	}
	return n
}

// limited keeps the beginning of what is written.
type limited struct{ bytes.Buffer }

// Write never fails.
func (l *limited) Write(b []byte) (int, error) {
	l.Buffer.Write(b[:min(len(b), maxOutput-min(l.Len(), maxOutput))])
	return len(b), nil
}
