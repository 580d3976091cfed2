// Package nfq runs an engine on real packets: it takes them from netfilter queues, asks the engine, and gives the
// kernel the verdicts.
//
// # The way of a packet
//
// Open installs one nftables table (family inet, name "dpilab", two chains at the forward hook) in the box's network
// namespace and binds its queues. A packet that crosses from the inside to the outside, or back, is queued, unless its
// flow is in the set @pass (accepted; what carries data renews the entries of both directions, under load not all of it, and a FIN or
// RST leaves them little time)
// or @drop (dropped; the entry lives for a short fixed time, and then the engine decides again). A set that is full takes no more:
// other flows go on through the engine, with the same outcome. The engine puts a flow there by a verdict with an Offload: the packet goes
// back with a mark, and the second chain turns the mark into set entries for both orientations of the 5-tuple. A bare
// SYN removes the entries of its 5-tuple, so that a connection that reuses one is seen. Fragments, packets with IPv6
// extension headers, and everything that is neither TCP nor UDP never match a set: the engine sees them all. An entry
// holds for both directions: an engine must not offload a flow of which it drops one direction only. Packets of a flow
// that has just been passed can overtake those of it that still wait in the queue, once in its life.
//
// # Decided in the kernel
//
// Config.Kernel says what the kernel decides by itself: it keeps the flows that verdicts offload (above), and it follows the policy's
// rules.Need ahead of the queue, for packets whose flow is in no set. With KernelBlocks it drops what goes to or comes from prefixes that
// the policy blocks whatever else a packet shows: two lookups in interval sets, of any number of prefixes. With KernelSkips it puts a TCP or
// UDP flow that fits no interest into @pass at its first packet, as if the engine had passed it. Outcomes are those of the engine alone.
// What the rules cannot tell as the engine does is queued: fragments, IPv6 extension headers, IPv4 addresses in IPv6 packets, ICMP and
// other protocols unless blocked, flows of which a block drops one direction.
//
// A policy that comes by SetPolicy is for new flows. Those that are open are in @pass, or the engine knows them: until it does not know
// any more, the kernel drops only what each of the policies blocks, and queues what any of them needs. The rules change in one
// transaction; the sets behind them are filled before, in as many as the socket's buffer needs. Two things are not as if the engine had
// seen all: of a flow that a block dropped from its first packet on nothing is remembered, so it is free at once under a policy that does
// not block it; and a SYN on a flow that the kernel skipped begins another one, even where the box would take it for one that is sent again. FlushSets makes the kernel forget the flows that it
// skipped, too: after a reload they are new.
//
// Blocks need a packet's direction. On a bridge the forward hook shows the bridge as both interfaces, so a second table, of family bridge
// and with the same name, marks packets by the ports that they cross. Without that family in the kernel the engine blocks.
//
// Policing stays with the engine. A byte limit of nftables holds one second of its rate and its burst on top (nft_limit.c), and of the
// rules that ship only one has a bucket as deep as that. And it takes a large segment, of which the engine sees the packets that a
// wire shows, as one: all of it passes or nothing does. BenchmarkPolicers has the same rate, 125,000 bytes/s, and the same depth, twice that,
// in both: of one flow's first five seconds 94.0 to 94.5 % of what the bucket allows arrived through the engine, which refused 208 to 242
// packets, and 96.1 to 96.2 % through the limit, which refused 39 to 58, and let 140 to 160 large ones at it (three runs each). Queueing
// the large ones would make two buckets of one, and without segmentation offload at the ends, which are not the box's, nothing else that it
// passes on would be fast. There is little to win: what a policed flow sends is what its rate and its losses let it.
//
// No conntrack expression is used anywhere: one would make the kernel reassemble fragments before the box sees them.
// The queues are opened without NFQA_CFG_F_GSO: the kernel then cuts large segments into packets and fills in their
// checksums before it queues them, so the engine sees what a wire shows.
//
// Several queues share the flows: the kernel hashes either end of a packet, its address, protocol and port, and the sum of the two says
// which queue it is, in both directions. Fragments and packets without ports that the rules can rely on go by the addresses alone, so
// the fragments of a flow can be another worker's than its whole packets; to the engine they are another flow in any case.
//
// # Failing
//
// A packet finds no room when as many wait for a verdict as may (Config.QueueLength), or when the reader is late and its receive buffer
// full. The buffer is asked for as large as a full queue of 1,500-byte packets needs; the system may grant less, which Daemon.Shortage
// tells. Counters say what was missed, and why.
//
// A box fails open or closed, as Config.FailClosed says: what happens to packets when nobody listens to a queue, or
// when a queue is full. When the process dies the kernel removes its queues and its table (which is why Linux 5.12 is
// needed). Packets that the engine holds then are lost; a daemon that ends by Close or by its context lets them pass or
// not, as configured. A daemon whose engine has failed leaves the table, closes the queues, and so fails as configured until Close.
//
// # Readers
//
// Own is the reader for use: recvmmsg in, many verdicts in one send, a run of accepted packets in one message, nothing allocated a
// packet. GoNFQueue is the
// same interface over github.com/florianl/go-nfqueue, slower and obvious; tests compare the two.
package nfq
