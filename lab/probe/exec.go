package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"dpilab/lab/service"
)

// maxOutput is how much of a program's output is looked at.
const maxOutput = 1 << 20

// exec runs a program on the client, which trusts the lab's CA, and reads the outcome from its exit code and its output.
func (a *attempt) exec(ctx context.Context) Outcome {
	for _, program := range a.Needs {
		if _, err := exec.LookPath(program); err != nil {
			return Outcome{Kind: Skipped, Detail: program + " is not installed"}
		}
	}
	start := time.Now()
	runCtx, cancel := context.WithTimeout(ctx, a.Timeout)
	defer cancel()
	out := &limited{}
	cmd := a.From.Host.Command(runCtx, a.Argv[0], a.Argv[1:]...)
	a.story.add("runs %s", a.Target())
	cmd.Env = append(os.Environ(), service.Env(a.Services.CAFile)...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.WaitDelay = time.Second // for a child that keeps the pipe
	err := cmd.Run()
	if runCtx.Err() != nil {
		return Outcome{Kind: Timeout, After: time.Since(start)}
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return failed(err)
	}
	code := cmd.ProcessState.ExitCode()
	return OutcomeOf(code, out.String(), a.Results)
}

// Result says what an exit code or an output of a program means.
type Result struct {
	Exit   int    // -1: any
	Output string // a regular expression that the output matches. "": any
	Kind   Kind
	Stage  Stage
}

// OutcomeOf says what a program came to: the first result that fits. Without one, exit code 0 is ok and every other an error.
func OutcomeOf(code int, output string, results []Result) Outcome {
	for _, r := range results {
		if r.Exit >= 0 && r.Exit != code {
			continue
		}
		if r.Output != "" {
			match, err := regexp.MatchString(r.Output, output)
			if err != nil {
				return failed(err)
			}
			if !match {
				continue
			}
		}
		return Outcome{Kind: r.Kind, Stage: r.Stage}
	}
	if code == 0 {
		return Outcome{Kind: OK}
	}
	lines := strings.Split(strings.TrimSpace(output), "\n")
	return failed(fmt.Errorf("exit code %d: %s", code, lines[len(lines)-1]))
}

// CurlResults gives the exit codes of curl(1), the section EXIT CODES. The first line on a reset is what OpenSSL and GnuTLS
// say, in curl's words.
func CurlResults() []Result {
	const reset = "(?i)connection reset|connection was reset"
	return []Result{
		{Exit: 6, Kind: NXDomain},
		{Exit: 7, Kind: Refused},
		{Exit: 28, Kind: Timeout},
		{Exit: 35, Output: reset, Kind: Reset, Stage: StageHello},
		{Exit: 52, Kind: Closed, Stage: StageRequest},
		{Exit: 56, Output: reset, Kind: Reset, Stage: StageRequest},
	}
}

// limited keeps the beginning of what is written.
type limited struct{ bytes.Buffer }

// Write never fails.
func (l *limited) Write(b []byte) (int, error) {
	l.Buffer.Write(b[:min(len(b), maxOutput-min(l.Len(), maxOutput))])
	return len(b), nil
}
