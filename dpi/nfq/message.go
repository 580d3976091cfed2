package nfq

import "encoding/binary"

// The netlink protocol of netfilter queues: linux/netfilter/nfnetlink_queue.h. Lengths and types of messages and
// attributes are in host order, everything within them in network order.
const (
	msgHeader  = 16 + 4 // nlmsghdr and nfgenmsg
	attrHeader = 4
	subsystem  = 3

	typePacket  = subsystem << 8
	typeVerdict = subsystem<<8 | 1
	typeConfig  = subsystem<<8 | 2
	typeBatch   = subsystem<<8 | 3

	attrPacketHeader  = 1
	attrVerdictHeader = 2
	attrMark          = 3
	attrIn            = 5
	attrOut           = 6
	attrPhysIn        = 7
	attrPhysOut       = 8
	attrHardware      = 9
	attrPayload       = 10
	attrLength        = 13

	configCommand   = 1
	configParams    = 2
	configMaxLength = 3
	configMask      = 4
	configFlags     = 5

	commandBind  = 1
	copyPacket   = 2
	flagFailOpen = 1
)

// appendMessage begins a message to the queue; finish sets its length.
func appendMessage(b []byte, typ, flags, queue uint16) []byte {
	b = binary.NativeEndian.AppendUint32(b, 0)
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = binary.NativeEndian.AppendUint16(b, flags)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0) // sequence, port
	b = append(b, 0, 0)                   // family, version
	return binary.BigEndian.AppendUint16(b, queue)
}

// finish sets the length of the message that begins at start.
func finish(b []byte, start int) []byte {
	binary.NativeEndian.PutUint32(b[start:], uint32(len(b)-start))
	return b
}

func appendAttr(b []byte, typ uint16, data []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(attrHeader+len(data)))
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = append(b, data...)
	for n := len(data); n%4 != 0; n++ {
		b = append(b, 0)
	}
	return b
}

func appendAttr32(b []byte, typ uint16, v uint32) []byte {
	b = binary.NativeEndian.AppendUint16(b, attrHeader+4)
	b = binary.NativeEndian.AppendUint16(b, typ)
	return binary.BigEndian.AppendUint32(b, v)
}

// appendBatch adds the message that accepts every packet with an id up to this one.
func appendBatch(b []byte, queue uint16, id uint32) []byte {
	start := len(b)
	b = appendVerdict(b, queue, id, true, 0, nil)
	binary.NativeEndian.PutUint16(b[start+4:], typeBatch)
	return b
}

// appendVerdict adds one verdict message. data must fit an attribute.
func appendVerdict(b []byte, queue uint16, id uint32, accept bool, mark uint32, data []byte) []byte {
	start := len(b)
	b = appendMessage(b, typeVerdict, flagRequest, queue)
	b = binary.NativeEndian.AppendUint16(b, attrHeader+8)
	b = binary.NativeEndian.AppendUint16(b, attrVerdictHeader)
	verdict := uint32(0) // NF_DROP
	if accept {
		verdict = 1 // NF_ACCEPT
	}
	b = binary.BigEndian.AppendUint32(b, verdict)
	b = binary.BigEndian.AppendUint32(b, id)
	if mark != 0 {
		b = appendAttr32(b, attrMark, mark)
	}
	if data != nil {
		b = appendAttr(b, attrPayload, data)
	}
	return finish(b, start)
}

const (
	flagRequest = 1 // NLM_F_REQUEST
	flagAck     = 4 // NLM_F_ACK
)
