package rules

import "time"

// DefaultProfile is what a policy starts from that extends no other. This is the one place of these values; DefaultSources says where
// each is from.
func DefaultProfile() Profile {
	return Profile{
		// How much is kept once reassembly is switched on: the 2025 boxes joined 1,836 bytes in 4 segments and not 5,924 bytes in 5
		// (FOCI25-data, our reading); 4096 and 4 lie between.
		Reassembly: Reassembly{Bytes: 4096, Segments: 4},
		// Off: fragments are seen one by one. The other values are those of the queue once it is switched on.
		Fragments: Fragments{Max: 45, CopyTTL: true, Timeout: 5 * time.Second, Discard: true, Sets: 1024},
		// What the 2021 and 2022 boxes believe: a fake that no server accepts counts as any other packet.
		Fooled:     Fooled{Checksum: true, Sequence: true, MD5: true, Timestamp: true},
		Originator: true,
		RemoteSYN:  true,
		Inspect:    Range{15, 20},
		Unknown:    101,
		QUIC:       QUICReading{Versions: []QUICVersion{QUICv1}, Assemble: true, Padding: true, Datagrams: 5},
		Encrypted:  Encrypted{Packets: 3, Size: 411},
		// Times of half-open connections: no text that could be read has them; a box that forgets them early matters little.
		SYNSent:     60 * time.Second,
		SYNReceived: 105 * time.Second,
		TCPIdle:     600 * time.Second, // "about ten minutes"
		UDPIdle:     420 * time.Second, // after the 420 s of QUIC's residual (FOCI26)
		OtherIdle:   60 * time.Second,
		// Miss 0: a mechanism's rate of failure is published (IMC22) but was not found; 0 keeps tests exact.
		Flows: 1_000_000,
	}
}

// DefaultSource says where the default of a profile's key is from.
type DefaultSource struct {
	Key string // as policy files have it, with that of its part before it: "idle tcp"
	Source
}

// DefaultSources has an entry for each key of a profile, in the order of the reference. The caller owns it.
func DefaultSources() []DefaultSource {
	imc22, imc21, zap := Source{"IMC22", "P"}, Source{"IMC21", "P"}, Source{"ZAP-doc", "C"}
	memory, choice := Source{"MEM", "MEM"}, Source{"choice", "choice"}
	return []DefaultSource{
		{"sees", imc22}, // in-path, stateful
		{"reassembly tcp", imc22},
		{"reassembly records", imc22},
		{"reassembly both", imc22},
		{"reassembly bytes", choice},
		{"reassembly segments", choice},
		{"reassembly overlap", choice},
		{"reassembly order", choice},
		{"reassembly timeout", choice},
		{"fragments hold", choice},
		{"fragments max", imc22},
		{"fragments copy ttl", imc22},
		{"fragments timeout", memory},
		{"fragments duplicate", memory},
		{"fragments inspect", imc22}, // a hello in fragments was not seen
		{"fragments sets", choice},
		{"fooled by checksum", zap},
		{"fooled by sequence", zap},
		{"fooled by md5", zap},
		{"fooled by timestamp", zap},
		{"fooled by ttl", imc21}, // fakes that died behind the box were read
		{"originator", Source{"IMC21, IMC22", "P"}},
		{"remote syn", Source{"IMC22 Fig. 7", "P"}},
		{"mid-stream", Source{"TDOC 15.2", "D"}},
		{"inspect packets", imc21},
		{"inspect hellos", imc21}, // a fake one first did not help
		{"inspect unknown", imc21},
		{"quic versions", Source{"FOCI26", "P"}}, // v2 passes
		{"quic assemble", Source{"NTC1823/69", "C"}},
		{"quic padding", Source{"NTC1823/69", "C"}},
		{"quic datagrams", Source{"NTC1823/61", "A"}},
		{"http", Source{"HTTP24", "P"}},
		{"encrypted packets", Source{"N4P#363", "C"}},
		{"encrypted size", Source{"N4P#363", "C"}},
		{"idle syn sent", memory},
		{"idle syn received", memory},
		{"idle tcp", imc21},
		{"idle udp", choice},
		{"idle other", choice},
		{"idle closed", imc21}, // neither FIN nor RST clears
		{"trailing dot", imc21},
		{"miss", choice},
		{"flows", choice},
		{"full", choice},              // as fail, for want of a source: overload leaves traffic unfiltered (TDOC, D)
		{"fail", Source{"TDOC", "D"}}, // five lost keep-alives, and the wire is closed past the box
	}
}
