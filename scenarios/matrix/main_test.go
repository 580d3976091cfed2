package matrix

import (
	"os"
	"testing"

	"dpilab/lab"
)

func TestMain(m *testing.M) {
	lab.Enter()
	os.Exit(m.Run())
}

// live skips a test that needs a lab where the kernel cannot give one, and says what it lacks.
func live(t *testing.T) {
	t.Helper()
	if err := lab.Missing(); err != nil {
		t.Skip(err)
	}
}
