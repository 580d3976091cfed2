package nfq

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const queueTable = "/proc/thread-self/net/netfilter/nfnetlink_queue"

// kernelQueue is one line of the kernel's table of queues.
type kernelQueue struct {
	number      uint16
	port        uint32 // netlink port of the listener
	dropped     uint64 // the queue was full; not of those that passed
	userDropped uint64 // the listener's buffer was full; likewise
	lastID      uint32 // of the packet that was queued last
}

// kernelQueues reads the table of the thread's network namespace.
func kernelQueues() ([]kernelQueue, error) {
	b, err := os.ReadFile(queueTable)
	if err != nil {
		return nil, err
	}
	return parseQueues(string(b))
}

// parseQueues reads "number port waiting copymode copyrange dropped userdropped lastid 1" lines.
func parseQueues(table string) ([]kernelQueue, error) {
	var all []kernelQueue
	for line := range strings.Lines(table) {
		var k kernelQueue
		var ignore uint64
		if _, err := fmt.Sscan(line, &k.number, &k.port, &ignore, &ignore, &ignore, &k.dropped, &k.userDropped, &k.lastID); err != nil {
			return nil, fmt.Errorf("nfq: %s: %q: %w", queueTable, strings.TrimSpace(line), err)
		}
		all = append(all, k)
	}
	return all, nil
}

// holder says who listens to a queue of the thread's network namespace: "" when nobody does.
func holder(queue uint16) string {
	all, err := kernelQueues()
	if err != nil {
		return ""
	}
	for _, k := range all {
		if k.number == queue {
			return portOwner(k.port)
		}
	}
	return ""
}

// portOwner finds the process with the netlink socket of this port. The port is the process id of a process that has
// one netlink socket, so a guess by number alone would mostly be right, and sometimes wrong.
func portOwner(port uint32) string {
	inode := socketInode(port)
	if inode == "" {
		return fmt.Sprintf("netlink port %d", port)
	}
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*") // those that we may not see are not in it
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil && to == "socket:["+inode+"]" {
			return "pid " + strings.Split(link, "/")[2]
		}
	}
	return fmt.Sprintf("a process that is not visible from here (netlink port %d)", port)
}

// socketInode looks a netfilter netlink socket up in the thread's network namespace: columns sk, protocol, port,
// groups, rmem, wmem, dump, locks, drops, inode.
func socketInode(port uint32) string {
	f, err := os.Open("/proc/thread-self/net/netlink")
	if err != nil {
		return ""
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		c := strings.Fields(s.Text())
		if len(c) >= 10 && c[1] == "12" && c[2] == strconv.FormatUint(uint64(port), 10) {
			return c[9]
		}
	}
	return ""
}
