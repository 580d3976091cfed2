package bench

import (
	"net"
	"time"
)

// held are the connections that this process keeps.
var held []*net.TCPConn

// holdConnections opens a connection for each of Names, sends their hellos, waits for the replies, and keeps all of them, in place of
// those that it kept before.
func holdConnections(j job) (answer, error) {
	for _, c := range held {
		_ = c.SetLinger(0)
		_ = c.Close()
	}
	held = nil
	all, err := hellos(j.Names)
	if err != nil {
		return answer{}, err
	}
	for _, hello := range all {
		c, err := dial(j.To, portConnections)
		if err != nil {
			return answer{}, err
		}
		held = append(held, c)
		if _, err := c.Write(hello); err != nil {
			return answer{}, err
		}
	}
	return heard(answer{}, tryPatience), nil
}

// askHeld sends something on each of the kept connections and waits for the replies: Open says where one came. What was sent is sent
// again by the kernel as long as nothing comes back.
func askHeld(job) (answer, error) {
	var x answer
	data := make([]byte, helloSize) // of no protocol
	for _, c := range held {
		_ = c.SetWriteDeadline(time.Now().Add(tryPatience))
		_, _ = c.Write(data) // what cannot be sent is not answered either
	}
	return heard(x, tryPatience), nil
}

// heard waits for a reply on each of the kept connections.
func heard(x answer, patience time.Duration) answer {
	deadline := time.Now().Add(patience)
	x.Open, x.Why = make([]bool, len(held)), make([]string, len(held))
	for i, c := range held {
		_ = c.SetReadDeadline(deadline)
		if err := readReply(c); err != nil {
			x.Why[i] = err.Error()
			continue
		}
		x.Open[i] = true
	}
	return x
}
