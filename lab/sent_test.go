package lab

import (
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/rules"
)

// doing starts a box with one rule of these words and this mechanism.
func doing(t *testing.T, l *Lab, when string, do rules.Do) *Box {
	t.Helper()
	p, err := rules.Parse("custom.yaml", []byte("policy: custom\ndate: 2026-01-01\nabout: one rule\nprofile: {reassembly: {tcp: true}}\nrules:\n"+
		"  - {rule: r, when: {"+when+"}, do: {drop: both}, source: {ref: choice}}\n"), nil)
	require.NoError(t, err)
	p.Rules[0].Do = do
	c, err := p.Compile()
	require.NoError(t, err)
	b, err := l.StartBox("box", BoxOptions{Policy: c, Seed: 1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b
}

// What the box sends of its own is believed by real stacks: resets to both ends and to one (B01), the stub page (B07), a forged answer
// (B29a). And what it counts falls silent for real (B19, B21).
func TestSentOnTheWire(t *testing.T) {
	l, s := subscriberLab(t)
	unknown := func(err error) bool {
		var d *net.DNSError
		return errors.As(err, &d) && d.IsNotFound
	}
	for name, c := range map[string]struct {
		when string
		do   rules.Do
		url  string
		web  func(*Lab, *Services) *http.Client
		want func(error) bool
		sent bool
	}{
		"both ends": {"sni: x.com", rules.Do{Mechanism: rules.MechanismReset, Inject: true}, "https://x.com/", client, reset, true},
		"client":    {"sni: x.com", rules.Do{Mechanism: rules.MechanismReset, Inject: true, Direction: rules.Down}, "https://x.com/", client, reset, true},
		"server":    {"sni: x.com", rules.Do{Mechanism: rules.MechanismReset, Inject: true, Direction: rules.Up}, "https://x.com/", hasty, func(err error) bool { return err != nil }, true},
		"answer":    {"query: x.com", rules.Do{Mechanism: rules.MechanismAnswer}, "https://x.com/", client, unknown, true},
		"freeze": {"sni: x.com", rules.Do{Mechanism: rules.MechanismFreeze, After: rules.Count{Range: rules.Range{Min: 25, Max: 25}, Unit: rules.UnitPayload}},
			"https://x.com/download?bytes=1000000", hasty, silent, false},
		"data": {"sni: x.com", rules.Do{Mechanism: rules.MechanismDrop, From: rules.StartData}, "https://x.com/", hasty, silent, false},
		"limit": {"sni: x.com", rules.Do{Mechanism: rules.MechanismLimit, Limit: 0, Keys: rules.LimitClient | rules.LimitSNI, Window: time.Minute, Ban: time.Minute},
			"https://x.com/", hasty, silent, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := get(client(l, s), c.url)
			require.NoError(t, err, "without a box")
			b := doing(t, l, c.when, c.do)
			_, err = get(c.web(l, s), c.url)
			require.Error(t, err)
			require.True(t, c.want(err), "%v", err)
			_, err = get(client(l, s), "https://max.ru/")
			require.NoError(t, err, "the control")
			n, err := b.Counters()
			require.NoError(t, err)
			require.Equal(t, c.sent, n.Sent > 0)
			require.Zero(t, n.SendFailed)
			require.NoError(t, b.Close())
			_, err = get(client(l, s), c.url)
			require.NoError(t, err, "the box is gone")
		})
	}
	t.Run("page", func(t *testing.T) {
		doing(t, l, "host: x.com", rules.Do{Mechanism: rules.MechanismPage, Page: "http://stub.example/"})
		for range 5 {
			web := client(l, s)
			web.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			r, err := web.Get("http://x.com/")
			require.NoError(t, err)
			_, err = io.Copy(io.Discard, r.Body)
			require.NoError(t, err)
			require.Equal(t, http.StatusFound, r.StatusCode)
			require.Equal(t, "http://stub.example/", r.Header.Get("Location"))
			r.Body.Close()
		}
	})
}
