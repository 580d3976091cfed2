package service

import (
	"context"
	"net"

	"github.com/pion/stun/v3"
)

// rtpHeader is the size of an RTP header without extras (RFC 3550, 5.1).
const rtpHeader = 12

// Relay is the far end of a call on pc: it answers STUN Binding Requests (RFC 5389) with the address they came from,
// and sends media back to where it came from: whatever has the version bits of RTP and RTCP (RFC 3550). It is silent to
// everything else. WhatsApp's calls go to relays on UDP 3478 and its neighbours (B44).
func Relay(ctx context.Context, pc net.PacketConn) *Server {
	return echoPackets(ctx, pc, relayAnswer)
}

// relayAnswer is what goes back for one packet: nil for nothing. It may be the packet itself.
func relayAnswer(packet []byte, from net.Addr) []byte {
	if stun.IsMessage(packet) {
		return bindingAnswer(packet, from)
	}
	if len(packet) >= rtpHeader && packet[0]>>6 == 2 {
		return packet
	}
	return nil
}

func bindingAnswer(packet []byte, from net.Addr) []byte {
	udp, ok := from.(*net.UDPAddr)
	if !ok {
		return nil
	}
	req := new(stun.Message)
	if stun.Decode(packet, req) != nil || req.Type != stun.BindingRequest {
		return nil
	}
	if req.Contains(stun.AttrFingerprint) && stun.Fingerprint.Check(req) != nil {
		return nil
	}
	ip := udp.IP
	if v4 := ip.To4(); v4 != nil {
		ip = v4 // or a listener for both families would tell of a mapped address
	}
	software := stun.NewSoftware("dpilab")
	answer, err := stun.Build(stun.NewTransactionIDSetter(req.TransactionID), stun.BindingSuccess,
		&stun.XORMappedAddress{IP: ip, Port: udp.Port}, software, stun.Fingerprint)
	if err != nil {
		return nil
	}
	return answer.Raw
}
