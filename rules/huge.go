package rules

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugePages asks the kernel to back s, up to its capacity, by pages of 2 MiB before it is touched: what is read at random places then costs one miss where it
// costs two otherwise. It is a wish, so whatever the kernel says is fine.
func hugePages[T any](s []T) []T {
	const page = 2 << 20
	var one T
	all := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), uintptr(cap(s))*unsafe.Sizeof(one))
	if len(all) < 2*page {
		return s
	}
	from := int(-uintptr(unsafe.Pointer(&all[0])) % page)
	end := from + (len(all)-from)/page*page
	_ = unix.Madvise(all[from:end], unix.MADV_HUGEPAGE)
	return s
}
