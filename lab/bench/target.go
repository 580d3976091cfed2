package bench

import (
	"encoding/json"
	"fmt"
)

// Target is what a ratio is to reach: a least or a most, whichever is not 0; Most holds where both are 0.
type Target struct{ Least, Most float64 }

// MarshalJSON writes an object with "least", "most", or both: those that hold.
func (t Target) MarshalJSON() ([]byte, error) {
	holding := map[string]float64{}
	if t.Least != 0 {
		holding["least"] = t.Least
	}
	if t.Most != 0 || t.Least == 0 {
		holding["most"] = t.Most
	}
	return json.Marshal(holding)
}

// Met tells whether the value reaches the target.
func (t Target) Met(value float64) bool {
	if t.Least != 0 && value < t.Least {
		return false
	}
	return t.Most == 0 && t.Least != 0 || value <= t.Most
}

// String is the target as the table shows it.
func (t Target) String() string {
	switch {
	case t.Least != 0 && t.Most != 0:
		return fmt.Sprintf("%s to %s", number(t.Least), number(t.Most))
	case t.Least != 0:
		return "at least " + number(t.Least)
	}
	return "at most " + number(t.Most)
}

// targets are those of the ratios that have one (choice). Names with a size in them are for lists of that size.
var targets = map[string]Target{
	"connections_1m_vs_wire":         {Least: 0.85},
	"connections_1m_vs_opengfw_1":    {Least: 2.2},
	"connections_1m_vs_opengfw_100k": {Least: 50},
	"connections_1m_vs_10":           {Least: 0.95, Most: 1.05},
	"bulk_offloaded_vs_wire":         {Least: 0.95},
	"queued_gbit":                    {Least: 2},
	"queued_vs_opengfw":              {Least: 4},
	"latency_added_p50_us":           {Most: 50},
	"latency_added_p99_us":           {Most: 150},
	"cpu_us_bulk":                    {Most: 5},
	"cpu_us_connections":             {Most: 9},
	"engine_known_ns":                {Most: 60},
	"engine_new_ns":                  {Most: 250},
	"engine_hello_ns":                {Most: 2000},
	"engine_quic_ns":                 {Most: 12000},
	"engine_allocations":             {},
	"lookup_1m_ns":                   {Most: 150},
	"lookup_prefix_ns":               {Most: 40},
	"load_text_s":                    {Most: 0.6},
	"load_text_mb":                   {Most: 80},
	"load_compiled_ms":               {Most: 50},
	"reload_p99_ms":                  {Most: 5},
	"reload_lost":                    {},
	"flow_bytes":                     {Most: 200},
	"flow_pause_ms":                  {Most: 1},
	"police_worst_percent":           {Most: 3},
}
