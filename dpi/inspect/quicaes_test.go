package inspect

import (
	"crypto/aes"
	"crypto/cipher"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func needFastAES(t testing.TB) {
	if !fastAES {
		t.Skip("this processor, or this build, has no instructions for AES and GCM: Initials are decrypted by crypto/aes")
	}
}

// requireSameAES holds AES, the opening of a sealed packet and the refusal of a broken one to what the standard library does.
func requireSameAES(t *testing.T, key, nonce, plain, header []byte, broken int) {
	block, err := aes.NewCipher(key)
	require.NoError(t, err)
	gcm, err := cipher.NewGCM(block)
	require.NoError(t, err)

	var fast gcm128
	fast.setKey(key)
	in, want := [16]byte(append(nonce[:12:12], key[:4]...)), [16]byte{}
	block.Encrypt(want[:], in[:])
	require.Equal(t, want, fast.encrypt(&in))

	sealed := gcm.Seal(nil, nonce, plain, header)
	opened := make([]byte, len(plain))
	require.True(t, fast.open(opened, (*[12]byte)(nonce), sealed, header))
	require.Equal(t, string(plain), string(opened))

	// Behind the end nothing is read or written.
	tight := append(make([]byte, 0, len(sealed)), sealed...)
	room := append(make([]byte, len(plain)), 0xaa, 0xbb)
	require.True(t, fast.open(room[:len(plain):len(plain)], (*[12]byte)(nonce), tight, header))
	require.Equal(t, []byte{0xaa, 0xbb}, room[len(plain):])

	sealed[broken%len(sealed)] ^= 1 << (broken % 8)
	clear(opened)
	require.False(t, fast.open(opened, (*[12]byte)(nonce), sealed, header))
	require.Equal(t, make([]byte, len(plain)), opened)
	if len(header) > 0 {
		sealed[broken%len(sealed)] ^= 1 << (broken % 8)
		header[broken%len(header)] ^= 1
		require.False(t, fast.open(opened, (*[12]byte)(nonce), sealed, header))
	}
}

func TestAESIsThatOfTheStandardLibrary(t *testing.T) {
	needFastAES(t)
	r := rand.New(rand.NewPCG(1, 2))
	random := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	for n := range 300 {
		requireSameAES(t, random(16), random(12), random(n), random(r.IntN(70)), r.IntN(1000))
	}
	requireSameAES(t, random(16), random(12), random(65_000), random(40), 64_000)
}

func FuzzAES(f *testing.F) {
	needFastAES(f)
	f.Add([]byte("sixteen byte key"), []byte("twelve bytes"), []byte("a body of more than one block of 16"), []byte("header"), 3)
	f.Fuzz(func(t *testing.T, key, nonce, plain, header []byte, broken int) {
		key, nonce = append(key, make([]byte, 16)...)[:16], append(nonce, make([]byte, 12)...)[:12]
		requireSameAES(t, key, nonce, plain, append([]byte(nil), header...), max(broken, -broken, 0))
	})
}
