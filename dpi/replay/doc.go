// Package replay runs the box over a capture: what would it have done to this traffic, flow by flow, and what would have come out?
//
// Run reads pcap and pcapng as a stream, gives every IP packet to a dpi.Engine at the time that the capture states, and writes the
// capture as it would have come out. What the box does not touch comes out byte for byte.
//
// # What a replay cannot show
//
// A capture is what happened then. Its endpoints do not react to what the box does now: what would have been sent again after a drop is
// not in the file, and what followed a connection that the box cuts is still there. A replay says which packets the box touches as far
// as the traffic went that way; what a program would have done next, only a lab shows.
//
// # Which side is inside
//
// With prefixes (Options.Inside), the end that they have. A packet between two ends inside, or two outside, does not cross the box.
// Without, each flow's opener is inside: the sender of a SYN, the receiver of a SYN/ACK, the sender of the first datagram, unless its
// port is below 1024 and the other is not. Of what is found in midstream, of fragments and of the rest, it is the end that opened
// other flows, or else the only end with a private address, or the end with the higher port, or the sender. What stays on its link
// (link-local, multicast and broadcast addresses) does not cross the box.
//
// # Time
//
// The box's clock is 0 at the capture's first packet and follows the timestamps. It never goes back: packets that are stamped earlier
// than one before them come at the same time as it. Packets that the box holds come out with the time of their release.
//
// # Cut packets and offloading
//
// Packets that the capture cut (snaplen) are given to the box with zeros for what is missing, so that what counts and polices sees their
// true length, and with right checksums; what was cut off cannot be read. Packets that left through a network card which finishes
// checksums show unfinished ones: see Checksums. Packets that a card was to cut into segments stay whole; the report says so, since
// mechanisms that count packets then count fewer.
//
// # Several interfaces
//
// A capture of several interfaces may have each packet more than once: the box would count it as often. The report says so where it
// looks like that; Options.Interface names the one at which the box is, and packets of the others go past it.
//
// # The JSON report
//
// Report.WriteJSON writes one object. Its field names, which are those in the json tags of Report and of what it holds, are published and
// stay as they are; more may come.
package replay
