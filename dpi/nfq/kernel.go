package nfq

import (
	"fmt"
	"strings"
)

// Kernel is what the kernel decides by itself, a bit for each kind. The zero value is nothing: every packet goes to the engine.
type Kernel uint8

// KernelOffload keeps the flows that a verdict offloads. KernelBlocks drops what goes to or comes from prefixes that the policy blocks
// whatever else a packet shows. KernelSkips passes the packets that cannot matter to the policy.
const (
	KernelOffload Kernel = 1 << iota
	KernelBlocks
	KernelSkips

	KernelAll = KernelOffload | KernelBlocks | KernelSkips
)

// kernelWords are those of ParseKernel, in the order of the bits.
var kernelWords = [...]string{"offload", "blocks", "skips"}

// Has tells whether all of x is in k.
func (k Kernel) Has(x Kernel) bool { return k&x == x }

// String gives the words that ParseKernel reads.
func (k Kernel) String() string {
	switch k & KernelAll {
	case 0:
		return "none"
	case KernelAll:
		return "all"
	}
	var words []string
	for i, w := range kernelWords {
		if k.Has(1 << i) {
			words = append(words, w)
		}
	}
	return strings.Join(words, ",")
}

// ParseKernel reads "none", "all", or kinds with commas between them: "offload,blocks,skips".
func ParseKernel(s string) (k Kernel, err error) {
	switch s {
	case "none":
		return 0, nil
	case "all":
		return KernelAll, nil
	}
words:
	for word := range strings.SplitSeq(s, ",") {
		for i, w := range kernelWords {
			if strings.TrimSpace(word) == w {
				k |= 1 << i
				continue words
			}
		}
		return 0, fmt.Errorf("nfq: the kernel has no kind of decision called %q: use none, all, or some of %s", word, strings.Join(kernelWords[:], ","))
	}
	return k, nil
}
