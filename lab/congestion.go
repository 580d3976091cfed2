package lab

import (
	"errors"
	"net"

	"golang.org/x/sys/unix"
)

// congestion is the congestion control of the servers: Linux' own default (choice). Where a machine has another one, which the lab's
// namespaces inherit and may not change, loss and policers would look otherwise: BBR hardly minds a loss of 10 %.
const congestion = "cubic"

// setCongestion makes it that of the connections that l accepts. A kernel without it keeps its own.
func setCongestion(l net.Listener) error {
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return err
	}
	controlErr := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, congestion)
	})
	if errors.Is(err, unix.ENOENT) {
		err = nil
	}
	return errors.Join(controlErr, err)
}
