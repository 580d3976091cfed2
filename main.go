// Command dpilab puts a DPI box on a virtual wire and shows what it does to real clients. See README.md.
package main

import (
	"os"

	"dpilab/internal/cli"
	"dpilab/lab"
	"dpilab/lab/bench"
)

func main() {
	lab.Hidden()
	bench.Hidden()
	os.Exit(cli.Main(os.Args[1:]))
}
