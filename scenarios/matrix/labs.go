package matrix

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"strings"
)

const (
	labsPerCore = 4
	labMemory   = 400 << 20 // bytes that a lab may take, a browser in it included
)

// DefaultLabs is how many labs run at once unless a run says otherwise: several a processor, because a blocked try does nothing but wait, and
// no more than the memory that is free holds.
func DefaultLabs() int {
	n := labsPerCore * runtime.GOMAXPROCS(0)
	if free := freeMemory(); free > 0 {
		n = min(n, int(free/labMemory))
	}
	return max(n, 1)
}

// freeMemory is what the kernel says is available; 0 where it does not say.
func freeMemory() int64 {
	data, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(data) {
		if rest, ok := strings.CutPrefix(string(line), "MemAvailable:"); ok {
			n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return n << 10
		}
	}
	return 0
}
