package rules

import "time"

// DefaultProfile is what a policy starts from that extends no other. This is the one place of these values.
func DefaultProfile() Profile {
	return Profile{
		// No reassembly (IMC22, P). How much is kept once it is switched on: the 2025 boxes joined 1,836 bytes in 4 segments
		// and not 5,924 bytes in 5 (FOCI25-data, our reading, P); 4096 and 4 lie between.
		Reassembly: Reassembly{Bytes: 4096, Segments: 4},
		Originator: true,              // only flows opened from inside are filtered (IMC21, IMC22, P)
		Inspect:    Range{15, 20},     // packets after a first one of a known protocol (IMC21, P)
		Unknown:    101,               // bytes of an unknown first payload after which a flow is let be (IMC21, P)
		TCPIdle:    600 * time.Second, // "about ten minutes" without a packet (IMC21, P)
		UDPIdle:    420 * time.Second, // choice, after the 420 s of QUIC's residual (FOCI26, P)
		OtherIdle:  60 * time.Second,  // choice
		RemoteSYN:  true,              // IMC22 Fig. 7, P
		// Times of half-open connections: no text that could be read has them (MEM); a box that forgets them early matters little.
		SYNSent:     60 * time.Second,
		SYNReceived: 105 * time.Second,
		QUIC:        QUICReading{Versions: []QUICVersion{QUICv1}, Assemble: true, Padding: true, Datagrams: 5}, // NTC1823/69, C; datagrams: NTC1823/61, A
		Encrypted:   Encrypted{Packets: 3, Size: 411},                                                          // N4P#363, C
		// What the 2021 and 2022 boxes believe: a fake that no server accepts counts as any other packet (ZAP-doc, C).
		Fooled: Fooled{Checksum: true, Sequence: true, MD5: true, Timestamp: true},
		// Off: fragments are seen one by one. The queue of IMC22 (P): at most 45, TTL copied. Time and duplicates: MEM. Sets: choice.
		Fragments: Fragments{Max: 45, CopyTTL: true, Timeout: 5 * time.Second, Discard: true, Sets: 1024},
		Flows:     1_000_000, // choice
		// TrailingDot false: twitter.com. was another name than twitter.com (IMC21, P).
		// Miss 0: a mechanism's rate of failure is published (IMC22) but was not found; 0 keeps tests exact (choice).
		// FailClosed false: five lost keep-alives and the wire is closed past the box (TDOC, D).
	}
}
