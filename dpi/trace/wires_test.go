package trace

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/rules"
)

// wire is a Path without boxes: but for TTLs that end, all comes out of it, or nothing does.
type wire struct {
	Path
	cut bool
}

func openWire(cut bool) Open {
	return func(s Setup) (Path, error) {
		hops := slices.DeleteFunc(slices.Clone(s.Elements), func(e Element) bool { return !e.Hop })
		p, err := NewVirtual(Setup{Elements: hops, Seed: s.Seed})
		return &wire{p, cut}, err
	}
}

func (w *wire) Send(batch []Sent) ([]Output, error) {
	if w.cut {
		return nil, nil
	}
	return w.Path.Send(batch)
}

func (*wire) SetPolicy(string, *rules.Compiled) error { return nil }
func (*wire) Power(string, bool) error                { return nil }

// A trace that holds on a wire which does nothing, or lets nothing pass, shows nothing of the box: each needs a control.
func TestShippedTracesNeedABox(t *testing.T) {
	withoutBox := []string{
		"O051", // a network that delays, with no box at work
		"O092", // that the box changes nothing is what it shows
		"O096", // its path has no box
	}
	for _, name := range Names() {
		tr, err := Find(name)
		require.NoError(t, err)
		for _, cut := range []bool{false, true} {
			r, err := Run(t.Context(), tr, openWire(cut))
			require.NoError(t, err)
			if slices.Contains(withoutBox, name) && !cut {
				require.True(t, r.OK(), "%s needs a box now: take it from the list", name)
				continue
			}
			require.False(t, r.OK(), "%s holds without a box, all dropped: %t", name, cut)
		}
	}
}
