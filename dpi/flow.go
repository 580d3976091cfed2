package dpi

import (
	"time"

	"dpilab/rules"
)

// flags are a bit each. Those of acting are the three highest, see ledger.go.
type flags uint16

const (
	flagPassed flags = 1 << iota // decided: nothing will hit it, or it is let be
	flagLooked                   // a first payload has been read, whatever it was
	flagLearnt                   // hit because its server was learnt: Do.Then applies
	flagBaseUp                   // next[0] is valid
	flagBaseDown
	flagUnread      // its payload is not read
	flagOver        // what opens it has been read; packets may still show signs
	flagCertificate // the server's flight is read for its certificate
	flagAgain       // nothing is pending but signs, and further hellos or requests are still read
	flagGivenUp     // the reading of its hello was given up, and the policy was not asked since
)

const noRule = -1

// flow is what the box remembers of one flow. It holds no pointers, only numbers of pooled things that most never need. What packets of a
// flow that is decided need comes first.
type flow struct {
	key     key
	expires time.Duration // box's clock; from then on the flow is forgotten
	packets uint32
	rule    int32  // the rule that hit, or noRule
	policy  uint16 // index into Engine.policies
	flags   flags
	ttl     [2]uint8 // of the last packet, up and down; 0: none yet
	state   tcpState
	looked  uint8 // packets with payload that were looked at; 255 is as many or more

	next     [2]uint32 // sequence number of the next unread byte, up and down
	slot     uint32    // next flow in the same slot of the wheel, or next of those that are not open
	reading  uint32    // parts of a hello that is not complete
	belief   uint32    // what its packets are weighed by; only under a policy that does not believe all, or asks for tricks
	ledger   uint32    // what acting on it needs
	payloads [2]uint8  // of those that were looked at, up and down
	depth    uint8     // packets with payload to look at at most
	long     uint8     // of those from inside that were looked at, with at least Profile.Encrypted.Size bytes
	facts    facts
}

func (f *flow) is(x flags) bool { return f.flags&x != 0 }

func (f *flow) ruleIn(e *Engine) *rules.Rule {
	if f.rule == noRule {
		return nil
	}
	return &e.policies[f.policy].compiled.Rules[f.rule]
}

// do is the mechanism that the flow is under. The flow must have been hit.
func (f *flow) do(e *Engine) *rules.Do {
	d := &e.policies[f.policy].compiled.Rules[f.rule].Do
	if f.is(flagLearnt) {
		return d.Then
	}
	return d
}
