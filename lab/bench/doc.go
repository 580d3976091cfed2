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
// # What it does not say
//
// Client, server, box and kernel share the machine's processors: the figures are those of the whole, not of a router that does nothing
// but forward. A path that leaves more of the processors to the client and the server gets better figures on the same machine.
package bench
