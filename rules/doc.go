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
//	  hosters: {addresses: [hetzner, ovh]}       # organisations out of the table of addresses; one needs no brackets
//
//	profile:                        # only what differs from the extended policy, or from DefaultProfile: see below
//	  reassembly: {tcp: true}
//
//	rules:                          # the first that hits wins
//	  - rule: messenger-names
//	    when: {sni: messenger, transport: tcp}     # joined by and; several values of one key, in brackets, by or
//	    unless: {to: 192.0.2.0/24}                 # optional: not if all of this holds
//	    do: {drop: up, residual: 65s, refresh: true}
//	    chance: 50%                                # optional: of the flows that the rule is for
//	    again: true                                # optional: further hellos and requests of a flow are asked about, too
//	    source: {ref: FOCI25-data, confidence: P}  # or {ref: choice}
//
// The table of addresses, policies/lists/addresses.table, gives organisations their stand-ins in the lab; the command's flag
// --addresses FILE puts others in their place. See Addresses.
//
// An unless may be a list, [{to: allowed}, {sni: messenger, port: 443}]: a flow that meets any of them is not hit.
//
// A rule hits as soon as its conditions are known, and one that cannot be decided yet does not hold back a later one: a rule that asks for
// an address hits with the first packet, before one above it that asks for a name. To except a name from a rule by address, say
// so in its unless: the rule then waits until the exception is known not to hold.
//
// A source's ref is a paper or document as the documentation's list of sources has it; its confidence is P (peer-reviewed, read by us),
// P2 (the same through a third party), C (measured by the community), D (training documents), A (anecdote) or MEM (no text that could be
// read). A ref of choice has no confidence.
//
// # When
//
// A when is the word all, or keys out of these. A condition holds as soon as all of it is known; a rule hits as soon as its when holds and
// no unless can hold any more. Names take one value or several in brackets, as all keys but opened and ech do.
//
//	sni, host, query      names in a hello, an HTTP request, a DNS question: a list, or patterns as in a list of domains with at
//	                      least one dot, star, = or colon: max.ru, *max*, "keyword:max", 'regexp:^max\d+\.'; see List
//	certificate           the same; a name in what a server of TLS up to 1.2 shows
//	ja3, ja4              fingerprints of a hello of tls, quic or dtls: a list, or patterns such as t13d*; see List
//	to, from              addresses of the outside and the inside end: a list, prefixes or addresses
//	protocol              what the payload was taken for: none, tls, quic, http, dns, stun, whatsapp, dtls, wireguard, openvpn,
//	                      bittorrent, ike, l2tp, ssh, socks, proxy
//	transport             tcp, udp, icmp, other
//	port, source port     of the outside and of the inside end: 443 or 5222..5228
//	opened                inside or outside: who sent the first packet
//	hello                 what became of reading a hello: none (nothing looked like one), named, unnamed (without a server name),
//	                      unreadable (a handshake or an Initial that this box does not understand)
//	ech                   true or false: a hello with encrypted_client_hello, real or GREASE; false for flows without a hello, too
//	quic                  version in the long header of the first datagram: none, v1, v2, draft, other
//	size                  bytes of the first payload: 1200 or 1001..65535
//	extension             of a hello: 0xfe0d, or with the length of its content 0xfe02/20
//	payload               bytes at places of one packet, either way: "0: 16 fe fd, 0x5a: 1d 00 17". All of these stretches must be there, at most
//	                      8 of at most 64 bytes, apart from each other; alternatives are several values. Quotes are for the colon
//	trick                 how a flow tries to hide, or looks as if: split (the hello or request came in several segments), records
//	                      (in several TLS records), repeated id (of IP), window, checksum, md5, timestamp, ttl (a packet that no server takes for
//	                      that reason), fake (one of these that held a hello), encrypted (see the profile)
//
// All rules together may ask for 64 different extensions, payloads and tricks; 64 rules may have a chance; 32 lists, and patterns in rules,
// may have stars, keywords and regular expressions.
//
// # Do
//
// A do is one of these; only the first word of each is needed, unless said. Times of a flow that is hit begin with the packet that decided.
//
//	pass                                                      let the flow be, and look no further
//	{drop: both, after: 5..8 packets, residual: 420s, refresh: true, hold: flow}
//	    drop      both, up or down: up is from the inside to the outside
//	    after     what still passes after the packet that decided, by a draw for each flow: 5..8 packets; 3 payload packets (with payload); 2 data
//	              packets (with data of the protocol: no handshakes); 16KB..20KB (of payload). up or down behind it: only those count
//	    from      in place of after: payload or data, the first packet of that kind that is dropped
//	    residual  how long packets of the same 5-tuple stay hit; without it, as long as the flow is remembered (idle, in the profile)
//	    refresh   true: every packet of the flow starts residual again
//	    hold      what residual covers: flow (also without the word), pair (all between the two addresses), server (all to the outside address)
//	{freeze: both, after: 25 payload packets or 15KB..20KB down, ban: 10m, hold: server}     # after what is used up first
//	    after     needed; as above, but the count began with the flow's first packet
//	    ban, hold from when it is frozen, this is frozen too; both or neither
//	{reset: server packet, residual: 75s}                     TCP only; takes from, residual, refresh and hold as well
//	    reset     server packet: what the server sends becomes an empty RST/ACK. client, server, both ends: resets of the box's own to them
//	    ttl       1 to 255, of resets of the box's own; without it, as the other end's last packet had it
//	{police: 140kbit, burst: 16KB, per: flow, from: data}     burst is needed
//	    police    a bucket for each direction, the excess is lost; of IP packets, in bit, kbit, mbit, gbit or B/s, KB/s, MB/s
//	    burst     what a full bucket holds, 1500B at least
//	    per       flow (also without the word), or subscriber: an inside address
//	{capacity: 5, direction: up, from: payload}               each packet passes with a chance of 5 %
//	{redirect: [192.0.2.53, "2001:db8::53"]}                  DNS questions go there; only for DNS over UDP
//	{answer: nxdomain}                                        or refused, or [192.0.2.1, "2001:db8::1"]; only for DNS over UDP
//	{page: "http://blocked.example/"}                         only for HTTP: the client is sent there
//	{limit: 3 flows, per: [client, server/24, sni, ja4], window: 60s, ban: 120s}    all needed
//	    limit     so many flows with the same per are let be within the window; one more, and all of them are silent for the ban. Those that
//	              are let be are counted and left to the rules behind; what one of these takes does as that says, also while the ban lasts
//	    per       out of client, server, server/24 (IPv6: /48), sni, ja4
//	{learn: server port, after: 10m, then: {drop: both}}      later flows to the same address and port get then: a drop, reset, police or
//	                                                          capacity. All needed
//
// A step of a rate's units is 1000. Sizes are in B, KB, MB (1000) or KiB, MiB (1024). Times are as Go writes them: 65s, 10m, 1h30m.
//
// A chance is a share, 50%, of flows by a coin that falls anew for each; or {share: 22%, of: port}, where the same coin (as a share alone),
// flow (5-tuple), client (inside address) or port (of the outside end) always fares alike.
//
// A rule with again is asked about each further hello or request of a flow that was let be: other rules are not, once a flow's first payload
// was read. It must ask for what those show: sni, host, ja3, ja4, hello, ech or extension.
//
// # Profile
//
// How the box sees and remembers. Keys that are left out keep the value of the extended policy, or of DefaultProfile, whose sources
// DefaultSources has. The values here are those defaults.
//
//	sees: both                      # up, down: the packets that come by the box at all
//	reassembly: {tcp: false, records: false, both: false, bytes: 4096, segments: 4, overlap: first, order: any, timeout: none}
//	                                # or the word none. tcp: hellos in several segments are read; records: in several TLS records; both: cut
//	                                # both ways. overlap: first or last copy is believed. order: strict ends the reading at a gap. timeout: 5s
//	fragments: {hold: false, max: 45, copy ttl: true, timeout: 5s, duplicate: discard, inspect: false, sets: 1024}
//	                                # hold: until the set is complete. duplicate: discard the set, or ignore the later one. inspect: read what
//	                                # complete sets hold. sets: held at once
//	fooled by: {checksum: true, sequence: true, md5: true, timestamp: true, ttl: any}
//	                                # packets that no server takes, and that are read nevertheless. ttl: 5 reads none with less than that
//	originator: inside              # any: whose flows are judged by what they carry
//	remote syn: clears              # ignored: what a SYN from outside does to a flow that was opened from inside
//	mid-stream: opens               # passes, drops: what becomes of a TCP flow whose SYN was not seen
//	inspect: {packets: 15..20, hellos: every, unknown: 101}
//	                                # packets with payload that are read after one of a known protocol; bytes of an unknown first one that end it
//	quic: {versions: v1, assemble: true, padding: true, datagrams: 5}
//	                                # versions: none, or of v1, v2, draft. assemble: CRYPTO frames. padding: zeros behind the QUIC packet are no
//	                                # hindrance. datagrams: of a flow that are read until its hello is there
//	http: first                     # every: request of a connection that is read
//	encrypted: {packets: 3, size: 411}     # of the client's, and of what payload at least: what the trick encrypted means
//	idle: {syn sent: 60s, syn received: 105s, tcp: 600s, udp: 420s, other: 60s, closed: same}
//	                                # without a packet for so long, a flow is forgotten. closed: after a FIN or RST; same: as tcp
//	trailing dot: differs           # same: whether "name." is another name than "name"
//	miss: 0%                        # of the flows that are not looked at; as a chance: {share: 1%, of: client}
//	flows: 1000000                  # remembered at once
//	full: fails                     # passes, drops, evicts: what becomes of packets of more flows than those. fails: as fail says. evicts: the
//	                                # flow that would be forgotten soonest gives way, one that a rule hit only if many others are hit as well
//	fail: open                      # closed: what becomes of packets when the box is dead or does not keep up
//
// # Long lists
//
// A list may have millions of entries. What a name or an address costs to look up grows little with their number: past what a cache of the
// CPU holds, it is one wait for memory. Patterns with stars and keywords are found in one pass, whatever their number, and so are regular
// expressions; an expression whose automaton would be too large is tried alone, and costs microseconds a name.
//
// A list of 100,000 domains or more gets a compiled form beside it, NAME.domains.compiled, when it is first read from a folder that can be
// written: it is mapped into memory the next time, in place of reading the text, as long as the text is the same. See CompileList.
//
// The lists of a policy may take 1 GiB of memory together, some 20 million domains or 6 million prefixes, unless the command's flag
// --max-memory SIZE says otherwise. One that is too long, or has lost its line ends, is an error at its line; no more of it is read. See Limits.
//
// # Extending
//
// A policy that extends another has the other's profile, lists and rules. Profile keys and lists of the same name take the
// place of the other's, and the other's rules then read the new list. Own rules come first, in front of all of the other's;
// a rule of the other that has the name of an own one is left out.
//
// What cannot make sense is an error: unknown keys, two rules of one name, a condition that never holds, a rule that is never
// reached because an earlier one in the file takes all of its flows, an unless that excepts nothing, a list that nothing uses, a
// mechanism that cannot work on the flows of its rule or in a box that sees one direction alone.
package rules
