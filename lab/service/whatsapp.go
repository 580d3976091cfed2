package service

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/flynn/noise"
)

// noiseSuite is the one WhatsApp uses, in pattern XX: Noise_XX_25519_AESGCM_SHA256, the WA header its prologue.
//
// One thing differs from WhatsApp, and no observer without the keys can tell: Noise (5.2) hashes the empty payload of
// the first message, WhatsApp's clients (whatsmeow, Baileys) don't. They could not finish here anyway, for they check
// the server's certificate against WhatsApp's own key.
var noiseSuite = noise.NewCipherSuite(noise.DH25519, noise.CipherAESGCM, noise.HashSHA256)

const (
	keySize    = 32 // an X25519 key
	sealedSize = keySize + 16

	// serverPayload stands for the certificate chain, in size: it makes the server's first frame the 347 bytes of
	// samples/wa_tcp_443.pcap. clientPayload stands for the client's login data (choice).
	serverPayload = 241
	clientPayload = 250

	chatHandshakePatience = 30 * time.Second // per read, in the handshake (choice)
	chatPatience          = 10 * time.Minute // per read and write, after it (choice)
)

// ServeChat runs a WhatsApp chat front on l: it reads the opening, does the Noise handshake as the server and then
// sends every message back. It cuts off a client that opens with anything else. Wrap l in tls.NewListener for the
// same over TLS.
func ServeChat(ctx context.Context, l net.Listener) (*Server, error) {
	static, err := noise.DH25519.GenerateKeypair(rand.Reader)
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("making the chat server's key: %w", err)
	}
	return serveConns(ctx, l, func(_ context.Context, c net.Conn) {
		serveChat(c, static) // the error is the client's; it sees the connection end
	}), nil
}

func serveChat(c net.Conn, static noise.DHKey) error {
	send, receive, err := acceptChat(patient{c, chatHandshakePatience}, static)
	if err != nil {
		return err
	}
	conn := patient{c, chatPatience}
	for {
		msg, err := readSealed(conn, receive)
		if err != nil {
			return err
		}
		if err := writeSealed(conn, send, msg); err != nil {
			return err
		}
	}
}

// acceptChat is the server's side of the handshake.
func acceptChat(c io.ReadWriter, static noise.DHKey) (send, receive *noise.CipherState, err error) {
	header, _, err := readOpening(c)
	if err != nil {
		return nil, nil, err
	}
	hs, err := newNoise(false, header, static)
	if err != nil {
		return nil, nil, err
	}
	if _, err := readHello(c, hs, fieldClientHello, part{helloEphemeral, keySize}); err != nil {
		return nil, nil, err
	}
	msg, _, _, err := hs.WriteMessage(nil, filler(serverPayload))
	if err != nil {
		return nil, nil, err
	}
	hello := appendField(nil, helloEphemeral, msg[:keySize])
	hello = appendField(hello, helloStatic, msg[keySize:keySize+sealedSize])
	hello = appendField(hello, helloPayload, msg[keySize+sealedSize:])
	if err := writeFrame(c, nil, appendField(nil, fieldServerHello, hello)); err != nil {
		return nil, nil, err
	}
	noiseMsg, err := readParts(c, fieldClientFinish, part{finishStatic, sealedSize}, part{finishPayload, 0})
	if err != nil {
		return nil, nil, err
	}
	_, receive, send, err = hs.ReadMessage(nil, noiseMsg)
	return send, receive, err
}

func newNoise(initiator bool, header []byte, static noise.DHKey) (*noise.HandshakeState, error) {
	return noise.NewHandshakeState(noise.Config{
		CipherSuite: noiseSuite, Pattern: noise.HandshakeXX, Initiator: initiator, Prologue: header, StaticKeypair: static,
	})
}

// filler is n bytes that look like ciphertext.
func filler(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails: crypto/rand
	return b
}

func readParts(r io.Reader, message int, parts ...part) ([]byte, error) {
	frame, err := readFrame(r, maxHandshake)
	if err != nil {
		return nil, err
	}
	return joinParts(frame, message, parts...)
}

// readHello reads a handshake message that does not finish the handshake, and gives its payload.
func readHello(r io.Reader, hs *noise.HandshakeState, message int, parts ...part) ([]byte, error) {
	msg, err := readParts(r, message, parts...)
	if err != nil {
		return nil, err
	}
	payload, _, _, err := hs.ReadMessage(nil, msg)
	return payload, err
}

// writeFrame sends body as one frame after prefix, in one write: the first flight goes out in one segment.
func writeFrame(w io.Writer, prefix, body []byte) error {
	out, err := appendFrame(prefix, body)
	if err != nil {
		return err
	}
	_, err = w.Write(out)
	return err
}

// readSealed reads and decrypts one frame. Noise bounds a message by 65535 bytes; WhatsApp's framing does not.
func readSealed(r io.Reader, cs *noise.CipherState) ([]byte, error) {
	frame, err := readFrame(r, maxFrame)
	if err != nil {
		return nil, err
	}
	return cs.Decrypt(nil, nil, frame)
}

func writeSealed(w io.Writer, cs *noise.CipherState, msg []byte) error {
	sealed, err := cs.Encrypt(nil, nil, msg)
	if err != nil {
		return err
	}
	return writeFrame(w, nil, sealed)
}

// patient gives up on a connection when nothing moves for so long.
type patient struct {
	net.Conn
	silence time.Duration
}

func (p patient) Read(b []byte) (int, error) {
	p.SetReadDeadline(time.Now().Add(p.silence))
	return p.Conn.Read(b)
}

func (p patient) Write(b []byte) (int, error) {
	done := 0
	for done < len(b) {
		p.SetWriteDeadline(time.Now().Add(p.silence))
		n, err := p.Conn.Write(b[done:min(len(b), done+chunk)])
		done += n
		if err != nil {
			return done, err
		}
	}
	return done, nil
}
