package tools

import (
	"regexp"
	"time"

	"dpilab/lab/probe"
)

// definition is what a file says of one tool, with the variant's keys put in place. Texts are templates.
type definition struct {
	version command
	needs   []string // programs, and the words of devices
	secrets []secret
	files   []file
	server  *part // nil: none
	client  *part // nil: none
	traffic traffic
	goals   map[probe.Type]goal // traffic: client
	builtin builtin             // traffic: builtin
}

// file is written into the tool's folder.
type file struct{ name, text string }

// secret is made anew for each session.
type secret struct {
	name, kind string
	length     int
	of         string // certificate: template of the name that it is for
}

// part is what runs on one host.
type part struct {
	router bool // the client part, on the client's first router
	plain  bool // without capabilities
	before []command
	run    command // nil: nothing runs on
	ready  []condition
	within time.Duration
	after  []command
	undo   []command
	env    []variable
}

// command is a program and its arguments, each a template.
type command []string

// variable is one of the environment; value is a template.
type variable struct{ name, value string }

// condition tells that a part is ready.
type condition struct {
	kind   string // a word of conditionKinds
	text   string // as written: the file, the interface; a template
	port   uint16
	regexp *regexp.Regexp
}

// way is how traffic gets into a tool.
type way string

const (
	waySOCKS5  way = "socks5"  // the client resolves
	waySOCKS5H way = "socks5h" // the far end resolves
	wayHTTP    way = "http"    // CONNECT; the far end resolves
	wayTUN     way = "tun"
	wayHook    way = "hook"
	wayDNS     way = "dns"
	wayClient  way = "client"
	wayBuiltin way = "builtin"
)

type traffic struct {
	way      way
	at       string  // template: HOST:PORT of a proxy or a resolver; tun: the interface
	user     string  // of a proxy; templates
	password string  //
	udp      bool    // the SOCKS proxy relays datagrams
	counter  command // hook
	resolver string  // template: "address:port" of a resolver that is asked in place of the client's; "": the client's
}

// goal is how a program does one thing itself.
type goal struct {
	run      command
	within   time.Duration // it ends, where that is longer than what the goal itself says
	outcomes []probe.Result
	measures map[string]*regexp.Regexp // by a word of measureNames
}

// builtin is a tool in this program.
type builtin struct{ name, option string }
