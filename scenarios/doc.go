// Package scenarios says what is tried and what came of it: scenario files, the probes that a client runs in a lab, their
// outcomes, the runner that walks through the phases of a scenario, and the reports.
//
// A Scenario is read from a strict YAML file, with the place of every error. Run builds its lab once, puts fresh boxes on
// their wires for every phase, and gives a Report.
package scenarios
