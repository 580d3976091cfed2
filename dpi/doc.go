// Package dpi is the box: an engine that takes packets and gives verdicts.
//
// The Engine does no I/O, reads no clock and holds no goroutine. Packets, each with an ID, a direction and a time, go in;
// verdicts come out into a slice that the caller reuses. The same engine therefore runs behind netfilter queues (package
// nfq), over captures, and in tests at virtual time, where eight minutes cost nothing.
//
// The way of a packet: decode (package packet), find or open its flow, let the inspectors (package inspect) turn bytes into
// facts, ask the policy (package rules) for the rule that those facts hit, and let the rule's mechanism decide this packet
// and the ones that follow.
//
// What an engine remembers is bounded, whatever comes: flows by the profile (each takes less than 200 bytes, its place in the index
// included), hellos that are incomplete and what flows have in common by constants, fragments by the profile. Nothing that is kept for
// each flow holds a pointer, growing and forgetting go by small steps with the packets, and nothing on the way of a packet allocates once the pools
// are as large as they need be.
package dpi
