// Package bench measures a box beside the bare wire, beside the same box read by go-nfqueue, and beside OpenGFW's engine, in one run
// and on one machine.
//
//	lab.Enter()
//	report, err := bench.Run(ctx, bench.Options{Names: []string{"connections", "bulk"}})
//	err = report.WriteTable(os.Stdout)
//
// # How it is measured
//
// The lab is a client, a box and a server on one wire. A benchmark has paths: the wire without a box, and the boxes that are compared.
// Every round goes along all paths, each round in another order, so that what else the machine does falls on all of them alike. A ratio
// is taken between paths of the same round, and the median over the rounds is what counts.
//
// The box runs in the process that calls Run, by lab.StartBox, as in every lab. What makes the load runs in processes of their own: the
// program starts itself on the client's and on the server's host (see Hidden). So the box's processor time and memory can be read apart
// from theirs, and their garbage collector, which is off, does not stop the box. They use what clients use, package net and the kernel's
// TCP; congestion control is cubic on every socket, whatever the machine's default is.
//
// # What is measured
//
// Rows and ratios are named by the benchmark, the path, and what of it; sizes of lists are part of the name, such as 1m.
//
//	wire         the wire alone: connections, one stream, small datagrams
//	connections  connect, ClientHello, reply, reset, on 32 workers. Boxes decide by the name. In the first round and the
//	             last a listed name, and one under it, must not get through, and others must, or the path has failed. A flow is settled by its first hello, and
//	             the kernel keeps it; connections_every reads on, as by default, and so sees all of a short connection.
//	             connections_rules is a box that nobody runs: the kernel's rules, and every packet passes
//	bulk         one stream that has been decided: the kernel keeps it
//	queued       one stream of which every packet is queued and decided: counted against a rate (dpilab), or read (names)
//	latency      a datagram of 64 bytes to and fro, queued on both ways
//	engine       the engine alone, on the thread's own time: a packet of a known flow, one that opens a flow, a ClientHello in two segments,
//	             and one in two QUIC Initials
//	lookup       a name or an address in lists: cold, a million at random over the whole list, so that none is at hand, and each waits for
//	             memory; hot, 1,024 by turns, as connections ask, which a cache may hold. Ratios without the word are the cold ones
//	load         a policy with a long list from its files to use
//	flows        a million flows: what each takes, and the longest call while all of them are forgotten at once
//	police       20,000 flows at virtual time, a hundred on the wire: how far the worst is off its rate
//	reload       two policies with long lists that take turns under load
//	flood        what a box and other flows are like under floods
//
// Of boxes, cpu is the processor time for a packet that was queued, what the kernel does with it on the box's time included, and queued
// how many of a connection's packets were.
//
// # What it does not say
//
// Client, server, box and kernel share the machine's processors: the figures are those of the whole, not of a router that does nothing
// but forward. A path that leaves more of the processors to the client and the server gets better figures on the same machine.
package bench
