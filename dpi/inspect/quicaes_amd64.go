package inspect

import "golang.org/x/sys/cpu"

// fastAES says that the processor has instructions for AES and for the products of GCM.
var fastAES = cpu.X86.HasAES && cpu.X86.HasPCLMULQDQ && cpu.X86.HasSSSE3 && cpu.X86.HasSSE41

// aesCTR is so many blocks of counter mode (NIST SP 800-38A, section 6.5), whose counter is the last word of the block, as in GCM.
//
//go:noescape
func aesCTR(rounds *[176]byte, counter *[16]byte, dst, src *byte, blocks int)

// ghash takes so many blocks into y (NIST SP 800-38D, section 6.4).
//
//go:noescape
func ghash(h, y *[16]byte, data *byte, blocks int)
