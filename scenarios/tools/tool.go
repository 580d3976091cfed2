// Package tools says how circumvention programs are started and how traffic gets into them: a definition a file, and the session in
// which one runs in a lab. Nothing of a program is bundled.
//
//	all, err := tools.Open("xray")                        // its variants
//	s, err := all[0].Open(ctx, tools.Place{...})          // secrets, files, the server part
//	err = s.Start(ctx, goal)                              // the client part
//	o := s.Try(ctx, goal)                                 // what comes of it through the tool
//	err = s.Used()                                        // whether the tool had a part in it
//	err = s.Close()                                       // nothing is left
package tools

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"dpilab/lab"
	"dpilab/lab/probe"
)

// Tool is one way to run one program: a definition, or a variant of it. Nothing here changes it.
type Tool struct {
	Name  string // the file's name; a variant's is NAME/VARIANT
	About string
	Link  string
	File  string // where it was read from
	Tried bool   // false: checked against its documentation only

	Direct  bool         // its flows lead to the site itself, changed; otherwise all of them lead to its server
	Carries []probe.Type // the goals that it can be measured by

	def *definition
}

// HasServer tells whether the tool has a server part, without which a place needs no Server.
func (t *Tool) HasServer() bool { return t.def.server != nil }

// OnRouter tells whether the client part runs on the client's first router: what leaves the client itself has then not met the tool yet.
func (t *Tool) OnRouter() bool { return t.def.client != nil && t.def.client.router }

// Missing says what the tool needs that is not here, such as "xray is not on PATH"; none when it can run. What the kernel has shows only
// to a process that has been through lab.Enter.
func (t *Tool) Missing() []string {
	var all []string
	for _, need := range t.def.needs {
		switch need {
		case "tun":
			f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
			if err != nil {
				all = append(all, fmt.Sprintf("/dev/net/tun cannot be opened: %v", cause(err)))
				continue
			}
			f.Close()
		case "nfqueue":
			if err := lab.Missing(); err != nil {
				all = append(all, err.Error())
			}
		case "raw": // the root of a lab has raw sockets
		default:
			if _, err := exec.LookPath(need); err != nil {
				all = append(all, need+" is not on PATH")
			}
		}
	}
	return all
}

// versions are what programs have said, by command.
var versions sync.Map

// versionTimeout is enough for a program that loads an interpreter first (choice).
const versionTimeout = 3 * time.Second

// Version is what the program says of itself, one line; "" when it says nothing within three seconds, or is missing. A program is asked
// once.
func (t *Tool) Version(ctx context.Context) string {
	c := t.def.version
	if len(c) == 0 {
		return ""
	}
	if v, ok := versions.Load(c.String()); ok {
		return v.(string)
	}
	within, cancel := context.WithTimeout(ctx, versionTimeout)
	defer cancel()
	cmd := exec.CommandContext(within, c[0], c[1:]...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput() // some say it on standard error, some with an exit code that is not 0
	exit := (*exec.ExitError)(nil)
	v := ""
	if err == nil || errors.As(err, &exit) && within.Err() == nil {
		v = firstLine(string(out))
	}
	if ctx.Err() == nil {
		versions.Store(c.String(), v)
	}
	return v
}

// firstLine gives the first line with a digit in it, which banners have none of, or else the first that says something; at most 120
// letters of it.
func firstLine(text string) string {
	first := ""
	for line := range strings.Lines(text) {
		line = strings.Join(strings.Fields(strings.ToValidUTF8(line, "?")), " ")
		r := []rune(line)
		line = string(r[:min(len(r), 120)])
		if strings.ContainsAny(line, "0123456789") {
			return line
		}
		if first == "" {
			first = line
		}
	}
	return first
}
