package rules

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each file of testdata/errors has one thing wrong, and says in its first line what the message is.
func TestErrors(t *testing.T) {
	files, err := filepath.Glob("testdata/errors/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			first, _, _ := strings.Cut(string(data), "\n")
			want, ok := strings.CutPrefix(first, "# error: ")
			require.True(t, ok, "the first line must be # error: and the message")
			_, err = Parse(filepath.Base(file), data, os.DirFS(filepath.Dir(file)))
			var e *Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, want, err.Error())
			require.NotContains(t, err.Error(), "\n")
		})
	}
}
