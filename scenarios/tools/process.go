package tools

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"dpilab/lab"
)

const (
	grace     = 1500 * time.Millisecond // from SIGTERM to SIGKILL (choice)
	lastWords = 500 * time.Millisecond  // for what is still in the pipe of a process that has ended
)

// markVariable is in the environment of everything that a part starts, also of what has left its process group.
const markVariable = "DPILAB_TOOL"

// process is a program of a part that runs.
type process struct {
	text string // the command, for messages
	cmd  *exec.Cmd
	out  *writing
	pipe *os.File
	done chan struct{} // closed when it has ended
	err  error         // of its end, once done is closed

	heard sync.Once // its last words were waited for
}

// launch is what a part's programs have in common.
type launch struct {
	host  *lab.Host
	plain bool
	dir   string
	env   []string
	part  string // server or client, for the journal
}

// start starts a program. When ctx ends, it and its process group are killed.
func (l launch) start(ctx context.Context, c command, j *journal, conditions ...condition) (*process, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer w.Close()
	command := l.host.Command
	if l.plain {
		command = l.host.PlainCommand
	}
	p := &process{text: c.String(), pipe: r, done: make(chan struct{})}
	p.cmd = command(ctx, c[0], c[1:]...)
	p.cmd.Dir, p.cmd.Env = l.dir, l.env
	p.cmd.Stdout, p.cmd.Stderr = w, w // a file, so that the end of the process is not put off by children that keep it open
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.Cancel = func() error { return syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) }
	p.out = &writing{journal: j, part: l.part, done: make(chan struct{})}
	for _, c := range conditions {
		if c.regexp != nil {
			p.out.want(c.regexp)
		}
	}
	if err := p.cmd.Start(); err != nil {
		r.Close()
		return nil, fmt.Errorf("%s on %s: cannot start %s: %w", l.part, l.host.Name, p.text, cause(err))
	}
	go p.out.follow(r)
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// cause is the error itself, without the words around it that say again what was started.
func cause(err error) error {
	if e := (*exec.Error)(nil); errors.As(err, &e) {
		return e.Err
	}
	if e := (*os.PathError)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}

// ended says in words how the process ended, "" while it runs.
func (p *process) ended() string {
	select {
	case <-p.done:
	default:
		return ""
	}
	p.listen()
	var exit *exec.ExitError
	switch {
	case p.err == nil:
		return "ended with exit code 0"
	case errors.As(p.err, &exit):
		if s, ok := exit.Sys().(syscall.WaitStatus); ok && s.Signaled() {
			return "was ended by the signal " + s.Signal().String()
		}
		return fmt.Sprintf("ended with exit code %d", exit.ExitCode())
	}
	return "ended: " + p.err.Error()
}

// listen waits, once, for what a process that has ended has written: a child of it may keep the pipe open.
func (p *process) listen() {
	p.heard.Do(func() {
		select {
		case <-p.out.done:
		case <-time.After(lastWords):
		}
	})
}

// wait waits until the process ends or ctx is done.
func (p *process) wait(ctx context.Context) error {
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// stop ends the process and its group, and waits for it.
func (p *process) stop() {
	group := -p.cmd.Process.Pid
	select {
	case <-p.done:
	default:
		_ = syscall.Kill(group, syscall.SIGTERM) // the group may be gone, here and below
		select {
		case <-p.done:
		case <-time.After(grace):
		}
	}
	_ = syscall.Kill(group, syscall.SIGKILL)
	<-p.done
	p.listen()
	p.pipe.Close()
	<-p.out.done
}

// sweep kills what has left its process group, such as daemons, by the mark in its environment.
func sweep(mark string) {
	entry := []byte(markVariable + "=" + mark + "\x00")
	for range 100 {
		found := false
		files, _ := filepath.Glob("/proc/[0-9]*/environ") // the pattern is right
		for _, f := range files {
			env, err := os.ReadFile(f)
			if err != nil || !bytes.Contains(append(env, 0), entry) {
				continue
			}
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(f)))
			if err != nil || pid == os.Getpid() {
				continue
			}
			found = true
			_ = syscall.Kill(pid, syscall.SIGKILL)
			_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil) // a daemon whose parent died is a child of pid 1, which is this process
		}
		if !found {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}
