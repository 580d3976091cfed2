package service

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/pion/stun/v3"
)

// STUN retransmission as in RFC 5389, 7.2.1, with a smaller Rc and Rm than its 7 and 16 (which make 39.5 s): a request
// goes out at 0, 1, 3 and 7 RTO, and 8 RTO after the last one the client gives up, so at 15 RTO in all. RTO is
// chosen so that this is the For of the call, but never above the RFC's 500 ms.
const (
	stunRc     = 4
	stunRm     = 8
	stunRTOs   = 1<<(stunRc-1) - 1 + stunRm // from the first request to giving up
	stunRTOMax = 500 * time.Millisecond
)

// CallOptions say how a call is tried. The zero value is a call of three seconds as most voice codecs make it.
type CallOptions struct {
	For  time.Duration // how long media is sent, and the most that STUN may take. 0: 3 s
	Rate int           // packets a second. 0: 50
	Size int           // bytes of media in a packet, after the 12 bytes of RTP header. 0: 160
}

// CallResult is what became of a call. Its zero value is a call of which nothing came back.
type CallResult struct {
	STUN      bool           // the Binding Request was answered; without that, no media is sent
	STUNTries int            // requests sent
	STUNRTT   time.Duration  // from the first request to the answer, so waiting for retransmissions counts
	Mapped    netip.AddrPort // the client's address as the relay sees it
	Refused   bool           // an ICMP port unreachable came, in either phase

	Sent, Received int           // media packets; duplicates count once
	Loss           float64       // part of Sent that did not come back, 0 to 1; 0 where nothing was sent
	Jitter         time.Duration // interarrival jitter (RFC 3550, 6.4.1) when the last packet came, of the way there and back
	RTT            time.Duration // median round trip of media packets
}

func (o CallOptions) withDefaults() (CallOptions, error) {
	if o.For <= 0 {
		o.For = 3 * time.Second
	}
	if o.Rate <= 0 {
		o.Rate = 50
	}
	if o.Size <= 0 {
		o.Size = 160
	}
	if n := o.packets(); n < 1 || n > 1<<16-1 {
		return o, fmt.Errorf("call: %d packets a second for %v are %d packets: 1 to 65535 are possible", o.Rate, o.For, n)
	}
	if o.Size > 1400 {
		return o, fmt.Errorf("call: %d bytes of media in a packet, at most 1400", o.Size)
	}
	return o, nil
}

func (o CallOptions) packets() int { return int(o.For.Seconds() * float64(o.Rate)) }

// Call tries a call to a Relay over conn, a connected UDP socket, which stays the caller's: first STUN, then media at a
// steady rate, then half a second (at most For) for the last packets to come back. That a network drops the one or
// the other is the result, not an error; the error is that of the local socket, of the options, or ctx's.
func Call(ctx context.Context, conn net.Conn, o CallOptions) (CallResult, error) {
	var r CallResult
	o, err := o.withDefaults()
	if err != nil {
		return r, err
	}
	restore := abortOnDone(ctx, conn)
	err = bind(ctx, conn, o, &r)
	if err == nil && r.STUN {
		err = media(ctx, conn, o, &r)
	}
	if err := restore(err); err != nil {
		return r, fmt.Errorf("call: %w", err)
	}
	return r, nil
}

// bind sends Binding Requests until one is answered or it is time to give up.
func bind(ctx context.Context, conn net.Conn, o CallOptions, r *CallResult) error {
	req, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.Fingerprint)
	if err != nil {
		return err
	}
	rto := min(o.For/stunRTOs, stunRTOMax)
	start := time.Now()
	for try := range stunRc {
		if _, err := conn.Write(req.Raw); r.softError(err) != nil {
			return err
		}
		r.STUNTries++
		wait := rto << try
		if try == stunRc-1 {
			wait = rto * stunRm
		}
		if err := awaitBinding(ctx, conn, req.TransactionID, time.Now().Add(wait), r); err != nil {
			return err
		}
		if r.STUN {
			r.STUNRTT = time.Since(start)
			return nil
		}
	}
	return nil
}

// awaitBinding reads until the answer to the transaction comes or the time is up.
func awaitBinding(ctx context.Context, conn net.Conn, id [stun.TransactionIDSize]byte, until time.Time, r *CallResult) error {
	buf := make([]byte, 2048)
	for {
		if err := setReadDeadline(ctx, conn, until); err != nil {
			return err
		}
		n, err := conn.Read(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return ctx.Err()
		}
		if err := r.softError(err); err != nil {
			return err
		}
		m := new(stun.Message)
		if err != nil || !stun.IsMessage(buf[:n]) || stun.Decode(buf[:n], m) != nil {
			continue
		}
		var mapped stun.XORMappedAddress
		if m.TransactionID != id || m.Type != stun.BindingSuccess || mapped.GetFrom(m) != nil {
			continue
		}
		ip, _ := netip.AddrFromSlice(mapped.IP)
		r.STUN, r.Mapped = true, netip.AddrPortFrom(ip.Unmap(), uint16(mapped.Port))
		return nil
	}
}

// setReadDeadline sets a deadline on conn without undoing the one that abortOnDone has set.
func setReadDeadline(ctx context.Context, conn net.Conn, until time.Time) error {
	conn.SetReadDeadline(until)
	if ctx.Err() != nil { // it was done before our deadline, or will cut in after it
		return ctx.Err()
	}
	return nil
}

// softError notes a port unreachable, which may be another packet's and does not end a call, and passes other errors on.
func (r *CallResult) softError(err error) error {
	if errors.Is(err, syscall.ECONNREFUSED) {
		r.Refused = true
		return nil
	}
	return err
}
