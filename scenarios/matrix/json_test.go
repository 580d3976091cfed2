package matrix

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

func written(t testing.TB, r *Result) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, r.WriteJSON(&b))
	return b.Bytes()
}

// satisfies holds a result's JSON against the published schema.
func satisfies(t testing.TB, data []byte) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	require.NoError(t, c.AddResource("matrix.json", doc))
	s, err := c.Compile("matrix.json")
	require.NoError(t, err)
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	require.NoError(t, err)
	return s.Validate(value)
}

func TestSchemaHoldsForResults(t *testing.T) {
	for _, r := range []*Result{small(), full(), {Schema: SchemaName}} {
		require.NoError(t, satisfies(t, written(t, r)))
	}
	bad := small()
	bad.Cells[0].Status = "closed"
	require.Error(t, satisfies(t, written(t, bad)))
	require.Error(t, satisfies(t, []byte(`{"schema":"dpilab-matrix/1"}`)))
}

// Every field of the types is in the schema, and nothing else is.
func TestSchemaHasEveryField(t *testing.T) {
	var doc struct {
		Properties map[string]any
		Defs       map[string]struct{ Properties map[string]any } `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal(schema, &doc))
	for name, v := range map[string]any{"": Result{}, "tool": Tool{}, "phase": Phase{}, "proof": Proof{}, "cell": Cell{}, "spread": Spread{},
		"run": Run{}, "hit": Hit{}, "flow": Flow{}, "packet": Packet{}} {
		has := doc.Properties
		if name != "" {
			has = doc.Defs[name].Properties
		}
		var want, got []string
		for i := range reflect.TypeOf(v).NumField() {
			tag, _, _ := strings.Cut(reflect.TypeOf(v).Field(i).Tag.Get("json"), ",")
			want = append(want, tag)
		}
		for k := range has {
			got = append(got, k)
		}
		require.ElementsMatch(t, want, got, "$defs/%s", name)
	}
}

func TestReadBack(t *testing.T) {
	want := full()
	data := written(t, want)
	got, err := Parse("result.json", data)
	require.NoError(t, err)
	require.Equal(t, want, got)

	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, ResultFile), data, 0o644))
	fromFolder, err := ReadFile(dir)
	require.NoError(t, err)
	require.Equal(t, want, fromFolder)
	_, err = ReadFile(filepath.Join(dir, "other.json"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestReadErrors(t *testing.T) {
	good := string(written(t, small()))
	for name, c := range map[string]struct{ data, want string }{
		"empty":          {" \n", "r.json: found an empty file, expected a result of dpilab matrix --json"},
		"cut":            {good[:100], "r.json:5:11: unexpected end of JSON input; expected a result"},
		"no JSON":        {"<html>", "r.json:1:1: invalid character '<'"},
		"another's JSON": {`{"scenario": "x"}`, `r.json: found JSON without "schema", expected a result`},
		"later version":  {`{"schema": "dpilab-matrix/2"}`, "this file is of another version of dpilab"},
		"another schema": {`{"schema": "dpilab-baseline/1"}`, `found schema "dpilab-baseline/1", expected "dpilab-matrix/1"`},
		"unknown field":  {strings.Replace(good, `"kernel"`, `"kernal"`, 1), `unknown field "kernal"`},
		"wrong kind":     {strings.Replace(good, `"repeat": 3`, `"repeat": "3"`, 1), "r.json:7:14: repeat: found a JSON string, expected int"},
		"a list":         {"[]", "r.json:1:1: the whole: found a JSON array"},
		"two objects":    {good + good, "invalid character '{' after top-level value"},
		"status":         {strings.Replace(good, `"blocked"`, `"closed"`, 1), `cells[0]: found status "closed", expected one of open, degraded`},
		"no such tool":   {strings.Replace(good, `"tool": "curl"`, `"tool": "wget"`, 1), `cells[0]: its tool "wget" is none of tools`},
		"tries":          {strings.Replace(good, `"reached": 2`, `"reached": 4`, 1), "reached 4 of 3 tries"},
	} {
		_, err := Parse("r.json", []byte(c.data))
		require.ErrorContains(t, err, c.want, name)
		require.NotContains(t, err.Error(), "\n", name)
	}
	twice := small()
	twice.Cells = append(twice.Cells, twice.Cells[0])
	_, err := Parse("r.json", written(t, twice))
	require.ErrorContains(t, err, "cells[6]: curl@2022-paper stands twice")
}

func FuzzParse(f *testing.F) {
	good := written(f, small())
	f.Add(good)
	f.Add(bytes.Replace(good, []byte("blocked"), []byte("open"), 1))
	f.Add([]byte(`{"schema":"dpilab-matrix/1","cells":[{}]}`))
	f.Add([]byte(`{"schema":"dpilab-matrix/1","tools":null,"started":"x"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Parse("r.json", data)
		if err != nil {
			var file *FileError
			require.ErrorAs(t, err, &file)
			return
		}
		again, err := Parse("again.json", written(t, r))
		require.NoError(t, err, "what is written is read")
		require.Equal(t, r.Count(""), again.Count(""))
		require.NoError(t, r.WriteTable(&bytes.Buffer{}, TableOptions{}))
	})
}
