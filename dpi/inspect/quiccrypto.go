package inspect

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
)

const (
	maxConnectionID = 20
	gcmTag          = 16
	hpSample        = 16
)

// initialKeys protect the client's Initial packets (RFC 9001, sections 5.3 and 5.4). The zero value holds none.
type initialKeys struct {
	known bool
	fast  fastKeys // with fastAES
	slow  slowKeys // without it
	iv    [12]byte
	nonce [12]byte // here, and not on the stack, because the interfaces would move it to the heap for each packet
	mask  [16]byte // likewise
}

// fastKeys are those of the body and of header protection, without an allocation.
type fastKeys struct {
	body gcm128
	hp   aes128
}

// slowKeys are fastKeys as the standard library has them.
type slowKeys struct {
	body cipher.AEAD
	hp   cipher.Block
}

func (k *slowKeys) set(key, hp []byte) {
	// None of the calls fails: AES-128 takes 16 bytes, GCM a block of 16.
	if block, err := aes.NewCipher(key); err == nil {
		k.body, _ = cipher.NewGCM(block)
	}
	k.hp, _ = aes.NewCipher(hp)
}

// derive computes the keys of a version from the destination connection id of the client's first Initial (at most 20 bytes).
func (k *initialKeys) derive(v *quicVersion, dcid []byte) {
	key, hp, iv := v.secrets(dcid)
	copy(k.iv[:], iv[:])
	if fastAES {
		k.fast.body.setKey(key[:16])
		k.fast.hp.setKey(hp[:16])
	} else {
		k.slow.set(key[:16], hp[:16])
	}
	k.known = true
}

// secrets gives the key, that of header protection, and the start of nonces: the first 16, 16 and 12 bytes count.
func (v *quicVersion) secrets(dcid []byte) (key, hp, iv [sha256.Size]byte) {
	var salt [20]byte
	copy(salt[:], v.salt)
	client := expandLabel(hmacSHA256(salt[:], dcid), "client in", sha256.Size)
	return expandLabel(client, v.key, 16), expandLabel(client, v.hp, 16), expandLabel(client, v.iv, 12)
}

// expandLabel is HKDF-Expand-Label with an empty context (RFC 8446, section 7.1). The first length bytes of what it
// gives count; length is at most 32, and a label has at most 16 bytes.
func expandLabel(secret [sha256.Size]byte, label string, length byte) [sha256.Size]byte {
	var info [32]byte
	b := append(info[:0], 0, length, byte(len("tls13 ")+len(label)))
	b = append(b, "tls13 "...)
	b = append(b, label...)
	b = append(b, 0, 1) // no context; first block of HKDF-Expand (RFC 5869, section 2.3)
	return hmacSHA256(secret[:], b)
}

// hmacSHA256 is RFC 2104 for keys of at most 64 and messages of at most 64 bytes, on the stack.
func hmacSHA256(key, message []byte) [sha256.Size]byte {
	var inner [2 * sha256.BlockSize]byte
	var outer [sha256.BlockSize + sha256.Size]byte
	copy(inner[:], key)
	copy(outer[:], key)
	for i := range sha256.BlockSize {
		inner[i] ^= 0x36
		outer[i] ^= 0x5c
	}
	n := copy(inner[sha256.BlockSize:], message)
	digest := sha256.Sum256(inner[:sha256.BlockSize+n])
	copy(outer[sha256.BlockSize:], digest[:])
	return sha256.Sum256(outer[:])
}

// open removes header protection and decrypts. packet is one Initial whose packet number begins at pn; it is only read.
// The plain text is in scratch, which must hold len(packet) bytes; ok is false when the tag does not fit.
func (k *initialKeys) open(packet []byte, pn int, scratch []byte) (plain []byte, ok bool) {
	if !k.known || len(packet) < pn+4+hpSample {
		return nil, false
	}
	k.protect(packet[pn+4 : pn+4+hpSample])
	first := packet[0] ^ k.mask[0]&0x0f
	body := pn + int(first&3) + 1
	if len(packet) < body+gcmTag {
		return nil, false
	}
	header := scratch[:copy(scratch, packet[:body])]
	header[0] = first
	var number uint32 // a client's first packets have small numbers: what is sent is the whole of it
	for i := pn; i < body; i++ {
		header[i] ^= k.mask[1+i-pn]
		number = number<<8 | uint32(header[i])
	}
	k.nonce = k.iv
	low := k.nonce[8:]
	binary.BigEndian.PutUint32(low, binary.BigEndian.Uint32(low)^number)
	if fastAES {
		plain = scratch[body : len(packet)-gcmTag]
		return plain, k.fast.body.open(plain, &k.nonce, packet[body:], header)
	}
	plain, err := k.slow.body.Open(scratch[body:body], k.nonce[:], packet[body:], header)
	return plain, err == nil
}

// protect sets the mask of header protection by a sample of the packet.
func (k *initialKeys) protect(sample []byte) {
	if fastAES {
		copy(k.mask[:], sample)
		k.mask = k.fast.hp.encrypt(&k.mask)
		return
	}
	k.slow.hp.Encrypt(k.mask[:], sample)
}
