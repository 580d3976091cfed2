// Package dpi is the box: an engine that takes packets and gives verdicts.
//
// The Engine does no I/O, reads no clock and holds no goroutine. Packets, each with an ID, a direction and a time, go in;
// verdicts come out into a slice that the caller reuses. The same engine therefore runs behind netfilter queues (package
// nfq), over captures, and in tests at virtual time, where eight minutes cost nothing.
//
// The way of a packet: decode (package packet), find or open its flow, let the inspectors (package inspect) turn bytes into
// facts, ask the policy (package rules) for the rule that those facts hit, and let the rule's mechanism decide this packet
// and the ones that follow.
package dpi
