package service

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

// The messages of WireGuard (Donenfeld, "WireGuard: Next Generation Kernel Network Tunnel", 5.4): the type, three bytes of zero, and for
// each type its fields, little-endian. Transport data has a header of 16 bytes, content in steps of 16, and a tag of 16.
const (
	wgInitiation, wgInitiationSize = 1, 148
	wgResponse, wgResponseSize     = 2, 92
	wgTransport, wgTransportLeast  = 4, 32
	wgBlock                        = 16
)

// RespondWireGuard is a stand-in for the far end of a WireGuard tunnel on pc, no VPN: messages have the types, sizes and indexes of the
// real ones (5.4 of the paper), and random bytes where those have secrets, so that no WireGuard would accept them. It answers an
// initiation by a response, sends transport data back to where it came from, and is silent to everything else.
func RespondWireGuard(ctx context.Context, pc net.PacketConn) *Server {
	return echoPackets(ctx, pc, func(packet []byte, _ net.Addr) []byte { return wireGuardAnswer(packet) })
}

// wireGuardAnswer is what goes back for one message, nil for nothing. The index of the responder is the other one's, inverted, so that
// it need remember nobody.
func wireGuardAnswer(packet []byte) []byte {
	if len(packet) < 8 {
		return nil
	}
	kind, index := binary.LittleEndian.Uint32(packet), binary.LittleEndian.Uint32(packet[4:])
	switch {
	case kind == wgInitiation && len(packet) == wgInitiationSize:
		answer := wireGuardMessage(wgResponse, wgResponseSize)
		binary.LittleEndian.PutUint32(answer[4:], ^index)
		binary.LittleEndian.PutUint32(answer[8:], index)
		wireGuardEphemeral(answer[12:])
		return answer
	case kind == wgTransport && len(packet) >= wgTransportLeast && len(packet)%wgBlock == 0:
		binary.LittleEndian.PutUint32(packet[4:], ^index)
		return packet
	}
	return nil
}

// wireGuardMessage is a message of random bytes, but for its type and the second authentication code at the end of both handshake
// messages, which is zero unless the server is under load.
func wireGuardMessage(kind uint32, size int) []byte {
	b := make([]byte, size)
	rand.Read(b) // never fails: crypto/rand
	binary.LittleEndian.PutUint32(b, kind)
	if kind != wgTransport {
		clear(b[size-16:])
	}
	return b
}

// wireGuardEphemeral puts a public key in place, which has fewer forms than 32 random bytes.
func wireGuardEphemeral(b []byte) {
	if key, err := ecdh.X25519().GenerateKey(rand.Reader); err == nil {
		copy(b, key.PublicKey().Bytes())
	}
}

// WireGuardOptions say what is sent after the handshake. The zero value is eight messages, one after the answer to the other.
type WireGuardOptions struct {
	Messages int           // of transport data. 0: 8
	Timeout  time.Duration // for each answer. 0: 3 s
}

// WireGuardResult is what became of a tunnel. Its zero value is one of which nothing came back.
type WireGuardResult struct {
	Handshake      time.Duration // from the initiation to the response; 0: none came, and no data was sent
	Sent, Received int           // messages of transport data; after the first that is not answered no more are sent
	Refused        bool          // an ICMP port unreachable came
}

// WireGuard tries a tunnel to RespondWireGuard over conn, a connected UDP socket, which stays the caller's: the handshake, then data,
// whose sizes are those of small and full packets in turn. That a network drops it is the result, not an error; the error is that of
// the local socket, or ctx's.
func WireGuard(ctx context.Context, conn net.Conn, o WireGuardOptions) (r WireGuardResult, err error) {
	if o.Messages <= 0 {
		o.Messages = 8
	}
	if o.Timeout <= 0 {
		o.Timeout = 3 * time.Second
	}
	restore := abortOnDone(ctx, conn)
	defer func() {
		if err = restore(err); err != nil {
			err = fmt.Errorf("wireguard: %w", err)
		}
	}()
	initiation := wireGuardMessage(wgInitiation, wgInitiationSize)
	wireGuardEphemeral(initiation[8:])
	start := time.Now()
	answer, err := wireGuardAsk(ctx, conn, initiation, o.Timeout, &r, func(b []byte) bool {
		return len(b) == wgResponseSize && binary.LittleEndian.Uint32(b) == wgResponse && string(b[8:12]) == string(initiation[4:8])
	})
	if answer == nil || err != nil {
		return r, err
	}
	r.Handshake = time.Since(start)
	peer := [4]byte(answer[4:8])
	for i := range o.Messages {
		message := wireGuardMessage(wgTransport, []int{wgTransportLeast + 96, 1440, wgTransportLeast}[i%3])
		copy(message[4:], peer[:])
		binary.LittleEndian.PutUint64(message[8:], uint64(i))
		r.Sent++
		answer, err := wireGuardAsk(ctx, conn, message, o.Timeout, &r, func(b []byte) bool {
			return len(b) == len(message) && string(b[8:]) == string(message[8:])
		})
		if answer == nil || err != nil {
			return r, err
		}
		r.Received++
	}
	return r, nil
}

// wireGuardAsk sends a message and waits for the answer to it, nil when none comes.
func wireGuardAsk(ctx context.Context, conn net.Conn, message []byte, timeout time.Duration, r *WireGuardResult, fits func([]byte) bool) ([]byte, error) {
	if _, err := conn.Write(message); err != nil && !errors.Is(err, syscall.ECONNREFUSED) {
		return nil, err
	}
	if err := setReadDeadline(ctx, conn, time.Now().Add(timeout)); err != nil {
		return nil, err
	}
	buf := make([]byte, 2048)
	for {
		n, err := conn.Read(buf)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil, ctx.Err()
		case errors.Is(err, syscall.ECONNREFUSED):
			r.Refused = true
			return nil, nil
		case err != nil:
			return nil, err
		case fits(buf[:n]):
			return buf[:n], nil
		}
	}
}
