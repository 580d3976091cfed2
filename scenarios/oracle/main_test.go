package oracle

import (
	"os"
	"testing"

	"dpilab/lab"
)

func TestMain(m *testing.M) {
	lab.Enter()
	os.Exit(m.Run())
}
