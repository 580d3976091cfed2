package service

import (
	"context"
	"crypto/rand"
	"io"
	"net"
	"time"
)

const (
	keySize    = 32 // an X25519 key
	sealedSize = keySize + 16

	clientPayload = 250 // stands for the client's login data (choice)

	chatHandshakePatience = 30 * time.Second // per read, in the handshake (choice)
	chatPatience          = 10 * time.Minute // per read and write, after it (choice)
)

// ServeChat runs a WhatsApp chat front on l: it reads the opening, does the Noise handshake as the server that keys say, and then
// sends every message back. It cuts off a client that opens with anything else. Wrap l in tls.NewListener for the same over TLS. A
// client of WhatsApp that trusts keys.Root finishes the handshake; nil keys are fresh ones that nobody knows.
func ServeChat(ctx context.Context, l net.Listener, keys *ChatKeys) (*Server, error) {
	if keys == nil {
		var err error
		if keys, err = NewChatKeys(); err != nil {
			l.Close()
			return nil, err
		}
	}
	return serveConns(ctx, l, func(_ context.Context, c net.Conn) {
		serveChat(c, keys) // the error is the client's; it sees the connection end
	}), nil
}

func serveChat(c net.Conn, keys *ChatKeys) error {
	send, receive, err := acceptChat(patient{c, chatHandshakePatience}, keys)
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
func acceptChat(c io.ReadWriter, keys *ChatKeys) (send, receive *sealer, err error) {
	header, _, err := readOpening(c)
	if err != nil {
		return nil, nil, err
	}
	theirs, err := readParts(c, fieldClientHello, part{helloEphemeral, keySize})
	if err != nil {
		return nil, nil, err
	}
	ephemeral, err := newKey()
	if err != nil {
		return nil, nil, err
	}
	s := newSymmetric(header)
	s.mixHash(theirs)
	s.mixHash(ephemeral.PublicKey().Bytes())
	if err := s.mixKey(ephemeral, theirs); err != nil {
		return nil, nil, err
	}
	hello := appendField(nil, helloEphemeral, ephemeral.PublicKey().Bytes())
	hello = appendField(hello, helloStatic, s.encrypt(keys.static.PublicKey().Bytes()))
	if err := s.mixKey(keys.static, theirs); err != nil {
		return nil, nil, err
	}
	hello = appendField(hello, helloPayload, s.encrypt(keys.chain))
	if err := writeFrame(c, nil, appendField(nil, fieldServerHello, hello)); err != nil {
		return nil, nil, err
	}
	finish, err := readParts(c, fieldClientFinish, part{finishStatic, sealedSize}, part{finishPayload, 0})
	if err != nil {
		return nil, nil, err
	}
	static, err := s.decrypt(finish[:sealedSize])
	if err != nil {
		return nil, nil, err
	}
	if err := s.mixKey(ephemeral, static); err != nil {
		return nil, nil, err
	}
	if _, err := s.decrypt(finish[sealedSize:]); err != nil {
		return nil, nil, err
	}
	receive, send = s.split()
	return send, receive, nil
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
func readSealed(r io.Reader, cs *sealer) ([]byte, error) {
	frame, err := readFrame(r, maxFrame)
	if err != nil {
		return nil, err
	}
	return cs.open(frame, nil)
}

func writeSealed(w io.Writer, cs *sealer, msg []byte) error {
	return writeFrame(w, nil, cs.seal(msg, nil))
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
