package bench

import (
	"os"
	"testing"

	"dpilab/lab"
)

func TestMain(m *testing.M) {
	Hidden()
	lab.Enter()
	os.Exit(m.Run())
}
