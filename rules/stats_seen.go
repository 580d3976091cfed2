package rules

// EncryptedPackets is how many packets with payload of a flow are counted for TrickEncrypted at most (choice: a few round trips, in which a
// tunnel with TLS inside has long shown itself).
const EncryptedPackets = 64

// SeenStats says how long the engine must see flows before it can leave them to the kernel, to be passed or dropped.
type SeenStats struct {
	Rules   []string `json:"rules"`   // that hit them; none: flows that no rule hits
	Payload int      `json:"payload"` // packets with payload at most; 0: the first packet, with payload or without. -1: there is no such bound
	Until   string   `json:"until"`   // in words
}

const (
	atOnce   = "at once"
	toItsEnd = "to its end"
)

func (c *Compiled) seenStats() []SeenStats {
	all := []SeenStats{c.seenUnhit()}
	all[0].Rules = []string{}
	places := map[string]int{}
	for i := range c.Rules {
		do := &c.Rules[i].Do
		until := do.seenUntil()
		if c.Profile.MidStream == MidStreamDrops && (do.Mechanism == MechanismPass || do.Mechanism == MechanismLearn) {
			until = toItsEnd
		}
		at, ok := places[until]
		if !ok {
			at = len(all)
			places[until] = at
			all = append(all, SeenStats{Payload: -1, Until: until})
			if until == atOnce {
				all[at].Payload = 0
			}
		}
		all[at].Rules = append(all[at].Rules, c.Rules[i].Name)
	}
	return all
}

// seenUnhit is about flows that no rule hits: they are seen for as long as one could.
func (c *Compiled) seenUnhit() SeenStats {
	again := false
	for i := range c.Rules {
		again = again || c.Rules[i].Again
	}
	switch {
	case c.Profile.MidStream == MidStreamDrops:
		return SeenStats{Payload: -1, Until: toItsEnd + ": one that the kernel passed longer than the engine knows it would be met in its middle"}
	case again:
		return SeenStats{Payload: -1, Until: toItsEnd + ", as far as a rule that is asked again about each hello or request could hit"}
	case c.Profile.HTTPEvery && c.reads.Has(FactHost):
		return SeenStats{Payload: -1, Until: toItsEnd + ", if tcp: every request is read"}
	case c.reads&^headerFacts == 0:
		return SeenStats{Until: "the first packet, whose headers decide"}
	}
	s := SeenStats{Payload: min(c.Profile.Inspect.Max, 255), Until: "so many packets with payload are inspected"}
	if c.signs.Tricks[TrickEncrypted] != 0 && s.Payload < EncryptedPackets {
		s = SeenStats{Payload: EncryptedPackets, Until: "so many packets with payload are watched for the trick encrypted"}
	}
	return s
}

// seenUntil says how long a flow is seen from the packet on that decided it.
func (d *Do) seenUntil() string {
	switch d.Mechanism {
	case MechanismPass:
		return atOnce
	case MechanismLearn:
		return atOnce + "; later flows to the learnt address and port: " + d.Then.seenUntil()
	case MechanismDrop, MechanismFreeze:
		switch {
		case d.Direction != Both: // the kernel knows no directions
			return toItsEnd
		case d.Refresh: // each packet makes the time longer
			return toItsEnd
		case d.Mechanism == MechanismFreeze && d.Or.Max > 0:
			return "until " + d.After.String() + " or " + d.Or.String() + " have come"
		case d.Mechanism == MechanismFreeze:
			return "until " + d.After.String() + " have come"
		case d.After.Max > 0:
			return "until " + d.After.String() + " have passed"
		case d.From != StartPacket:
			return "until the first packet that is dropped"
		}
		return atOnce
	}
	return toItsEnd
}
