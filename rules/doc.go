// Package rules says what a box blocks: policy files, the lists that they name, and the matcher that they are compiled into.
//
// A Policy is read from a strict YAML file, with the place of every error. Compile turns it into a Compiled: indexes that are
// read by any number of goroutines, cost the same for ten rules as for a hundred thousand, and allocate nothing.
//
// # Policy files
//
//	policy: 2026-example            # the file's name without .yaml
//	date: 2026-02-12                # from when on it describes the real thing
//	about: one line
//	extends: 2025-home              # a shipped policy by name, or a path from this file that ends in .yaml
//
//	lists:                          # what rules speak of by a name; see List for what the files have
//	  messenger: lists/messenger.domains
//	  its-servers: lists/its-servers.prefixes
//	  allowed: [max.ru, ya.ru]      # entries in brackets: prefixes if all of them are, else domains
//
//	profile:                        # only what differs from the extended policy, or from DefaultProfile
//	  reassembly: {tcp: true, records: true, both: false, bytes: 4096, segments: 4}    # or the word none
//	  originator: inside            # or any: whose flows are judged by what they carry
//	  inspect: {packets: 15..20, unknown: 101}
//	  idle: {tcp: 600s, udp: 420s, other: 60s}
//	  trailing dot: differs         # or same: whether "name." is another name than "name"
//	  miss: 0%                      # of the flows that are not looked at
//	  flows: 1000000                # remembered at once; more pass unseen
//	  fail: open                    # or closed: what becomes of packets when the box is dead or does not keep up
//
//	rules:                          # the first that hits wins
//	  - rule: messenger-names
//	    when: {sni: messenger, transport: tcp}     # joined by and; several values of one key, in brackets, by or
//	    unless: {to: 192.0.2.0/24}                 # optional: not if all of this holds
//	    do: {drop: up, residual: 65s, refresh: true}
//	    source: {ref: FOCI25-data, confidence: P}  # or {ref: choice}
//
// A when is the word all, or keys out of these:
//
//	sni, host, query      names: a list, or patterns as in a list of domains with at least one dot, star, = or colon
//	to, from              addresses of the outside and the inside end: a list, prefixes or addresses
//	protocol              none, tls, quic, http, dns, stun, whatsapp: what the payload was taken for
//	transport             tcp, udp, icmp, other
//	port                  of the outside end: 443 or 5222..5228
//	opened                inside or outside: who sent the first packet
//
// A do is one of these:
//
//	pass                                                            let the flow be
//	{drop: both, after: 5..8 packets, residual: 420s, refresh: true}    or up, down; all but drop may be left out
//	{reset: server packet, residual: 75s}                           what the server sends becomes RST/ACK; TCP only
//	{police: 140kbit, burst: 16KB}                                  a bucket for each direction, the excess is lost
//	{capacity: 5}                                                   each packet passes with a chance of 5 %
//	{redirect: [192.0.2.53, "2001:db8::53"]}                        DNS questions go there; only for DNS over UDP
//	{learn: server port, after: 10m, then: {drop: both}}            later flows to the same address and port get that
//
// A residual starts with the packet that decided; refresh starts it again with every packet of the flow. Without one, the
// flow stays hit for as long as it is remembered. Rates are in bit, kbit, mbit, gbit of IP packets, a step being 1000. Sizes
// are in B, KB, MB (1000) or KiB, MiB (1024). Times are as Go writes them: 65s, 10m, 1h30m.
//
// A policy that extends another has the other's profile, lists and rules. Profile keys and lists of the same name take the
// place of the other's, and the other's rules then read the new list. Own rules come first, in front of all of the other's;
// a rule of the other that has the name of an own one is left out.
//
// What cannot make sense is an error: unknown keys, two rules of one name, a condition that never holds, a rule that is never
// reached because an earlier one in the file takes all of its flows, a list that nothing uses.
package rules
