// Package trace is packet scripts: who sends which packet when, and what must come out of the box. One file is one
// published observation, or a family of them.
//
//	# A ClientHello cut inside the name passes a box that does not reassemble.
//	observation O055   source IMC21, IMC22   confidence P
//	policy 2022-paper
//
//	> syn
//	< syn,ack
//	> ack
//	> hello twitter.com cut sni+3              => 2 passed
//	< data 1200                                => passed
//
//	# Uncut, the server's next packet comes out as RST/ACK, empty, for 75 seconds.
//	flow
//	handshake
//	> hello twitter.com                        => passed
//	< data 1200                                => rst,ack len 0 seq same ttl same
//	wait 74s
//	< data 1200                                => rst,ack
//
// The same file runs against the engine at virtual time (Run over NewVirtual), and over any other Path.
//
// # Lines
//
// One event a line. # begins a comment, at the start of a line or after a space, not within quotes. Indentation, in spaces,
// makes blocks. A line that ends in a backslash goes on in the next one.
//
// # Head
//
// The head comes before the first event. Its fields stand one a line, or several with two or more spaces between them.
//
//	observation O055 O056     ids; more than one where a trace shows a family
//	about TEXT                what it shows; without it, the comment lines that the file begins with
//	source IMC21, IMC22       where it is known from
//	confidence P              P, P2, C, D, A, MEM, or choice
//	behaviour B14             sections of the specification
//	date 2022-05              when the real thing did so
//	policy 2022-paper         a shipped policy, or a file: a path that ends in .yaml, beside the trace
//	seed 7                    of every chance, the boxes' and the trace's own; 1 without it
//	repeat 200                the whole trace runs so many times, with seed, seed+1 and so on, a fresh box each
//	path client, 2 hops, box, 3 hops, box isp, 1 hop, server
//	                          a hop takes 1 from the TTL, a box takes nothing; without it: client, box, server
//	box isp 2024-isp          the policy of the box isp of the path; boxes without one have that of "policy"
//	client 198.51.100.9       inside; its ports are counted up from 40000
//	server 203.0.113.9:8443   outside: an address, [address]:port, :port, or the name of a list of prefixes of the policy or of an
//	                          organisation of the table of addresses: "server google", "server google:8443". That is the
//	                          first address of its first prefix of the family; "server google+1" the one after it
//	ipv6                      addresses are IPv6 unless they are stated
//	live no: REASON           never runs live. Nor does a trace with repeat, or, where waits are real, one that waits 5 s or more
//
// The default ends are 198.51.100.2 and 192.0.2.80 (2001:db8:1::2 and 2001:db8:2::2), port 443.
//
// A policy can be written where it is used. "with:" and a deeper indented block of YAML extend the named policy by what
// differs; "policy with:" alone is a policy of its own. date and about are filled in.
//
//	policy 2025-home with:
//	  profile:
//	    reassembly: {tcp: true, records: true}
//	  lists:
//	    vpn: [nordvpn.com]
//	  rules:
//	    - rule: vpn
//	      when: {sni: vpn}
//	      do: {drop: up}
//	      source: {ref: choice}
//
// # Flows
//
// Packets belong to the flow at hand. The first one is there at once.
//
//	flow                      a new client port, sequence numbers begin anew
//	flow A                    the first time, a new flow with that name; from then on, back to it
//	flow again                a new connection on the 5-tuple of the flow at hand
//	flow again A              the same, of the flow A
//
// After flow or its name, in any order: "client ADDRESS", "client :PORT", "client ADDRESS:PORT", "server ..." as in the head, and
// the transport: udp, tcp or icmp. Without one, the first packet decides. The words udp and tcp also stand before a payload: "> udp random
// 1200". A flow from outside is one whose first packet is "<"; "flow client :7 server :50000" gives it fitting ports.
//
//	handshake                 > syn, < syn,ack, > ack, all to pass
//	handshake from outside    < syn, > syn,ack, < ack
//
// # Time and the box
//
//	wait 74s                  also 300ms, 8m, 2h, 1h30m
//	policy NAME [with: ...]   a new policy, for flows that open from now on; "box isp NAME [with: ...]" for one of several boxes
//	box off / box on          the box is dead: open wire, or closed if its profile fails closed; "box isp off"
//
// # Blocks
//
//	repeat 10                 the indented lines so many times
//	repeat 4 every 400ms      with a wait between two rounds
//	each port 1..1023         the indented lines with {port} replaced by each value
//	each name a.com b.com     any word can be the variable's name; blocks nest
//
// {n} is the round, from 1. An expectation on a block's line is for all packets of the block taken together; lines within it
// that have none of their own then expect nothing.
//
//	repeat 10                                  => 5..8 passed, then dropped
//	  > data 100
//	  < data 100
//
// # Packets
//
//	> [fake] [N x] [udp|tcp] [FLAGS] [PAYLOAD [+ PAYLOAD ...]] [options]
//	> again [options]
//
// > goes up, from client to server; < goes down. FLAGS is a list of syn, ack, fin, rst, psh, urg, ece, cwr with commas and no
// spaces, or the word none (no flags at all); a payload without flags has psh,ack. Each side's sequence number goes on
// after what it sent, and its acknowledgements after what the other side sent, whether or not that arrived. Payloads
// with + between them go in one packet. again sends the last event's packets of this side and flow anew, as a retransmission does: same
// sequence numbers, new IP-ID.
//
//	fake           the packet takes no room in the stream: the next one has the same sequence number
//	N x            so many packets, each with bytes of its own where they are random: "40 x > data 1200 every 2ms"; the form
//	               "> 40 x data 1200 every 2ms" is the same
//	every D        the time between the packets of this event, also between pieces and fragments
//	seq N          relative to the side's first (its SYN is 0); "seq +N", "seq -N": from where it would be; "seq =N": absolute
//	ack N          the same, relative to the other side's
//	window N       65535 without it
//	ttl N          64 without it; several, "ttl 64 10", for the fragments of a packet in turn
//	ip-id N        otherwise counted up, never 0
//	md5            a TCP MD5 option (RFC 2385)
//	mss N          an option, as are: wscale N, sack
//	timestamp N    an option; "timestamp -600000" counts from the side's last. A side that sent one goes on with one in every
//	               packet, a millisecond a tick
//	bad checksum   of TCP or UDP
//	from A, to A   another source or destination than the flow's: ADDRESS, :PORT or ADDRESS:PORT
//
// A packet with seq moves the stream only where it ends behind what the side sent before.
//
// Cuts, of the payload of this event:
//
//	cut 200 400          into segments at these places of the payload
//	cut sni+3            a place can be counted from the name: sni, sni+3, sni-1, from its end: sni-end, from the payload's: end-10
//	cut mss 536          into segments of at most so many bytes
//	reversed             the last segment first
//	order 2 1 3          any order; a number can come twice
//	twice                each segment is sent two times in a row
//	overlap N            each segment but the first begins N bytes earlier
//	records 813          a hello is cut into TLS records at these places of the handshake message (not the payload): sni+3 as well
//	records mss 100      into records of at most so many bytes
//	bytes A..B           only these bytes of the payload, at their place in the stream. The lines with parts of one payload (the same
//	                     words) belong together; the stream goes on behind the whole of it with the next other payload
//	with zeros           of a part: zero bytes in its place; "with random" random ones
//
// IP fragments, of one packet:
//
//	fragments 3               three of about the same size, sent in order (reversed, order and twice apply)
//	fragments at 8 400        cut at these bytes of the IP payload, multiples of 8
//	fragment 1 of 2           only this one; other lines with the same words send the others, with one IP-ID
//	fragment 8..200           only these bytes of the IP payload; end is its end
//
// # Payloads
//
//	data N                    N bytes that open no protocol
//	random N                  N random bytes; zeros N
//	hex 16 fe fd              bytes
//	text "GET / HTTP/1.1\r\n" bytes, as a Go string
//	http GET x.com/path       a request; also HEAD, POST and CONNECT. Then: "padding 4000" (a header of so many bytes), "body 64"
//	http 200 5000             a response with so many bytes of body; "http 302 http://stub.example/"
//	hello NAME                a TLS ClientHello, see below
//	flight 1.2 NAME ...       the server's hello, certificate with these names and hello-done; "size N" pads the certificate to a
//	                          flight of about N bytes
//	flight 1.3                the server's hello and encrypted records; "size N"
//	ccs                       a ChangeCipherSpec record
//	finished                  what the client ends the handshake with: ccs and an encrypted record
//	application N             a TLS record of application data with N bytes in it
//	record TYPE N             a TLS record: handshake, alert, ccs, application, heartbeat or a number
//	ssh                       a banner; socks 5, socks 4: a greeting; whatsapp: the opening of its chat
//	bittorrent                handshake (TCP); bittorrent utp, dht, tracker (UDP)
//
// over UDP:
//
//	quic initial NAME         an Initial with a ClientHello, see below
//	quic short N              N bytes that look like a packet with a short header: first byte 0x40
//	quic server N             a long-header packet from the server; quic negotiation: a version negotiation packet
//	dtls hello [NAME]         fingerprint pion, browser or random; "groups at 0x59" puts supported_groups 00 1d 00 17 00 18 at that
//	                          offset (several may be named); 1.3
//	dtls server-hello         "groups at 0x5a" puts 1d 00 17 00 18 there; without it, no supported_groups
//	dtls verify               a HelloVerifyRequest; dtls application N: a record with N bytes
//	stun binding              a request; stun answer, stun indication, stun data N (ChannelData)
//	wireguard init            148 bytes; wireguard response: 92; wireguard data N; wireguard keepalive; wireguard cookie
//	openvpn reset             P_CONTROL_HARD_RESET_CLIENT_V2 (plain, or tls-auth, tls-crypt); openvpn reset v3; openvpn server-reset;
//	                          openvpn control N, ack, data N (P_DATA_V2), data-v1 N. In a TCP flow with a length before each
//	ike                       IKE_SA_INIT; ike v1: main mode; ike nat: with the marker of port 4500
//	l2tp                      a start-control-connection-request
//	dns query NAME [TYPE]     dns answer NAME [TYPE] ADDRESS|nxdomain|refused. In a TCP flow with a length before it
//
// over ICMP: icmp echo [N], icmp reply [N].
//
// A payload decides its flow's transport, where the flow does not say: those of the UDP list UDP, icmp ICMP, all others TCP.
//
// hello, in any order:
//
//	size N               N bytes of payload, by a padding extension
//	1.2, 1.3             version; 1.3 without it
//	ech                  an encrypted_client_hello extension; "ech N" bytes long
//	grease               GREASE in suites and extensions (RFC 8701)
//	no-sni, empty-sni    in place of NAME: no server_name, or one with an empty name
//	dot                  a trailing dot: "hello twitter.com dot" is twitter.com.
//	extension 0xfe02 20  one more extension: its number and length
//	fingerprint chrome   suites and extensions as chrome, firefox, safari or go send them; JA4 of chrome: t13d1516h2_8daaf6152771_d8a2da3f94cd
//	garbled WHAT         one field broken: type (the record's content type), handshake (type), version, record-length, length, session (id
//	                     length), ciphers (length), extensions (length), sni-type (the extension's number), name-type, name-length,
//	                     random, cipher-values (the last two break no parser)
//
// quic initial takes the options of hello (not garbled), and:
//
//	size N               of each datagram; 1200 without it
//	version V            v1, v2, draft-29, or a number: what no keys are known for is random behind the header
//	datagrams N          the hello is spread over so many
//	frames N             CRYPTO frames in each datagram, "frames N shuffled" out of order, with PING and PADDING between
//	flipped              one byte of the cipher text is flipped
//	outside N            zero bytes behind the QUIC packet; with size, the packet is that much smaller
//
// # Expectations
//
// => says what comes out at the other end, <= what comes back to the sender. Nothing means => passed: each packet
// comes out, unchanged to the last bit but for the TTL that hops take. A packet that comes out or back and that no line expects
// fails the trace.
//
//	passed                    all packets of the event
//	dropped                   none
//	held                      none yet; may come out later
//	any                       nothing is expected
//	2 passed, 5..8 passed     so many of them; also dropped and rewritten
//	5 passed, then dropped    exactly the first so many
//	30..70 % passed           of the packets of this line in all rounds and repeats
//	15..20 KB passed          payload bytes; B and KB (1024 bytes)
//	rate 130..150 kbit        bytes of IP packets that came out by the time from the first to the last packet sent; B/s, KB/s, kbit, mbit
//	goodput 600..700 B/s      the same of payload bytes
//	rst,ack FIELDS            one packet for each sent, with these flags, changed by the box; "N rst,ack" of so many of them
//	rewritten FIELDS          changed by the box
//	+ rst FIELDS              behind passed or dropped: packets of the box's own besides, as in "=> passed, + rst" and "<= rst,ack ttl 52"
//	released                  packets that were held come out now, besides; "2 released"
//	expired                   the TTL ends at a hop
//	hit RULE, no hit          what the box said at this event (virtual paths alone know)
//
// What comes back, after <=: flags with FIELDS, and
//
//	nxdomain, refused         a DNS answer with this code
//	answer ADDRESS            a DNS answer with this address
//	302 [URL]                 an HTTP response with this code, its payload holding URL
//	nothing                   the same as no <=
//
// FIELDS: "len N" (payload bytes), "seq V", "ack V", "ttl V", "ip-id V", "window V" with V a number or the word same: as the packet that was sent
// would have had it here; "from ADDRESS[:PORT]" and "to ADDRESS[:PORT]". seq and ack numbers are relative. passed takes FIELDS
// as well: "=> passed ttl 64". of several fragments, each must have them.
//
// Items of one expectation are joined by a comma and a space. A line can have both => and <=.
package trace
