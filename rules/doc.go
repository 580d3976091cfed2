// Package rules says what a box blocks: policy files, the lists that they name, and the matcher that they are compiled into.
//
// A Policy is read from a strict YAML file, with the place of every error. Compile turns it into a Compiled: indexes that are
// read by any number of goroutines, cost the same for ten rules as for a hundred thousand, and allocate nothing.
package rules
