package scenarios

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/dpi"
	"dpilab/rules"
)

func TestMechanismsInWords(t *testing.T) {
	for want, do := range map[string]rules.Do{
		"drop up from the first data on after 2 to 2 packets of data": {
			Mechanism: rules.MechanismDrop, Direction: rules.Up, From: rules.StartData, After: rules.Count{Range: rules.Range{Min: 2, Max: 2}, Unit: rules.UnitData},
		},
		"freeze after 15000 to 20000 bytes down, for 600 s": {
			Mechanism: rules.MechanismFreeze, After: rules.Count{Range: rules.Range{Min: 15000, Max: 20000}, Unit: rules.UnitBytes, Direction: rules.Down}, Ban: 10 * time.Minute,
		},
		"reset sent to both ends":                           {Mechanism: rules.MechanismReset, Inject: true},
		"answer that there is no such name":                 {Mechanism: rules.MechanismAnswer},
		"answer with 192.0.2.1":                             {Mechanism: rules.MechanismAnswer, Answer: rules.AnswerAddress, Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1")}},
		"silence for 120 s after more than 3 flows in 60 s": {Mechanism: rules.MechanismLimit, Limit: 3, Window: time.Minute, Ban: 2 * time.Minute},
		"send the browser to http://stub.example/":          {Mechanism: rules.MechanismPage, Page: "http://stub.example/"},
		"30 % of packets pass up":                           {Mechanism: rules.MechanismCapacity, Direction: rules.Up, Capacity: 30},
		"drop both ways after 5 to 8 packets":               {Mechanism: rules.MechanismDrop, After: rules.Count{Range: rules.Range{Min: 5, Max: 8}}},
	} {
		require.Equal(t, want, inWords(&do))
	}
}

// A rule that counts is the reason of nothing until it drops.
func TestWhyOfRulesThatCount(t *testing.T) {
	r := &recorder{log: newEventLog(nil)}
	limit := &rules.Rule{Do: rules.Do{Mechanism: rules.MechanismLimit}}
	r.see("box", dpi.Event{Kind: dpi.EventHit, Rule: limit})
	require.Empty(t, r.hits)
	r.see("box", dpi.Event{Kind: dpi.EventDrop, Rule: limit})
	r.see("box", dpi.Event{Kind: dpi.EventDrop, Rule: limit})
	require.Len(t, r.hits, 1)
}
