package service

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// ErrNoAnswer is in the chain of a chat's error when not one byte came from the server: it tells a connection that was
// cut or silenced on its first packet from one that stalled later.
var ErrNoAnswer = errors.New("not one byte came back")

// Chat is a WhatsApp chat connection, the client's side. Safe for concurrent use; messages go one at a time.
type Chat struct {
	FirstByte time.Duration // from the start of DialChat to the server's first byte
	Handshake time.Duration // from the start of DialChat to the handshake's end, its last message sent

	conn net.Conn

	mu            sync.Mutex
	send, receive *sealer
	err           error // why it can't be used any more
}

// DialChat opens a chat over conn, which is connected to a chat front or to a plain forwarder of one, and may be TLS.
// The first write is the 43 bytes a real client sends (samples/wa_tcp_443.pcap). It owns conn from now on: an error
// closes it. ctx bounds the handshake only.
func DialChat(ctx context.Context, conn net.Conn) (*Chat, error) {
	return DialChatRouted(ctx, conn, nil)
}

// DialChatRouted is DialChat with routing data before the header, as a client sends on a later visit: the stream then
// opens with "ED". At most 4096 bytes; none is as DialChat.
func DialChatRouted(ctx context.Context, conn net.Conn, routing []byte) (*Chat, error) {
	if len(routing) > maxRouting {
		conn.Close()
		return nil, fmt.Errorf("chat: %d bytes of routing data, at most %d", len(routing), maxRouting)
	}
	c := &Chat{conn: conn}
	watch := &firstByteConn{Conn: conn, start: time.Now(), at: &c.FirstByte}
	restore := abortOnDone(ctx, conn)
	err := restore(c.handshake(watch, routing))
	if err == nil {
		c.Handshake = time.Since(watch.start)
		return c, nil
	}
	conn.Close()
	if !watch.seen {
		return nil, fmt.Errorf("chat: %w: %w", ErrNoAnswer, err)
	}
	return nil, fmt.Errorf("chat: handshake: %w", err)
}

// handshake is the client's side. It takes any certificate: who the server is does not matter to a probe.
func (c *Chat) handshake(conn net.Conn, routing []byte) error {
	static, err := newKey()
	if err != nil {
		return err
	}
	ephemeral, err := newKey()
	if err != nil {
		return err
	}
	opening := appendOpening(nil, routing)
	s := newSymmetric(opening[len(opening)-4:])
	s.mixHash(ephemeral.PublicKey().Bytes())
	hello := appendField(nil, helloEphemeral, ephemeral.PublicKey().Bytes())
	if err := writeFrame(conn, opening, appendField(nil, fieldClientHello, hello)); err != nil {
		return err
	}
	answer, err := readParts(conn, fieldServerHello, part{helloEphemeral, keySize}, part{helloStatic, sealedSize}, part{helloPayload, 0})
	if err != nil {
		return err
	}
	theirs := answer[:keySize]
	s.mixHash(theirs)
	if err := s.mixKey(ephemeral, theirs); err != nil {
		return err
	}
	server, err := s.decrypt(answer[keySize : keySize+sealedSize])
	if err != nil {
		return err
	}
	if err := s.mixKey(ephemeral, server); err != nil {
		return err
	}
	if _, err := s.decrypt(answer[keySize+sealedSize:]); err != nil {
		return err
	}
	finish := appendField(nil, finishStatic, s.encrypt(static.PublicKey().Bytes()))
	if err := s.mixKey(static, theirs); err != nil {
		return err
	}
	finish = appendField(finish, finishPayload, s.encrypt(filler(clientPayload)))
	c.send, c.receive = s.split()
	return writeFrame(conn, nil, appendField(nil, fieldClientFinish, finish))
}

// Echo sends msg and waits until the server has sent it back, and says how long that took. msg may be up to 16 MiB less
// 17 bytes. After an error the chat is closed and gives the same error again: the ciphers of the two sides may be out
// of step.
func (c *Chat) Echo(ctx context.Context, msg []byte) (time.Duration, error) {
	if len(msg) > maxFrame-16 {
		return 0, fmt.Errorf("chat: %w: %d bytes, at most %d", errFrame, len(msg), maxFrame-16)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	restore := abortOnDone(ctx, c.conn)
	start := time.Now()
	err := restore(c.exchange(msg))
	if err != nil {
		c.err = fmt.Errorf("chat: message: %w", err)
		c.conn.Close()
		return 0, c.err
	}
	return time.Since(start), nil
}

func (c *Chat) exchange(msg []byte) error {
	if err := writeSealed(c.conn, c.send, msg); err != nil {
		return err
	}
	back, err := readSealed(c.conn, c.receive)
	if err != nil {
		return err
	}
	if !bytes.Equal(back, msg) {
		return errors.New("the server sent back something else")
	}
	return nil
}

// Close closes the connection. An Echo under way fails.
func (c *Chat) Close() error { return c.conn.Close() }

// firstByteConn notes when the first byte came. One goroutine only.
type firstByteConn struct {
	net.Conn
	start time.Time
	at    *time.Duration
	seen  bool
}

func (f *firstByteConn) Read(b []byte) (int, error) {
	n, err := f.Conn.Read(b)
	if n > 0 && !f.seen {
		f.seen = true
		*f.at = time.Since(f.start)
	}
	return n, err
}
