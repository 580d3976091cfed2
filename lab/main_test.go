package lab

import (
	"flag"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	Enter()
	if Missing() != nil {
		flag.Set("test.skip", "^Example") // they cannot say so themselves
	}
	os.Exit(m.Run())
}

// live skips a test that needs a lab where the kernel cannot give one, and says what it lacks.
func live(t *testing.T) {
	t.Helper()
	if err := Missing(); err != nil {
		t.Skip(err)
	}
}
