// Command dpilab puts a DPI box on a virtual wire and shows what it does to real clients. See README.md.
package main

import (
	"os"

	"dpilab/internal/cli"
	"dpilab/lab"
)

func main() {
	lab.Hidden()
	os.Exit(cli.Main(os.Args[1:]))
}
