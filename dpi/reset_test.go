package dpi

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

// B01 (TDOC): the hello passes and both ends get an RST that each takes for the other's; so does every packet after it.
func TestInjectedResets(t *testing.T) {
	do := rules.Do{Mechanism: rules.MechanismReset, Inject: true, Residual: 75 * time.Second}
	w := wireOf(t, doing(t, "sni: blocked.example", do)).flow()
	w.all(rules.Up, syn, nil)
	w.all(rules.Down, syn|ack, nil)
	v, sent := w.all(rules.Up, ack, hello("blocked.example"))
	require.Equal(t, Accept, v.Action)
	require.Equal(t, OffloadNone, v.Offload)
	require.Len(t, sent, 2)
	require.Equal(t, 2, w.kinds(EventSend))

	toClient, toServer := sent[0], sent[1]
	require.Equal(t, w.client.Port(), toClient.DstPort)
	require.Equal(t, w.seq[1], toClient.Seq, "what the client expects next")
	require.Equal(t, w.seq[0], toClient.Ack)
	require.EqualValues(t, rst|ack, toClient.Flags)
	require.EqualValues(t, 53, toClient.TTL, "as the server's packets had it")
	require.Equal(t, w.server.Port(), toServer.DstPort)
	require.Equal(t, w.seq[0], toServer.Seq, "what the server expects once it has the hello")
	require.EqualValues(t, 61, toServer.TTL)
	require.Empty(t, toServer.Payload)

	v, sent = w.all(rules.Down, ack, answer)
	require.Equal(t, Accept, v.Action)
	require.Len(t, sent, 2)
	require.Equal(t, w.seq[1], sent[0].Seq, "to the client, behind the answer")
	require.Equal(t, w.seq[0], sent[1].Seq, "to the server")
	_, sent = w.all(rules.Down, rst, nil)
	require.Empty(t, sent, "nothing answers a reset")

	w.wait(74 * time.Second)
	_, sent = w.all(rules.Up, syn, nil)
	require.Len(t, sent, 2)
	require.EqualValues(t, rst|ack, sent[0].Flags)
	require.Zero(t, sent[0].Seq)
	require.Equal(t, w.seq[0], sent[0].Ack, "an answer to a SYN acknowledges it (RFC 9293)")
	require.EqualValues(t, rst, sent[1].Flags)
	w.wait(2 * time.Second)
	_, sent = w.all(rules.Up, syn, nil)
	require.Empty(t, sent)
}

func TestInjectedResetToOneEnd(t *testing.T) {
	for _, dir := range []rules.Direction{rules.Up, rules.Down} {
		do := rules.Do{Mechanism: rules.MechanismReset, Inject: true, Direction: dir, TTL: 33}
		w := wireOf(t, doing(t, "sni: blocked.example", do)).connect()
		v, sent := w.all(rules.Up, ack, hello("blocked.example"))
		require.Equal(t, Accept, v.Action)
		require.Len(t, sent, 1)
		require.Equal(t, dir, w.out[1].Dir)
		require.EqualValues(t, 33, sent[0].TTL)
	}
	w := wireOf(t, doing(t, "to: 203.0.113.0/24", rules.Do{Mechanism: rules.MechanismReset, Inject: true})).flow()
	require.Equal(t, Drop, w.udp(rules.Up, answer).Action, "UDP has no resets")
}

// B07 (TDOC): the request never arrives; the client gets a redirect that ends the connection, the server a reset.
func TestPage(t *testing.T) {
	do := rules.Do{Mechanism: rules.MechanismPage, Page: "http://stub.example/?a=1"}
	w := wireOf(t, doing(t, "host: blocked.example", do)).flow()
	w.all(rules.Up, syn, nil)
	w.all(rules.Down, syn|ack, nil)
	start := w.seq[0]
	request := []byte("GET / HTTP/1.1\r\nHost: blocked.example\r\n\r\n")
	v, sent := w.all(rules.Up, ack, request)
	require.Equal(t, Drop, v.Action)
	require.Equal(t, OffloadNone, v.Offload, "a request that is repeated must be seen")
	require.Len(t, sent, 2)
	require.Equal(t, "HTTP/1.1 302 Found\r\nLocation: http://stub.example/?a=1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", string(sent[0].Payload))
	require.Equal(t, w.seq[1], sent[0].Seq)
	require.Equal(t, w.seq[0], sent[0].Ack)
	require.EqualValues(t, packet.FIN|packet.PSH|packet.ACK, sent[0].Flags)
	require.EqualValues(t, 53, sent[0].TTL)
	require.Equal(t, start, sent[1].Seq, "the server has seen nothing of the request")
	require.EqualValues(t, rst|ack, sent[1].Flags)

	v, sent = w.all(rules.Down, rst, nil)
	require.Equal(t, Drop, v.Action)
	require.Empty(t, sent)
	w.seq[0] = start
	_, sent = w.all(rules.Up, ack, request)
	require.Len(t, sent, 2, "again")
	w.connect()
	v, sent = w.all(rules.Up, ack, []byte("GET / HTTP/1.1\r\nHost: allowed.example\r\n\r\n"))
	require.Equal(t, Accept, v.Action)
	require.Empty(t, sent)
}

// B08 (MEM): a connection from a blocked address gets no further than a SYN/ACK that comes out as RST/ACK.
func TestResetOfWhatAnAddressOpens(t *testing.T) {
	w := wireOf(t, doing(t, "to: 203.0.113.0/24, opened: outside", rules.Do{Mechanism: rules.MechanismReset})).flow()
	v, _ := w.all(rules.Down, syn, nil)
	require.Equal(t, Accept, v.Action)
	v, sent := w.all(rules.Up, syn|ack, nil)
	require.Equal(t, Rewrite, v.Action)
	require.Empty(t, sent)
	var p packet.Packet
	require.NoError(t, p.Decode(v.Data))
	require.EqualValues(t, rst|ack, p.Flags)
	v, _ = w.all(rules.Down, ack, nil)
	require.Equal(t, Accept, v.Action)
}
