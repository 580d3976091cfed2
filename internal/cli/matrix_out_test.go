package cli

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"dpilab/scenarios/matrix"
)

func TestMatrixOut(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "r.json")
	var o matrixOut
	fl := pflag.NewFlagSet("", pflag.ContinueOnError)
	o.flags(fl)
	require.NoError(t, fl.Parse([]string{"--json", file}))
	o.keep = dir
	require.NoError(t, o.check())
	r := &matrix.Result{Schema: matrix.SchemaName, Tools: []matrix.Tool{{Name: "curl"}}}
	var out bytes.Buffer
	o.live(&out).Update(matrix.Progress{Result: r, Of: 1})
	require.NoError(t, o.write(r, &out))
	require.Contains(t, out.String(), "0 of 0 open")
	for _, name := range []string{file, dir} {
		got, err := matrix.ReadFile(name)
		require.NoError(t, err)
		require.Equal(t, r, got)
	}
}
