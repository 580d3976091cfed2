#include "textflag.h"

// One round of AES, with the round key at offset at, over the four blocks in X0 to X3.
#define ROUND(at) \
	MOVOU at(AX), X4; \
	AESENC X4, X0; \
	AESENC X4, X1; \
	AESENC X4, X2; \
	AESENC X4, X3

#define ROUND1(at) \
	MOVOU at(AX), X4; \
	AESENC X4, X0

// The next counter, in R8, as the last word of block x.
#define COUNT(x) \
	MOVO X15, x; \
	MOVL R8, R9; \
	BSWAPL R9; \
	PINSRD $3, R9, x; \
	INCL R8

// func aesCTR(rounds *[176]byte, counter *[16]byte, dst, src *byte, blocks int)
TEXT ·aesCTR(SB), NOSPLIT, $0-40
	MOVQ rounds+0(FP), AX
	MOVQ counter+8(FP), BX
	MOVQ dst+16(FP), DI
	MOVQ src+24(FP), SI
	MOVQ blocks+32(FP), CX
	MOVOU (BX), X15
	MOVL 12(BX), R8
	BSWAPL R8

four:
	CMPQ CX, $4
	JLT  one
	COUNT(X0)
	COUNT(X1)
	COUNT(X2)
	COUNT(X3)
	MOVOU (AX), X4
	PXOR X4, X0
	PXOR X4, X1
	PXOR X4, X2
	PXOR X4, X3
	ROUND(16)
	ROUND(32)
	ROUND(48)
	ROUND(64)
	ROUND(80)
	ROUND(96)
	ROUND(112)
	ROUND(128)
	ROUND(144)
	MOVOU 160(AX), X4
	AESENCLAST X4, X0
	AESENCLAST X4, X1
	AESENCLAST X4, X2
	AESENCLAST X4, X3
	MOVOU (SI), X5
	MOVOU 16(SI), X6
	MOVOU 32(SI), X7
	MOVOU 48(SI), X8
	PXOR X5, X0
	PXOR X6, X1
	PXOR X7, X2
	PXOR X8, X3
	MOVOU X0, (DI)
	MOVOU X1, 16(DI)
	MOVOU X2, 32(DI)
	MOVOU X3, 48(DI)
	ADDQ $64, SI
	ADDQ $64, DI
	SUBQ $4, CX
	JMP  four

one:
	TESTQ CX, CX
	JLE  done
	COUNT(X0)
	MOVOU (AX), X4
	PXOR X4, X0
	ROUND1(16)
	ROUND1(32)
	ROUND1(48)
	ROUND1(64)
	ROUND1(80)
	ROUND1(96)
	ROUND1(112)
	ROUND1(128)
	ROUND1(144)
	MOVOU 160(AX), X4
	AESENCLAST X4, X0
	MOVOU (SI), X5
	PXOR X5, X0
	MOVOU X0, (DI)
	ADDQ $16, SI
	ADDQ $16, DI
	DECQ CX
	JMP  one

done:
	RET

// The bytes of a block in reverse order.
DATA reversed<>+0(SB)/8, $0x08090a0b0c0d0e0f
DATA reversed<>+8(SB)/8, $0x0001020304050607
GLOBL reversed<>(SB), RODATA|NOPTR, $16

// func ghash(h, y *[16]byte, data *byte, blocks int)
//
// y = (y ^ block) * h for each block, in the field of GCM (NIST SP 800-38D, section 6.3). The product of the reversed blocks is one bit
// short of the reversed product: 256 bits of it are shifted by one, and then reduced by x^128 + x^7 + x^2 + x + 1.
TEXT ·ghash(SB), NOSPLIT, $0-32
	MOVQ h+0(FP), AX
	MOVQ y+8(FP), BX
	MOVQ data+16(FP), SI
	MOVQ blocks+24(FP), CX
	MOVOU reversed<>(SB), X15
	MOVOU (AX), X14
	MOVOU (BX), X0
	PSHUFB X15, X14
	PSHUFB X15, X0

block:
	TESTQ CX, CX
	JLE  finished
	MOVOU (SI), X1
	PSHUFB X15, X1
	PXOR X1, X0

	// X3 the low, X6 the high half of the product.
	MOVO X0, X3
	MOVO X0, X4
	MOVO X0, X5
	MOVO X0, X6
	PCLMULQDQ $0x00, X14, X3
	PCLMULQDQ $0x10, X14, X4
	PCLMULQDQ $0x01, X14, X5
	PCLMULQDQ $0x11, X14, X6
	PXOR X5, X4
	MOVO X4, X5
	PSLLO $8, X5
	PSRLO $8, X4
	PXOR X5, X3
	PXOR X4, X6

	// One bit to the left.
	MOVO X3, X7
	MOVO X6, X8
	PSRLL $31, X7
	PSRLL $31, X8
	PSLLL $1, X3
	PSLLL $1, X6
	MOVO X7, X9
	PSRLO $12, X9
	PSLLO $4, X8
	PSLLO $4, X7
	POR X7, X3
	POR X8, X6
	POR X9, X6

	// The reduction.
	MOVO X3, X7
	MOVO X3, X8
	MOVO X3, X9
	PSLLL $31, X7
	PSLLL $30, X8
	PSLLL $25, X9
	PXOR X8, X7
	PXOR X9, X7
	MOVO X7, X8
	PSRLO $4, X8
	PSLLO $12, X7
	PXOR X7, X3
	MOVO X3, X2
	MOVO X3, X4
	MOVO X3, X5
	PSRLL $1, X2
	PSRLL $2, X4
	PSRLL $7, X5
	PXOR X4, X2
	PXOR X5, X2
	PXOR X8, X2
	PXOR X2, X3
	PXOR X3, X6
	MOVO X6, X0

	ADDQ $16, SI
	DECQ CX
	JMP  block

finished:
	PSHUFB X15, X0
	MOVOU X0, (BX)
	RET
