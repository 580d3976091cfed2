package scenarios

import (
	"fmt"
	"net/netip"
	"strings"

	"dpilab/lab/probe"
	"dpilab/rules"
)

// inWords says what a rule does.
func inWords(do *rules.Do) string {
	switch do.Mechanism {
	case rules.MechanismDrop:
		return dropInWords(do)
	case rules.MechanismFreeze:
		words := "freeze" + directionInWords(do.Direction) + " after " + countInWords(do.After)
		if do.Or.Max > 0 {
			words += " or " + countInWords(do.Or)
		}
		if do.Ban > 0 {
			words += ", for " + probe.Short(do.Ban)
		}
		return words
	case rules.MechanismReset:
		return resetInWords(do)
	case rules.MechanismPolice:
		words := "police to " + probe.Bits(float64(do.Rate*8))
		if do.Subscriber {
			words += " a subscriber"
		}
		return words
	case rules.MechanismCapacity:
		return fmt.Sprintf("%d %% of packets pass", do.Capacity) + directionInWords(do.Direction)
	case rules.MechanismRedirect:
		return "redirect to " + addressesInWords(do.Resolver)
	case rules.MechanismAnswer:
		return answerInWords(do)
	case rules.MechanismPage:
		return "send the browser to " + do.Page
	case rules.MechanismLimit:
		return fmt.Sprintf("silence for %s after more than %d flows in %s", probe.Short(do.Ban), do.Limit, probe.Short(do.Window))
	case rules.MechanismLearn:
		return "learn the server, for later"
	}
	return do.Mechanism.String()
}

func dropInWords(do *rules.Do) string {
	words := "drop both ways"
	if do.Direction != rules.Both {
		words = "drop " + do.Direction.String()
	}
	switch do.From {
	case rules.StartPayload:
		words += " from the first payload on"
	case rules.StartData:
		words += " from the first data on"
	}
	if do.After.Max > 0 {
		words += " after " + countInWords(do.After)
	}
	return words
}

func resetInWords(do *rules.Do) string {
	switch {
	case !do.Inject:
		return "reset in place of the server's packets"
	case do.Direction == rules.Down:
		return "reset sent to the client"
	case do.Direction == rules.Up:
		return "reset sent to the server"
	}
	return "reset sent to both ends"
}

func answerInWords(do *rules.Do) string {
	switch do.Answer {
	case rules.AnswerRefused:
		return "answer that the resolver refuses"
	case rules.AnswerAddress:
		return "answer with " + addressesInWords(do.Addresses)
	}
	return "answer that there is no such name"
}

func directionInWords(d rules.Direction) string {
	if d == rules.Both {
		return ""
	}
	return " " + d.String()
}

var unitNames = map[rules.Unit]string{
	rules.UnitPackets: "packets", rules.UnitPayload: "packets with payload", rules.UnitData: "packets of data", rules.UnitBytes: "bytes",
}

func countInWords(c rules.Count) string {
	return fmt.Sprintf("%d to %d %s", c.Min, c.Max, unitNames[c.Unit]) + directionInWords(c.Direction)
}

func addressesInWords(addresses []netip.Addr) string {
	words := make([]string, len(addresses))
	for i, a := range addresses {
		words[i] = a.String()
	}
	return strings.Join(words, " and ")
}
