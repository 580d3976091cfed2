package main

import (
	"os"
	"testing"

	"dpilab/lab"
)

// asProgram makes the test binary the program.
const asProgram = "OPENGFW_BOX_TEST"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0)
	}
	lab.Enter()
	os.Exit(m.Run())
}
