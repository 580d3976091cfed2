package dpi

import "dpilab/rules"

// Packet is one IP packet as it meets the box.
type Packet struct {
	ID   uint32          // the caller's name for it, given back in the Verdict
	Dir  rules.Direction // Up or Down
	Data []byte          // from the IP header on; the caller's, and the engine may rewrite it in place until the next call

	// Length is that of the packet on the wire, in bytes, where Data holds only its beginning, at least to the end of the transport's
	// header; 0, or less than Data has: Data is all of it. What the engine then decides holds only under a policy whose Need says that
	// payload is not read: whose rules ask of payload for its size alone, and whose profile does not look at checksums, nor puts fragments
	// together or gives them one TTL. Sizes, counts and rates go by Length.
	Length int
}

// Action is what happens to one packet.
type Action uint8

// The actions. Send is a packet of the box's own, which answers no Packet.
const (
	Accept Action = iota
	Drop
	Rewrite
	Send
)

// Offload is what the kernel may do with the rest of the packet's flow, without asking again.
type Offload uint8

// The zero Offload keeps the flow in the engine.
const (
	OffloadNone Offload = iota
	OffloadPass
	OffloadDrop
)

// fate is what is in the verdict on the packet at hand. It is small enough to be handed on in registers.
type fate struct {
	Action  Action
	Offload Offload
	Data    []byte
}

// Verdict is what happens to the packet with this ID.
type Verdict struct {
	ID      uint32
	Action  Action
	Offload Offload
	Dir     rules.Direction // Send: the way the packet leaves
	Data    []byte          // Rewrite, Send: the packet; valid until the engine's next call
}
