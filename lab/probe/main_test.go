package probe

import (
	"flag"
	"os"
	"testing"

	"dpilab/lab"
)

func TestMain(m *testing.M) {
	lab.Enter()
	if lab.Missing() != nil {
		flag.Set("test.skip", "^Example") // they cannot say so themselves
	}
	os.Exit(m.Run())
}
