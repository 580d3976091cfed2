package rules

// Policy is a policy file as written: what a box needs, dated. It is plain data; Compile makes it fast.
type Policy struct {
	Name    string // "policy:", the file's name without its ending
	Date    string // ISO date from which the policy describes the real thing
	About   string
	File    string // where it was read from, for messages
	Profile Profile
	Rules   []Rule // in the order in which they win: own rules, then those of the policy it extends
	lists   map[string]*List
}

// Rule is one thing to look for and what to do then.
type Rule struct {
	Name   string
	When   Condition   // joined by and
	Unless []Condition // a flow that meets one of them is not hit; a zero Condition excepts nothing
	Do     Do
	Chance Chance // of the flows that the rule is for; the zero Chance is all of them
	Again  bool   // asked again with each further hello or request of a flow, even one that an earlier packet cleared (FOCI26)
	Source Source
	Policy string // the policy that the rule was written in
	Line   int    // where, in that policy's file
	file   string
}

// Source says where a behaviour is known from.
type Source struct {
	Ref        string // keys of docs and papers, or "choice" for a value of our own
	Confidence string // P, P2, C, D, A, MEM, or "choice"
}

// String is the source as messages show it: "IMC22 (P)" or "choice".
func (s Source) String() string {
	if s.Ref == s.Confidence || s.Confidence == "" {
		return s.Ref
	}
	return s.Ref + " (" + s.Confidence + ")"
}

// Chance is a share of flows, and how it is drawn. The zero Chance is every flow.
type Chance struct {
	Share float64 // above 0, to 1; 0 in the zero Chance
	Of    ChanceOf
}

// ChanceOf is what a draw belongs to. A coin falls anew for each flow that opens; the others are hashes with the box's
// seed: the same 5-tuple, client, or server port always fares alike.
type ChanceOf uint8

// The kinds of draw.
const (
	ChanceCoin ChanceOf = iota
	ChanceFlow
	ChanceClient
	ChancePort
)
