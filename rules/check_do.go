package rules

import "dpilab/internal/strictyaml"

// minBurst is a bucket that lets a full packet through. With less, policing would be dropping.
const minBurst = 1500

// checkDo looks at what the words of a mechanism say together.
func checkDo(n strictyaml.Node, d *Do, fields []strictyaml.Field) error {
	has := func(word string) bool { return strictyaml.Find(fields, word) != nil }
	at := func(word string) strictyaml.Node { return strictyaml.Find(fields, word).Key }
	switch d.Mechanism {
	case MechanismPolice:
		if d.Burst == 0 {
			return n.Fail("found police without burst, expected a size such as burst: 16KB")
		}
	case MechanismLearn:
		if d.Delay == 0 || d.Then == nil {
			return n.Fail("found learn without after and then, expected {learn: server port, after: 10m, then: {drop: both}}")
		}
	case MechanismFreeze:
		switch {
		case !has("after"):
			return n.Fail("found freeze without after, expected what passes before, such as after: 25 payload packets; to drop at once: {drop: both}")
		case has("hold") && !has("ban"):
			return at("hold").Fail("found hold without ban, expected a time such as ban: 10m")
		case has("ban") && !has("hold"):
			return at("ban").Fail("found ban without hold, expected what is banned: hold: flow, pair or server")
		}
	case MechanismLimit:
		for _, word := range []string{"per", "window", "ban"} {
			if !has(word) {
				return n.Fail("found limit without %s, expected {limit: 3 flows, per: [client, server], window: 60s, ban: 120s}", word)
			}
		}
	case MechanismReset:
		if has("ttl") && !d.Inject {
			return at("ttl").Fail("found ttl beside reset: server packet, whose packets keep their own, expected reset: both ends, client or server")
		}
	}
	switch {
	case has("from") && has("after"):
		return at("from").Fail("found from beside after, expected one of the two: after counts from the packet that decided")
	case d.Refresh && d.Residual == 0:
		return at("refresh").Fail("found refresh without residual, expected a time that it starts again")
	case has("hold") && d.Mechanism != MechanismFreeze && d.Residual == 0:
		return at("hold").Fail("found hold without residual, expected a time such as residual: 75s")
	}
	return nil
}
