package cli

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"dpilab/scenarios/matrix"
)

// matrixOf is a result of one tool against as many policies as there are statuses.
func matrixOf(statuses ...matrix.Status) *matrix.Result {
	r := &matrix.Result{Schema: matrix.SchemaName, Dpilab: "v1", Seed: 1, Repeat: 1, Tools: []matrix.Tool{{Name: "curl"}}}
	for i, s := range statuses {
		name := string(rune('a' + i))
		r.Phases = append(r.Phases, matrix.Phase{Scenario: "every-policy", Name: name, Policy: name, Proofs: []matrix.Proof{}})
		c := matrix.Cell{Tool: "curl", Policy: name, Scenario: "every-policy", Phase: name, Status: s}
		if s != matrix.Skipped {
			c.Tries, c.Runs = 1, []matrix.Run{{Outcome: "ok", Kind: "ok", Kept: "curl@" + name}}
		}
		if s == matrix.Open {
			c.Reached = 1
		}
		r.Cells = append(r.Cells, c)
	}
	return r
}

// outOf writes a result under flags.
func outOf(t *testing.T, r *matrix.Result, keep string, flags ...string) (string, error) {
	t.Helper()
	var o matrixOut
	fl := pflag.NewFlagSet("", pflag.ContinueOnError)
	o.flags(fl)
	fl.BoolVar(&o.require, "require", false, "")
	require.NoError(t, fl.Parse(flags))
	o.keep = keep
	if err := o.check(); err != nil {
		return "", err
	}
	var out bytes.Buffer
	err := o.write(r, &out)
	return out.String(), err
}

func TestMatrixOutFiles(t *testing.T) {
	dir := t.TempDir()
	keep := filepath.Join(dir, "kept")
	require.NoError(t, os.Mkdir(keep, 0o755))
	var flags []string
	for _, form := range []string{"json", "html", "markdown", "junit", "badge"} {
		flags = append(flags, "--"+form, filepath.Join(dir, "out."+form))
	}
	r := matrixOf(matrix.Open, matrix.Blocked)
	out, err := outOf(t, r, keep, flags...)
	require.NoError(t, err)
	require.Contains(t, out, "1 of 2 open, 1 blocked")
	for form, want := range map[string]string{"html": "<!DOCTYPE html>", "markdown": "### dpilab: 1 of 2 open", "junit": "<testsuites", "badge": "curl 1/2 open"} {
		text, err := os.ReadFile(filepath.Join(dir, "out."+form))
		require.NoError(t, err)
		require.Contains(t, string(text), want)
	}
	got, err := matrix.ReadFile(keep)
	require.NoError(t, err)
	require.Equal(t, r, got)
	got, err = matrix.ReadFile(filepath.Join(dir, "out.json"))
	require.NoError(t, err)
	require.Equal(t, "kept/curl@a", got.Cells[0].Runs[0].Kept, "relative to the file")

	out, err = outOf(t, r, keep, "--json", "-")
	require.NoError(t, err)
	got, err = matrix.Parse("-", []byte(out))
	require.NoError(t, err, "nothing but JSON")
	require.Equal(t, 2, got.Count("").Tried())
}

func TestMatrixOutFails(t *testing.T) {
	for _, c := range []struct {
		r    *matrix.Result
		code int
	}{
		{matrixOf(matrix.Open, matrix.Blocked, matrix.Degraded, matrix.Skipped), exitOK},
		{matrixOf(matrix.Open, matrix.Leak), exitUnexpected},
		{matrixOf(matrix.Open, matrix.Broken), exitUnexpected},
	} {
		_, err := outOf(t, c.r, "")
		require.Equal(t, c.code, exitCode(err))
		c.r.Shards = []string{"1/2"}
		_, err = outOf(t, c.r, "")
		require.NoError(t, err, "it is left to the merge")
	}
}

func TestMatrixOutBaseline(t *testing.T) {
	file := filepath.Join(t.TempDir(), "baseline.json")
	_, err := outOf(t, matrixOf(matrix.Open), "", "--update")
	require.ErrorContains(t, err, "--update writes a baseline: name its file with --baseline")
	_, err = outOf(t, matrixOf(matrix.Open), "", "--baseline", file)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "--update writes it")
	require.Equal(t, exitUsage, exitCode(err))

	_, err = outOf(t, matrixOf(matrix.Open, matrix.Leak, matrix.Open), "", "--baseline", file, "--update")
	require.NoError(t, err)
	out, err := outOf(t, matrixOf(matrix.Open, matrix.Leak, matrix.Open), "", "--baseline", file)
	require.NoError(t, err, "a leak as before")
	require.Contains(t, out, "nothing has changed")
	out, err = outOf(t, matrixOf(matrix.Open, matrix.Leak, matrix.Blocked), "", "--baseline", file)
	require.True(t, errors.Is(err, errSaid) && exitCode(err) == exitUnexpected)
	require.Contains(t, out, "1 regression\n    curl@c: open → blocked")
	skipped := matrixOf(matrix.Open, matrix.Leak, matrix.Skipped)
	out, err = outOf(t, skipped, "", "--baseline", file)
	require.NoError(t, err)
	require.Contains(t, out, "no regression without --require")
	_, err = outOf(t, skipped, "", "--baseline", file, "--require")
	require.Equal(t, exitUnexpected, exitCode(err))

	require.NoError(t, os.WriteFile(file, []byte("{"), 0o644))
	_, err = outOf(t, skipped, "", "--baseline", file, "--update")
	require.ErrorContains(t, err, "unexpected end of JSON input", "a broken file is not written over")
}

func TestMerge(t *testing.T) {
	dir := t.TempDir()
	var files []string
	for i, s := range []string{"1/2", "2/2"} {
		r := matrixOf(matrix.Open, matrix.Blocked)
		r.Shards, r.Cells = []string{s}, r.Cells[i:i+1]
		folder := filepath.Join(dir, string(rune('a'+i)))
		require.NoError(t, os.Mkdir(folder, 0o755))
		_, err := outOf(t, r, folder)
		require.NoError(t, err)
		files = append(files, filepath.Join(folder, matrix.ResultFile))
	}
	whole := filepath.Join(dir, "whole.json")
	code, out, stderr := call(t, append([]string{"merge", "--json", whole}, files...)...)
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, out, "1 of 2 open")
	got, err := matrix.ReadFile(whole)
	require.NoError(t, err)
	want := matrixOf(matrix.Open, matrix.Blocked)
	require.Equal(t, "b/curl@b", got.Cells[1].Runs[0].Kept)
	got.Cells[0].Runs[0].Kept, got.Cells[1].Runs[0].Kept = "curl@a", "curl@b"
	require.Equal(t, want, got)

	code, _, stderr = call(t, "merge", files[1], filepath.Join(dir, "b"))
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "shard 2/2 is there twice")
	_, _, stderr = call(t, "merge", files[1])
	require.Contains(t, stderr, "missing: shard 1/2")
	_, _, stderr = call(t, "merge")
	require.Contains(t, stderr, "merge takes the results of all shards")
}
