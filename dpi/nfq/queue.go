package nfq

import "fmt"

// Packet is one packet in a kernel queue.
type Packet struct {
	ID      uint32
	In, Out uint32 // interface indexes; the bridge when bridged
	PhysIn  uint32 // bridge ports; 0 when not bridged
	PhysOut uint32
	MAC     [6]byte // source address of the frame; valid with HasMAC
	HasMAC  bool
	Data    []byte // from the IP header on; valid and writable until the next Receive
	Length  uint32 // of the packet on the wire: more than len(Data) when the copy range cut it
}

// Queue is one kernel queue. Receive, Verdict and Flush belong to one goroutine; Wake, CopyRange, Buffer and
// Overflows may be called from any; Close only when no Receive runs. A packet stays in the kernel until its verdict, in whatever order.
type Queue interface {
	// Receive waits for packets, but not longer than a tenth of a second, and returns those that are there: none
	// when there are none, after a timeout or a Wake. The slice and its Data are valid until the next call.
	Receive() ([]Packet, error)
	// Verdict decides one packet. A mark of 0 leaves the packet's mark; data, when not nil, replaces the packet from
	// the IP header on, and is copied. It may be put off until Flush.
	Verdict(id uint32, accept bool, mark uint32, data []byte)
	// CopyRange changes how many bytes are copied of each packet that is queued from now on. Any goroutine.
	CopyRange(bytes int) error
	// Flush hands the verdicts given so far to the kernel; the error is of any of them since the last Flush.
	Flush() error
	// Wake makes a Receive that waits return.
	Wake()
	// Buffer is the size of the socket's receive buffer, in bytes as the kernel counts them.
	Buffer() int
	// Overflows is how often the socket's buffer overflowed (one overflow may lose many packets), and how many
	// verdicts the kernel refused.
	Overflows() (overflows, refused uint64)
	// Close gives the queue back. Packets without a verdict are dropped by the kernel.
	Close() error
}

// Reader says which implementation reads the queues.
type Reader uint8

// Own is the fast reader, GoNFQueue the reference.
const (
	Own Reader = iota
	GoNFQueue
)

// String names the reader.
func (r Reader) String() string {
	switch r {
	case Own:
		return "own"
	case GoNFQueue:
		return "go-nfqueue"
	}
	return fmt.Sprintf("reader(%d)", r)
}

// QueueConfig is how a queue is opened. The zero value of each number takes its default.
type QueueConfig struct {
	NetNS     int    // descriptor of a network namespace; 0 or -1: the caller's
	Number    uint16 // of the queue
	Length    int    // packets that may wait for a verdict; 0: 4096
	CopyRange int    // bytes copied of each packet; 0: all
	FailOpen  bool   // accept what does not fit, rather than drop it
}

const (
	defaultLength = 4096
	maxCopyRange  = 0xffff - attrHeader // the kernel's own limit: what fits an attribute
	minCopyRange  = 128
	tick          = 100 // milliseconds that Receive waits at most
)

func (c *QueueConfig) defaults() {
	if c.Length == 0 {
		c.Length = defaultLength
	}
	if c.CopyRange <= 0 || c.CopyRange > maxCopyRange {
		c.CopyRange = maxCopyRange
	}
	if c.CopyRange < minCopyRange {
		c.CopyRange = minCopyRange
	}
}

// OpenQueue binds a queue. The errors are of the kinds ErrInUse and ErrNoQueue, where they are that.
func OpenQueue(r Reader, c QueueConfig) (Queue, error) {
	c.defaults()
	switch r {
	case Own:
		return openOwn(c)
	case GoNFQueue:
		return openReference(c)
	}
	return nil, &Error{Kind: ErrConfig, What: fmt.Sprintf("nfq: no such reader: %v", r)}
}
