// Package observations is the table of what is published about the real boxes, and of how dpilab reproduces it: a row an observation, with
// its source, how sure that is, and the traces, the scenario or the test that show it, or the reason why nothing does.
//
// Rows come from the heads of the traces that ship (package trace) and from elsewhere.yaml, which has those that no trace can show.
// OBSERVATIONS.md at the top of the repository is the table as a page; a test keeps it current.
package observations

//go:generate go run dpilab observations --page ../OBSERVATIONS.md
