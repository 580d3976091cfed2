package nfq

import (
	"errors"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// own creates the tables: that of family bridge only where the direction of bridged packets is asked for, and the kernel has the family.
func (a *attachment) own(c *netlink.Conn) error {
	err := ownTable(c, unix.NFPROTO_INET)
	if err != nil || !a.marks() {
		return err
	}
	err = ownTable(c, unix.NFPROTO_BRIDGE)
	a.untold = errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EAFNOSUPPORT)
	if a.untold {
		return nil
	}
	return err
}

// ownTable creates a table with the owner flag, which the nftables package cannot set, through its socket.
func ownTable(c *netlink.Conn, family byte) error {
	attrs, err := netlink.MarshalAttributes([]netlink.Attribute{
		{Type: unix.NFTA_TABLE_NAME, Data: []byte(tableName + "\x00")},
		{Type: unix.NFTA_TABLE_FLAGS, Data: []byte{0, 0, 0, tableOwner}},
	})
	if err != nil {
		return err
	}
	subsystem := []byte{0, 0, 0, unix.NFNL_SUBSYS_NFTABLES}
	_, err = c.SendMessages([]netlink.Message{
		{Header: netlink.Header{Type: unix.NFNL_MSG_BATCH_BEGIN, Flags: netlink.Request}, Data: subsystem},
		{
			Header: netlink.Header{Type: unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_NEWTABLE,
				Flags: netlink.Request | netlink.Acknowledge | netlink.Create | netlink.Excl},
			Data: append([]byte{family, unix.NFNETLINK_V0, 0, 0}, attrs...),
		},
		{Header: netlink.Header{Type: unix.NFNL_MSG_BATCH_END, Flags: netlink.Request}, Data: subsystem},
	})
	if err != nil {
		return err
	}
	_, err = c.Receive()
	return err
}

const tableOwner = 2 // NFT_TABLE_F_OWNER, since Linux 5.12

// buffers asks for room for large transactions, takes what the system allows, and notes how many messages that is. The kernel answers
// each message, and those answers need room, too.
func (a *attachment) buffers(c *netlink.Conn) error {
	const message, answer, most = 66_000, 1024, 100
	_ = c.SetWriteBuffer(most * message)
	_ = c.SetReadBuffer(most * answer)
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var room int
	var failed error
	if err := raw.Control(func(fd uintptr) { room, failed = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF) }); err != nil {
		return err
	}
	a.atOnce = min(max(room/message, 1), most)
	return failed
}
