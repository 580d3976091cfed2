// Package tools says how circumvention programs are started and how traffic gets into them: a definition a file, and the session in
// which one runs in a lab. Nothing of a program is bundled.
package tools

import (
	"context"
	"errors"

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

// Place is where a session runs.
type Place struct {
	Lab      *lab.Lab
	Services *lab.Services
	Client   *lab.Host
	Router   *lab.Host // the client's first
	Server   *lab.Host // where the server part runs; it serves nothing else on the ports of the definition
	Cover    string    // the name of a site that nobody blocks, for tools that pretend to be one
	Dir      string    // exists and belongs to the session: files, logs
}

// Missing says what the tool needs that is not here, such as "xray is not on PATH"; none when it can run.
func (t *Tool) Missing() []string { return nil }

// Version is what the program says of itself, one line; "" when it says nothing.
func (t *Tool) Version(ctx context.Context) string { return "" }

// Session is a tool in a lab: its secrets, its files and its server part, over several starts of the client part. It belongs to one
// goroutine.
type Session struct{}

// Open makes secrets, writes the server's files and starts the server part, where there is one, and waits until it is ready.
func (t *Tool) Open(ctx context.Context, p Place) (*Session, error) {
	return nil, errors.New("sessions are not built yet")
}

// Start starts the client part anew, with the goal's words filled in, and waits until it is ready.
func (s *Session) Start(ctx context.Context, goal probe.Probe) error { return nil }

// Try tries a probe through the tool. It may be called often between Start and Stop.
func (s *Session) Try(ctx context.Context, p probe.Probe) probe.Outcome { return probe.Outcome{} }

// Used says nothing when the probe's traffic went through the tool as far as the tool's side can tell (a proxy that was spoken to, a
// counter of a hook that moved, an interface that carried packets), and what speaks against it otherwise.
func (s *Session) Used() error { return nil }

// Stop ends the client part and undoes what Start did to the host. It may be called more than once.
func (s *Session) Stop() error { return nil }

// Log gives what the parts have written since Open, each line with the part before it; at most 64 KiB, the end of it.
func (s *Session) Log() string { return "" }

// Close stops the client and the server.
func (s *Session) Close() error { return nil }
