package service

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"time"
)

const (
	rtpClock   = 48000 // ticks a second of an RTP timestamp: Opus (RFC 7587)
	rtpPayload = 120   // a dynamic payload type (choice)
	mediaTail  = 500 * time.Millisecond
)

// stream is the sender's side of one media stream and the statistics of what comes back.
type stream struct {
	ssrc  uint32
	first uint16 // sequence number of the first packet

	sentAt []time.Time     // by packet
	rtts   []time.Duration // by arrival

	back     []bool // by packet
	previous time.Duration
	jitter   float64 // nanoseconds
}

func newStream(packets int) *stream {
	return &stream{
		ssrc: rand.Uint32(), first: uint16(rand.Uint32()),
		sentAt: make([]time.Time, packets), back: make([]bool, packets),
	}
}

// packet makes the i-th packet. The timestamp is its sending instant, so that jitter does not count the sender's.
func (s *stream) packet(buf []byte, i int, since time.Duration) []byte {
	buf[0], buf[1] = 2<<6, rtpPayload
	binary.BigEndian.PutUint16(buf[2:], s.first+uint16(i))
	binary.BigEndian.PutUint32(buf[4:], uint32(since.Nanoseconds()*rtpClock/int64(time.Second)))
	binary.BigEndian.PutUint32(buf[8:], s.ssrc)
	return buf
}

// index says which packet p is, or -1 for what we did not send.
func (s *stream) index(p []byte) int {
	if len(p) < rtpHeader || p[0]>>6 != 2 || binary.BigEndian.Uint32(p[8:]) != s.ssrc {
		return -1
	}
	if i := int(binary.BigEndian.Uint16(p[2:]) - s.first); i < len(s.sentAt) {
		return i
	}
	return -1
}

// received counts packet i, sent so long ago. The difference of two packets' transit times is D(i-1,i) of RFC 3550.
func (s *stream) received(i int, rtt time.Duration) {
	if s.back[i] {
		return
	}
	s.back[i] = true
	if len(s.rtts) > 0 {
		d := rtt - s.previous
		s.jitter += (float64(d.Abs()) - s.jitter) / 16
	}
	s.previous = rtt
	s.rtts = append(s.rtts, rtt)
}

// media sends packets at their times and counts what comes back, all in this goroutine: between two packets it reads.
func media(ctx context.Context, conn net.Conn, o CallOptions, r *CallResult) error {
	s := newStream(o.packets())
	defer s.report(r)
	interval := time.Second / time.Duration(o.Rate)
	packet := append(make([]byte, rtpHeader), filler(o.Size)...)
	start := time.Now()
	for i := range s.sentAt {
		if err := s.readUntil(ctx, conn, start.Add(time.Duration(i)*interval), r); err != nil {
			return err
		}
		s.sentAt[i] = time.Now()
		if _, err := conn.Write(s.packet(packet, i, time.Since(start))); r.softError(err) != nil {
			return err
		}
		r.Sent++
	}
	return s.readUntil(ctx, conn, time.Now().Add(min(mediaTail, o.For)), r)
}

// readUntil takes in packets until the time comes or all packets of the stream are back.
func (s *stream) readUntil(ctx context.Context, conn net.Conn, until time.Time, r *CallResult) error {
	buf := make([]byte, 2048)
	for len(s.rtts) < len(s.sentAt) {
		if err := setReadDeadline(ctx, conn, until); err != nil {
			return err
		}
		n, err := conn.Read(buf)
		now := time.Now()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return ctx.Err()
		}
		if err := r.softError(err); err != nil {
			return err
		}
		if i := s.index(buf[:n]); err == nil && i >= 0 && !s.sentAt[i].IsZero() {
			s.received(i, now.Sub(s.sentAt[i]))
		}
	}
	return nil
}

func (s *stream) report(r *CallResult) {
	r.Received = len(s.rtts)
	if r.Sent > 0 {
		r.Loss = 1 - float64(r.Received)/float64(r.Sent)
	}
	r.Jitter = time.Duration(s.jitter)
	if len(s.rtts) > 0 {
		slices.Sort(s.rtts)
		r.RTT = s.rtts[len(s.rtts)/2]
	}
}
