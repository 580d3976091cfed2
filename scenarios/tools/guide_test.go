package tools

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const guide = "../../docs/tools.md"

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// Each example of the guide is a whole definition, right for the parser and for the schema, and the guide names every key and word.
func TestGuide(t *testing.T) {
	text, err := os.ReadFile(guide)
	require.NoError(t, err)
	s := compiledSchema(t)
	blocks := yamlBlock.FindAllSubmatch(text, -1)
	require.Greater(t, len(blocks), 5)
	ways := map[way]bool{}
	for _, b := range blocks {
		all, err := Parse("docs/tools.md", b[1])
		require.NoError(t, err, "%s", b[1])
		require.NoError(t, s.Validate(asJSON(t, b[1])), "%s", b[1])
		for _, tool := range all {
			ways[tool.def.traffic.way] = true
		}
	}
	for _, w := range []way{waySOCKS5H, wayHTTP, wayTUN, wayHook, wayDNS, wayClient, wayBuiltin} {
		require.True(t, ways[w], "an example of %s", w)
	}
	words := slices.Concat(topKeys, clientKeys, goalTypes, conditionKinds, deviceWords, goalKeys, measureNames, resultKeys, builtinNames(), trafficKeys)
	for kind := range secretKinds {
		words = append(words, kind)
	}
	for _, w := range words {
		require.Regexp(t, `[\x60{ \[]`+w+`[\x60: },/\]]`, string(text), "the key or word %s", w)
	}
	for _, w := range slices.Concat(placeWords, goalWords) {
		require.True(t, strings.Contains(string(text), "`{"+w+"}`"), "the placeholder %s", w)
	}
}
