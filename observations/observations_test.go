package observations

import (
	"bytes"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/trace"
	"dpilab/lab"
)

func TestMain(m *testing.M) {
	lab.Enter()
	os.Exit(m.Run())
}

func table(t *testing.T) []Row {
	rows, err := Table()
	require.NoError(t, err)
	require.NotEmpty(t, rows)
	return rows
}

// Every trace comes out as observed at virtual time, and the page says the present state.
func TestVirtual(t *testing.T) {
	rows := table(t)
	var failed bytes.Buffer
	require.NoError(t, Run(t.Context(), rows, failures(&failed)))
	require.Empty(t, failed.String())

	var page bytes.Buffer
	require.NoError(t, WritePage(&page, rows))
	kept, err := os.ReadFile("../OBSERVATIONS.md")
	require.NoError(t, err)
	require.True(t, bytes.Equal(kept, page.Bytes()), "OBSERVATIONS.md is not current: go generate ./observations")
}

// They come out the same through namespaces, kernel and queue, where they have waits of five seconds or more with clocks set forward.
func TestLive(t *testing.T) {
	if err := lab.Missing(); err != nil {
		t.Skip(err)
	}
	rows := table(t)
	if testing.Short() {
		for i := range rows {
			if i%5 != 0 {
				rows[i].traces = nil
			}
		}
	}
	var failed bytes.Buffer
	require.NoError(t, RunLive(t.Context(), rows, lab.Live(lab.PathOptions{}), lab.Live(lab.PathOptions{Skip: true}), failures(&failed)))
	require.Empty(t, failed.String())
	live := 0
	for i := range rows {
		if rows[i].Live == OutcomeOK && !rows[i].Forward {
			live++
		}
	}
	require.True(t, live >= 60 || testing.Short(), "%d run in real time", live)
}

// So do the traces that are of no row: the evasions of each era, the policies as a whole.
func TestOthersLive(t *testing.T) {
	if err := lab.Missing(); err != nil {
		t.Skip(err)
	}
	ran := 0
	for _, name := range trace.Names() {
		x, err := trace.Find(name)
		require.NoError(t, err)
		if ok, _ := x.LiveWithoutWaits(); !ok || len(x.IDs) > 0 {
			continue
		}
		ran++
		r, err := trace.Run(t.Context(), x, lab.Live(lab.PathOptions{Skip: true}))
		require.NoError(t, err)
		require.Empty(t, r.Failures, name)
	}
	require.Positive(t, ran)
}

func TestRowsAreWhole(t *testing.T) {
	definite, shown := 0, 0
	for _, r := range table(t) {
		require.Regexp(t, regexp.MustCompile(`^O\d{3}$`), r.ID)
		require.NotEmpty(t, r.Statement, r.ID)
		require.NotEmpty(t, r.Source, r.ID)
		require.Contains(t, []string{"P", "P2", "C", "D", "A", "MEM", "none"}, r.Confidence, r.ID)
		if r.Definite() {
			definite++
			if r.Missing == "" {
				shown++
			}
		}
	}
	require.GreaterOrEqual(t, shown*100, definite*95, "rows that are definite and shown")
}

func failures(into *bytes.Buffer) Watch {
	return func(_ string, r *trace.Result) {
		if r != nil && !r.OK() {
			into.WriteString(r.Line() + "\n")
			_ = r.WriteScript(into)
		}
	}
}
