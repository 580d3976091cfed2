package junit

import (
	"bytes"
	"encoding/xml"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What is written counts, says times in seconds, escapes, and reads back as it was.
func TestWrite(t *testing.T) {
	s := &Suite{Name: "s", Timestamp: Timestamp(time.Date(2026, 2, 12, 1, 2, 3, 0, time.FixedZone("", 3600))), Time: Seconds(1500 * time.Millisecond)}
	s.Add(Case{Class: "s", Name: "good", Out: "<&>"})
	s.Add(Case{Class: "s", Name: "bad", Failure: &Message{Message: "\"wrong\"", Text: "more"}})
	s.Add(Case{Class: "s", Name: "broken", Error: &Message{Message: "e"}})
	s.Add(Case{Class: "s", Name: "out", Skipped: &Message{Message: "not here"}})
	r := &Report{Name: "r", Suites: []*Suite{s, s}}
	var b bytes.Buffer
	require.NoError(t, r.Write(&b))
	text := b.String()
	require.Contains(t, text, `<testsuites name="r" tests="8" failures="2" errors="2" skipped="2" time="0.000">`)
	require.Contains(t, text, `time="1.500" timestamp="2026-02-12T00:02:03"`)
	require.Contains(t, text, `&lt;&amp;&gt;`)
	var back Report
	require.NoError(t, xml.Unmarshal(b.Bytes(), &back))
	require.Equal(t, s.Cases, back.Suites[1].Cases)
	require.Equal(t, s.Time, back.Suites[1].Time)
}
