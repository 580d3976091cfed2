package tools

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("tool.json", doc))
	s, err := c.Compile("tool.json")
	require.NoError(t, err)
	return s
}

// asJSON reads YAML as an editor does.
func asJSON(t *testing.T, data []byte) any {
	t.Helper()
	var v any
	require.NoError(t, yaml.Unmarshal(data, &v))
	text, err := json.Marshal(v)
	require.NoError(t, err)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	return doc
}

func TestDefinitionsSatisfyTheSchema(t *testing.T) {
	s := compiledSchema(t)
	files, err := filepath.Glob("*.yaml")
	require.NoError(t, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, s.Validate(asJSON(t, data)), file)
	}
	require.NoError(t, s.Validate(asJSON(t, []byte(small))))
}

// Mistakes in the shape of a file are found by an editor as well. The rest of testdata/errors is the parser's alone.
func TestSchemaFindsMistakes(t *testing.T) {
	s := compiledSchema(t)
	for _, name := range []string{
		"no-tool", "unknown-key", "name", "about", "link", "tried", "traffic-word", "traffic-scheme", "secret-kind", "secret-length", "secret-digit",
		"secret-extra", "certificate", "part-key", "part-server-on", "part-word", "ready-word", "ready-exit-word", "ready-file", "user", "goal-type",
		"goal-no-run", "goal-outcome", "goal-stage", "goal-exit", "builtin-unknown", "builtin-option", "builtin-alone", "builtin-two",
		"needs", "direct", "variant-key", "variant-name", "variant-empty", "variant-part",
	} {
		data, err := os.ReadFile("testdata/errors/" + name + ".yaml")
		require.NoError(t, err)
		require.Error(t, s.Validate(asJSON(t, data)), name)
	}
}

// The parser and the schema know the same keys and words.
func TestSchemaAndParserAgree(t *testing.T) {
	var schema map[string]any
	require.NoError(t, json.Unmarshal(Schema(), &schema))
	at := func(path string) any {
		var v any = schema
		for _, key := range strings.Split(path, "/") {
			switch x := v.(type) {
			case map[string]any:
				v = x[key]
			case []any:
				v = x[key[0]-'0']
			}
			require.NotNil(t, v, path)
		}
		return v
	}
	keys := func(path string) []string { return slices.Sorted(maps.Keys(at(path).(map[string]any))) }
	words := func(path string) (all []string) {
		for _, w := range at(path).([]any) {
			all = append(all, w.(string))
		}
		return all
	}
	for path, want := range map[string][]string{
		"properties": topKeys,
		"properties/variants/additionalProperties/properties": variantKeys,
		"properties/server/properties":                        serverKeys,
		"properties/client/properties":                        clientKeys,
		"properties/traffic/anyOf/2/properties":               trafficKeys,
		"properties/goals/properties":                         goalTypes,
		"properties/builtin/anyOf/1/properties":               builtinNames(),
		"$defs/goal/properties":                               goalKeys,
		"$defs/goal/properties/measures/properties":           measureNames,
		"$defs/result/properties":                             resultKeys,
	} {
		require.ElementsMatch(t, want, keys(path), path)
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(parrots)), words("properties/builtin/anyOf/1/properties/utls/enum"))
	require.ElementsMatch(t, goalTypes, words("properties/carries/anyOf/0/enum"))
	is := at("$defs/result/properties/is/pattern").(string)
	require.Equal(t, "^("+strings.Join(kindWords, "|")+")( after ("+strings.Join(stageWords, "|")+"))?$", is)
	for _, kind := range conditionKinds {
		require.Contains(t, at("$defs/condition/pattern"), kind)
	}
	for kind := range secretKinds {
		require.Contains(t, at("properties/secrets/additionalProperties/anyOf/0/pattern"), kind)
	}
}
