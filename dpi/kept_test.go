package dpi

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

// All that rules can ask for survives being kept, but for the names of two kinds at once, which no flow has.
func TestFactsAreKept(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	names := map[rules.Protocol]func(*rules.Facts) *rules.Class{
		rules.ProtocolHTTP: func(x *rules.Facts) *rules.Class { return &x.Host },
		rules.ProtocolDNS:  func(x *rules.Facts) *rules.Class { return &x.Query },
		rules.ProtocolTLS:  func(x *rules.Facts) *rules.Class { return &x.SNI },
		rules.ProtocolQUIC: func(x *rules.Facts) *rules.Class { return &x.SNI },
		rules.ProtocolDTLS: func(x *rules.Facts) *rules.Class { return &x.SNI },
	}
	e := New(Options{Policy: policyOf(t, passAll)})
	for protocol, name := range names {
		var want rules.Facts
		for v, i := reflect.ValueOf(&want).Elem(), 0; i < v.NumField(); i++ {
			switch x := v.Field(i); x.Kind() {
			case reflect.Bool:
				x.SetBool(true)
			default:
				x.SetUint(r.Uint64()>>(64-x.Type().Bits()) | 1)
			}
		}
		want.Protocol, want.Transport = protocol, rules.TransportUDP
		class := *name(&want)
		want.Host, want.Query, want.SNI = 0, 0, 0
		*name(&want) = class
		f := flow{key: key{insidePort: want.SourcePort, outsidePort: want.Port, transport: packet.UDP}, facts: facts{
			Name: class, Certificate: want.Certificate, JA3: want.JA3, JA4: want.JA4, To: want.To, From: want.From, Signs: want.Signs, Lost: want.Lost,
			Known: want.Known, Protocol: want.Protocol, Opened: want.Opened, Hello: want.Hello, QUIC: want.QUIC, ECH: want.ECH, Again: want.Again,
			Size: want.Size,
		}}
		require.Equal(t, want, *e.facts(&f))
	}
}
