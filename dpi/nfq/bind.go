package nfq

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// openOwn makes a netlink socket in the queue's namespace and binds the queue to it.
func openOwn(c QueueConfig) (*own, error) {
	fd, buffer := -1, 0
	err := inNetNS(c.NetNS, func() (err error) {
		fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
		if errors.Is(err, unix.EPROTONOSUPPORT) {
			return errNoQueue("a netfilter netlink socket")
		}
		if err != nil {
			return fmt.Errorf("nfq: netlink socket: %w", err)
		}
		buffer = setReceiveBuffer(fd, c.buffer())
		if err := configure(fd, c); err != nil {
			_ = unix.Close(fd)
			return err
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	q := newOwn(fd, c.Number, ownRoom)
	q.buffer = buffer
	return q, nil
}

func configure(fd int, c QueueConfig) error {
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("nfq: bind netlink socket: %w", err)
	}
	// One message, so that no packet is queued under half a configuration.
	attrs := appendAttr(nil, configCommand, []byte{commandBind, 0, 0, 0})
	attrs = append(attrs, copyParams(c.CopyRange)...)
	attrs = appendAttr32(attrs, configMaxLength, uint32(c.Length))
	if c.FailOpen {
		attrs = appendAttr32(attrs, configFlags, flagFailOpen)
		attrs = appendAttr32(attrs, configMask, flagFailOpen)
	}
	if err := request(fd, c.Number, attrs); err != nil {
		return bindError(c.Number, err)
	}
	timeout := unix.NsecToTimeval(tick * 1e6)
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
		return fmt.Errorf("nfq: SO_RCVTIMEO: %w", err)
	}
	return nil
}

// copyParams is the attribute that sets the copy range.
func copyParams(bytes int) []byte {
	return appendAttr(nil, configParams, append(binary.BigEndian.AppendUint32(nil, uint32(bytes)), copyPacket))
}

// request sends one configuration message and waits for its acknowledgement.
func request(fd int, queue uint16, attrs []byte) error {
	b := append(appendMessage(nil, typeConfig, flagRequest|flagAck, queue), attrs...)
	if e := sendTo(fd, finish(b, 0)); e != 0 {
		return e
	}
	answer := make([]byte, 64<<10)
	for {
		n, _, err := unix.Recvfrom(fd, answer, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		m, _, err := next(answer[:n])
		if err != nil {
			return err
		}
		if m.typ != unix.NLMSG_ERROR { // a packet that came early: it is decided when the queue is closed or fails
			continue
		}
		e, err := errno(m.body)
		if err != nil || e == 0 {
			return err
		}
		return e
	}
}

// bindError puts the kernel's answer in words.
func bindError(queue uint16, err error) error {
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EBUSY):
		if who := holder(queue); who != "" {
			return &Error{Kind: ErrInUse, What: fmt.Sprintf("nfq: queue %d is taken by %s", queue, who), Do: "stop it, or choose another queue"}
		}
		return fmt.Errorf("nfq: bind queue %d: %w (needs CAP_NET_ADMIN in the user namespace that owns the network namespace)", queue, err)
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.EOPNOTSUPP):
		return errNoQueue(fmt.Sprintf("nfq: bind queue %d: %v", queue, err))
	}
	return fmt.Errorf("nfq: bind queue %d: %w", queue, err)
}

func errNoQueue(what string) error {
	return &Error{Kind: ErrNoQueue, What: what + ": this kernel has no netfilter queues",
		Do: "load nfnetlink_queue (modprobe nfnetlink_queue) or use a kernel with CONFIG_NETFILTER_NETLINK_QUEUE"}
}
