package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime/debug"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"dpilab/dpi/trace/craft"
)

// The server's ports.
const (
	portConnections = 443 // answers a hello with replySize bytes
	portBulk        = 444 // answers a hello with a stream
	portEcho        = 7
)

const (
	helloSize   = 517 // bytes of a ClientHello with its record's header, as browsers padded it to for years
	replySize   = 256
	congestion  = "cubic"
	memoryLimit = 512 << 20 // of an agent, whose garbage is collected only then
)

// jobs are what agents can do.
var jobs = map[string]func(job) (answer, error){
	"serve":       serve,
	"connections": makeConnections,
	"try":         tryNames,
	"bulk":        takeStream,
	"echo":        askEcho,
	"hold":        holdConnections,
	"held":        askHeld,
	"flood":       makeFlood,
	"pour":        pour,
	"poured":      countPoured,
	"engine":      collecting(timeEngine),
	"flows":       collecting(fillFlows),
	"police":      collecting(policeFlows),
	"lookup":      collecting(timeLookups),
	"prefixes":    collecting(timePrefixes),
	"load":        collecting(loadPolicy),
}

// collecting lets a job have its garbage collected as programs usually do.
func collecting(do func(job) (answer, error)) func(job) (answer, error) {
	return func(j job) (answer, error) {
		debug.SetMemoryLimit(math.MaxInt64)
		debug.SetGCPercent(100)
		return do(j)
	}
}

// serveJobs does the jobs that come in, until there are no more: io.EOF then.
func serveJobs(from io.Reader, to io.Writer) error {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(memoryLimit)
	in, out := json.NewDecoder(from), json.NewEncoder(to)
	for {
		var j job
		if err := in.Decode(&j); err != nil {
			return err
		}
		do, ok := jobs[j.Kind]
		if !ok {
			return fmt.Errorf("unknown job %q", j.Kind)
		}
		x, err := do(j)
		if err != nil {
			x.Error = err.Error()
		}
		if err := out.Encode(x); err != nil {
			return err
		}
	}
}

// withCongestion sets the congestion control of a socket before it connects or listens; accepted ones inherit it.
func withCongestion(_, _ string, c syscall.RawConn) error {
	var err error
	if e := c.Control(func(fd uintptr) {
		err = unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, congestion)
	}); e != nil {
		return e
	}
	return err
}

// dial connects over plain TCP.
func dial(to netip.Addr, port uint16) (*net.TCPConn, error) {
	d := net.Dialer{Timeout: 3 * time.Second, Control: withCongestion}
	d.SetMultipathTCP(false)
	c, err := d.Dial("tcp", netip.AddrPortFrom(to, port).String())
	if err != nil {
		return nil, err
	}
	return c.(*net.TCPConn), nil
}

// hello is a ClientHello for a name, in one record.
func hello(name string) ([]byte, error) {
	r := rand.New(rand.NewPCG(1, uint64(len(name))))
	m, ok := craft.Hello{Name: name, Size: helloSize - 5}.Message(r)
	if !ok {
		return nil, fmt.Errorf("the name %q does not fit a hello of %d bytes", name, helloSize)
	}
	stream, _ := craft.Records(m, nil, craft.GarbledNothing)
	return stream, nil
}

func hellos(names []string) ([][]byte, error) {
	all := make([][]byte, len(names))
	for i, name := range names {
		var err error
		if all[i], err = hello(name); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func newTimes(all []time.Duration) times {
	micros := make([]float64, len(all))
	for i, d := range all {
		micros[i] = float64(d) / float64(time.Microsecond)
	}
	slices.Sort(micros)
	if len(micros) == 0 {
		return times{}
	}
	return times{P50: percentile(micros, 0.5), P99: percentile(micros, 0.99), Max: micros[len(micros)-1]}
}
