// Package opengfw turns rules of OpenGFW into a policy, where they can be expressed in one, and says of each what cannot, and
// what comes out otherwise.
//
// What a rule of OpenGFW means is taken from its source, version 0.4.1 (engine, ruleset and analyzer), since its documentation
// leaves the corners open:
//
//   - Rules are tried in their order whenever something new is known of a stream, and the first that holds then wins, as in a
//     policy: a rule by address decides with the first packet, before one above it that waits for a name.
//   - allow ends the matter. block, and drop for TCP, drop the deciding packet and all further ones of the stream, in silence; an
//     RST is only sent where the program's own configuration says so (io.rst), which a rule file does not show. drop for UDP takes
//     single packets. modify replaces the answers of a DNS response.
//   - What is not known is nil. string() makes the text "<nil>" of it, and an expression that touches a member of nil, or asks
//     endsWith of it, ends its rule with an error, which counts as not holding.
//
// An expression is brought into alternatives (or) of conditions (and): each alternative becomes a rule. "not" becomes an unless
// where both know what it asks for when the rest of the alternative is known; elsewhere OpenGFW decides before there is a name,
// and no rule here does the same.
//
// Lists that geosite() and geoip() name become files of the policy, which dpilab lists import makes.
package opengfw

import "strconv"

// Options say what the policy is called. Name is that of its file, without .yaml; Date is an ISO date.
type Options struct {
	Name string
	Date string
}

// Kind says what a note is about.
type Kind uint8

// The kinds of notes, the worst first.
const (
	Cannot  Kind = iota // a rule, or an alternative of it, that is not in the policy
	Differs             // it is, and something comes out otherwise
	Needs               // a file that the policy reads and that must be made
	Nothing             // a rule that has nothing to do in a policy
)

var kindNames = [...]string{"cannot", "differs", "needs", "nothing"}

// String gives the word that reports use.
func (k Kind) String() string { return kindNames[k] }

// Note is one thing to know of a rule.
type Note struct {
	File string
	Line int    // of the rule, from 1
	Rule string // its name
	Kind Kind
	Text string
}

// String gives file:line: kind: rule: text, in one line.
func (n Note) String() string {
	return n.File + ":" + strconv.Itoa(n.Line) + ": " + n.Kind.String() + ": " + strconv.Quote(n.Rule) + ": " + n.Text
}

// Result is what became of a file.
type Result struct {
	Policy []byte // nil when no rule could be expressed
	Notes  []Note // in the order of the file
	Rules  int    // in the file
	Made   int    // rules in the policy
}

// Complete tells whether every rule went over whole.
func (r *Result) Complete() bool {
	for _, n := range r.Notes {
		if n.Kind == Cannot {
			return false
		}
	}
	return true
}
