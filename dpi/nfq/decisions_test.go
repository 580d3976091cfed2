package nfq

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/rules"
)

// Where everything that could be skipped is wanted, no rule looks for it.
func TestDecisionsSkipNothing(t *testing.T) {
	tcp, udp := uint32(1<<rules.TransportTCP), uint32(1<<rules.TransportUDP)
	some := []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}
	web := []rules.Range{{Min: 443, Max: 443}}
	for name, x := range map[string]struct {
		all       bool
		interests []rules.Interest
	}{
		"both":           {true, []rules.Interest{{Transports: tcp}, {Transports: udp}}},
		"any":            {true, []rules.Interest{{}}},
		"both in one":    {true, []rules.Interest{{Transports: tcp | udp}}},
		"and more":       {true, []rules.Interest{{To: some}, {Transports: tcp | udp}}},
		"tcp alone":      {false, []rules.Interest{{Transports: tcp}}},
		"of some places": {false, []rules.Interest{{Transports: tcp}, {Transports: udp, To: some}}},
		"of some ports":  {false, []rules.Interest{{Transports: tcp, Ports: web}, {Transports: udp}}},
		"none":           {false, nil},
	} {
		d := decide(KernelAll, true, []rules.Need{{Payload: true, Interests: x.interests}})
		require.Equal(t, x.all, d.all, name)
		require.Equal(t, x.all, len(d.interests) == 0 && len(x.interests) > 0, name)
	}
}
