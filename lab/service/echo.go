package service

import (
	"context"
	"errors"
	"net"
)

// EchoHeads sends the first n bytes of each datagram that comes on pc back to where it came from, the whole of a shorter one: for clients
// that want to know whether a datagram arrives, and not what a server makes of it.
func EchoHeads(ctx context.Context, pc net.PacketConn, n int) *Server {
	return echoPackets(ctx, pc, func(packet []byte, _ net.Addr) []byte { return packet[:min(n, len(packet))] })
}

// echoPackets serves pc: for each packet that comes, what answer gives goes back, nil for nothing. It may be the packet itself.
func echoPackets(ctx context.Context, pc net.PacketConn, answer func(packet []byte, from net.Addr) []byte) *Server {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buf := make([]byte, 64<<10)
		for {
			n, from, err := pc.ReadFrom(buf)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				continue // an ICMP error of an earlier packet
			}
			if back := answer(buf[:n], from); back != nil {
				pc.WriteTo(back, from) // lost packets are UDP's way
			}
		}
	}()
	return newServer(ctx, pc.LocalAddr(), func() error {
		err := pc.Close()
		<-ended
		return err
	})
}
