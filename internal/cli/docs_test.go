package cli

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each command line in the guide to tools is one that dpilab has, with flags that it has.
func TestGuideCommands(t *testing.T) {
	text, err := os.ReadFile("../../docs/tools.md")
	require.NoError(t, err)
	lines := regexp.MustCompile(`(?m)^    dpilab (.*)$`).FindAllStringSubmatch(string(text), -1)
	require.Greater(t, len(lines), 4)
	for _, line := range lines {
		c, rest, err := command().Find(strings.Fields(line[1]))
		require.NoError(t, err, line[0])
		require.NotEqual(t, "dpilab", c.Name(), line[0])
		require.NoError(t, c.ParseFlags(rest), line[0])
	}
}
