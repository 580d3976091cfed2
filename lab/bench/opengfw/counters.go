package main

import (
	"sync/atomic"

	"github.com/apernet/OpenGFW/engine"
	"github.com/apernet/OpenGFW/ruleset"
)

// counters are what the program prints at its end: what happened since it was ready.
type counters struct {
	Packets   uint64 `json:"packets"` // from the queue
	Accepted  uint64 `json:"accepted"`
	Dropped   uint64 `json:"dropped"`
	Rewritten uint64 `json:"rewritten"`
	Refused   uint64 `json:"refused"`   // verdicts that could not be sent, or that the kernel did not take
	Overflows uint64 `json:"overflows"` // of the socket's buffer, and packets that the kernel dropped for that

	Queued  uint64 `json:"queued"`  // by the kernel's rules: a large segment counts once
	Passed  uint64 `json:"passed"`  // packets that the kernel passed by itself
	Blocked uint64 `json:"blocked"` // packets that the kernel dropped by itself

	TCPStreams uint64 `json:"tcp_streams"`
	UDPStreams uint64 `json:"udp_streams"`
	Failures   uint64 `json:"failures"` // of rules and modifiers

	Seconds        float64 `json:"seconds"`     // wall clock
	CPUSeconds     float64 `json:"cpu_seconds"` // user and system, of the whole process
	AllocatedBytes uint64  `json:"allocated_bytes"`
	Mallocs        uint64  `json:"mallocs"`
}

func (b *box) counters() counters {
	o, now := b.io, spentNow()
	return counters{
		Packets: o.packets.Load(), Accepted: o.accepted.Load(), Dropped: o.dropped.Load(), Rewritten: o.rewritten.Load(),
		Refused: o.refused.Load(), Overflows: o.overflows.Load(),
		TCPStreams: b.log.tcp.Load(), UDPStreams: b.log.udp.Load(), Failures: b.log.failures.Load(),
		Seconds: now.at.Sub(b.since.at).Seconds(), CPUSeconds: (now.cpu - b.since.cpu).Seconds(),
		AllocatedBytes: now.memory.TotalAlloc - b.since.memory.TotalAlloc, Mallocs: now.memory.Mallocs - b.since.memory.Mallocs,
	}
}

// counter is the engine's log: it counts, and writes nothing.
type counter struct{ tcp, udp, failures atomic.Uint64 }

var (
	_ engine.Logger  = (*counter)(nil)
	_ ruleset.Logger = (*counter)(nil)
)

func (c *counter) TCPStreamNew(int, ruleset.StreamInfo)                   { c.tcp.Add(1) }
func (c *counter) UDPStreamNew(int, ruleset.StreamInfo)                   { c.udp.Add(1) }
func (c *counter) ModifyError(ruleset.StreamInfo, error)                  { c.failures.Add(1) }
func (c *counter) MatchError(ruleset.StreamInfo, string, error)           { c.failures.Add(1) }
func (*counter) WorkerStart(int)                                          {}
func (*counter) WorkerStop(int)                                           {}
func (*counter) TCPStreamPropUpdate(ruleset.StreamInfo, bool)             {}
func (*counter) UDPStreamPropUpdate(ruleset.StreamInfo, bool)             {}
func (*counter) TCPStreamAction(ruleset.StreamInfo, ruleset.Action, bool) {}
func (*counter) UDPStreamAction(ruleset.StreamInfo, ruleset.Action, bool) {}
func (*counter) TCPFlush(int, int, int)                                   {}
func (*counter) Log(ruleset.StreamInfo, string)                           {}
func (*counter) AnalyzerDebugf(int64, string, string, ...any)             {}
func (*counter) AnalyzerInfof(int64, string, string, ...any)              {}
func (*counter) AnalyzerErrorf(int64, string, string, ...any)             {}
