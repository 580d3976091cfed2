package tools

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"dpilab/lab"
)

// String gives the condition as it was written.
func (c condition) String() string { return strings.TrimSpace(c.kind + " " + c.text) }

// holds tells whether a condition of a part that runs as p (nil: nothing runs on) has come true.
func (c condition) holds(h *lab.Host, p *process, values map[string]string) (bool, error) {
	switch c.kind {
	case "tcp", "udp":
		return bound(h, c.kind, c.port)
	case "log":
		return p.out.wrote(c.regexp), nil
	case "interface":
		n, err := trafficOf(h, fill(c.text, values))
		return n != nil, err
	case "file":
		_, err := os.Stat(fill(c.text, values))
		return err == nil, nil
	case "exit":
		return p.ended() != "" && p.err == nil, nil
	}
	return false, fmt.Errorf("found the condition %q, which nothing fulfils", c.kind)
}

// bound tells whether a socket listens on a TCP port, or holds a UDP port, of the host.
func bound(h *lab.Host, network string, port uint16) (yes bool, err error) {
	// The fourth column is the state: 0A is TCP_LISTEN, 07 TCP_CLOSE, which is what an unconnected UDP socket has (include/net/tcp_states.h).
	state := map[string]string{"tcp": "0A", "udp": "07"}[network]
	err = h.Do(func() error {
		for _, family := range []string{"", "6"} {
			table, err := os.ReadFile("/proc/thread-self/net/" + network + family)
			if err != nil {
				return err
			}
			lines := bufio.NewScanner(bytes.NewReader(table))
			for lines.Scan() {
				f := strings.Fields(lines.Text())
				if len(f) > 3 && f[3] == state && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", port)) {
					yes = true
				}
			}
		}
		return nil
	})
	return yes, err
}

// counts are bytes that an interface has carried.
type counts struct{ in, out uint64 }

// trafficOf gives the counters of an interface of the host; nil: it has none of this name.
func trafficOf(h *lab.Host, name string) (c *counts, err error) {
	err = h.Do(func() error {
		table, err := os.ReadFile("/proc/thread-self/net/dev")
		if err != nil {
			return err
		}
		for line := range strings.SplitSeq(string(table), "\n") {
			found, rest, ok := strings.Cut(line, ":")
			f := strings.Fields(rest)
			if !ok || strings.TrimSpace(found) != name || len(f) < 9 {
				continue
			}
			c = &counts{}
			if c.in, err = strconv.ParseUint(f[0], 10, 64); err != nil {
				return err
			}
			c.out, err = strconv.ParseUint(f[8], 10, 64)
			return err
		}
		return nil
	})
	return c, err
}
