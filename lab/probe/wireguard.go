package probe

import (
	"context"
	"net/netip"
	"time"

	"dpilab/lab"
	"dpilab/lab/service"
)

// wireguard opens a stand-in for a WireGuard tunnel, and sends data to and fro.
func (a *attempt) wireguard(ctx context.Context) Outcome {
	to, bad := a.address(ctx)
	if bad != nil {
		return *bad
	}
	start := time.Now()
	a.dialled = start
	peer := netip.AddrPortFrom(to, lab.PortWireGuard)
	a.story.add("sends a handshake initiation to %s", peer)
	conn, err := a.dialVia(ctx, "udp", peer)
	if err != nil {
		return refusal(err, time.Since(start))
	}
	defer conn.Close()
	r, err := service.WireGuard(ctx, conn, service.WireGuardOptions{Timeout: a.Timeout})
	switch {
	case err != nil:
		return failed(err)
	case r.Handshake == 0 && r.Refused:
		return Outcome{Kind: Refused, Stage: StageHandshake, After: time.Since(start)}
	case r.Handshake == 0:
		return Outcome{Kind: NoAnswer, Stage: StageHandshake, After: time.Since(start)}
	}
	a.handshake = r.Handshake
	a.story.add("handshake done, %d of %d messages came back", r.Received, r.Sent)
	if r.Received < r.Sent {
		return Outcome{Kind: Silent, Stage: StageHandshake, After: a.Timeout}
	}
	return Outcome{Kind: OK}
}
