package matrix

import (
	"context"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

const (
	crowd    = 2 // threads that can run, for each processor, from which on the machine is busy (choice)
	calmStep = 20 * time.Millisecond
	calmMost = 400 * time.Millisecond // on a machine that others keep busy, waiting does not help
)

// calm waits for a moment in which the processors are not crowded, for a while. Labs at once are many because most of them wait; when several
// programs start at the same moment, a handshake could take longer than a prober's patience.
func calm(ctx context.Context) {
	for waited := time.Duration(0); waited < calmMost && ctx.Err() == nil && runnable() > crowd*runtime.GOMAXPROCS(0); waited += calmStep {
		time.Sleep(calmStep)
	}
}

// runnable is how many threads of the machine can run now (proc(5), /proc/loadavg); 0 where the kernel does not say.
func runnable() int {
	data, _ := os.ReadFile("/proc/loadavg")
	return parseRunnable(string(data))
}

func parseRunnable(loadavg string) int {
	fields := strings.Fields(loadavg)
	if len(fields) < 4 {
		return 0
	}
	now, _, _ := strings.Cut(fields[3], "/")
	n, _ := strconv.Atoi(now)
	return max(n, 0)
}
