// Package desync is the elementary strategies by which a client gets its first bytes past a box that reads names: cuts, records, fakes,
// fragments. They run in the process that connects, over a real connection of the kernel, so that a policy can be characterised with
// nothing installed. A Strategy is a line of text:
//
//	s, err := desync.Parse("fake sni max.ru ttl auto; split midsni")
//	d := s.Dialer(host.Do)                       // a *lab.Host; nil: where the process is
//	c, err := d.DialContext(ctx, "tcp", "203.0.113.34:443")
//
// Steps are joined by semicolons. The words are those of the programs that do the same (zapret, byedpi, GoodbyeDPI). Each step stands
// once, fake and udpfake as often as one likes; whatever their order, they are done in the order in which they stand here.
//
// # The connection
//
//	window N            a receive window of N bytes until the client has written twice: the server's flight comes in pieces (zapret's
//	                    wssize). The kernel has none below 1152; less is said in the segments of the first write, and needs two of them
//	mss N               no segment with more than N bytes, 88 to 1460, its options among them: those of the server, by what the client
//	                    announces, and those of the client
//	syndata PAYLOAD     a SYN that has data in it goes ahead of the kernel's own; servers leave such data alone
//
// # What the client writes first
//
//	x25519              a ClientHello without the key of X25519MLKEM768, which makes it longer than a segment: that of clients before 2024
//	tls12               TLS 1.2 at most: what the server shows is in the clear
//	padding N           N bytes more in the ClientHello, up to 8000: names of application protocols that no server knows, because
//	                    crypto/tls has no padding extension. These three work where Dialer.TLS makes the client's side
//	alert [N]           N warning alerts, up to 5, before the ClientHello (1 without it): a record that a server skips
//	tlsrec PLACE ...    the ClientHello in several TLS records, cut at these places
//	hostcase            HTTP: host: for Host:. hostspell HoSt: this for it
//	domcase             HTTP: eXaMpLe.OrG
//	hostdot             HTTP: example.org. with a dot behind it. hosttab: a tab
//	hostnospace         HTTP: no space before the name. hostspace: two
//	methodspace         HTTP: two spaces behind GET; Go's servers refuse it
//
// # Packets
//
//	fake [PAYLOAD] WHY  a packet before the first that takes no room in the stream. WHY is what keeps a server from taking it, one or
//	                    several of: ttl N, ttl auto (dies one hop before the server), badsum (TCP checksum), badseq [N] (sequence
//	                    number, -10000), badack [N] (acknowledgement, -66000), md5sig (signature option), ts [N] (timestamp,
//	                    -600000), datanoack (no ACK flag). "times N": so often
//	split PLACE ...     in segments cut at these places
//	disorder PLACE ...  the same, the last one first. With "ttl N" or "ttl auto" (byedpi's way) in order, but the first with this TTL,
//	                    so that only what the kernel sends again reaches the server
//	oob PLACE           cut at this place, with a byte behind it that is urgent and no part of the stream
//	seqovl N            the first segment begins with N bytes, up to 1400, that lie before the server's window
//	delay D             between segments, 1ms to 10s. In disorder, beyond some 100 ms the kernel sends all of it again meanwhile
//	ipfrag N            IP fragments, the first with N bytes of the segment, 8 to 1400 and a multiple of 8. "ipfrag N reverse": the
//	                    last one first
//
// # Datagrams
//
// They are changed by Dialer.ListenPacket.
//
//	udpfake [PAYLOAD]   a datagram before the first to an address. ttl, badsum and times as for fake; a server that understands it
//	                    does no harm
//	udpfrag N           Initials of QUIC in IP fragments, as for ipfrag
//	sport N             from this port
//
// A PAYLOAD is "sni NAME" (a ClientHello, an HTTP request or an Initial, by what the client is about to send; without a PAYLOAD
// that of www.w3.org), "random N", "zeros N" or "hex 16fe..". Those of datagrams can be "short N" too: it looks like a QUIC packet with a short header.
//
// A PLACE is a number of bytes from the beginning (-5: from the end), or a mark and a distance: sni+1, midsni, endsni-2 in a
// ClientHello, sniext (the data of the server_name extension), host, midhost, endhost in an HTTP request. Numbers of tlsrec count from
// the handshake message. A place that is not there, or where nothing lies before or behind, cuts nothing.
//
// # How it is done
//
// The kernel opens the connection and keeps it. What the client writes first, 16 KB of it at most, is entered in the kernel's queue as sent, by TCP_REPAIR,
// and goes out by a raw socket, packet by packet as the strategy says; acknowledgements, and sending again what got lost, are
// the kernel's, which knows of no strategy: what it sends again is whole. This needs CAP_NET_ADMIN and CAP_NET_RAW in the user
// namespace of the network, as a lab's process has them.
package desync
