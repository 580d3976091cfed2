package nfq

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

const tableName = "dpilab"

// kernelRules is the installed table. It is owned by this process's netlink socket: the kernel removes it when the
// socket is closed, by whatever death. Its methods may be called from any goroutine.
type kernelRules struct {
	mu     sync.Mutex
	a      attachment
	closed bool
}

// installRules installs the table, with the queue expression that the kernel has.
func installRules(ns int, a attachment) (*kernelRules, error) {
	a.families = families
	a.table = &nftables.Table{Name: tableName, Family: nftables.TableFamilyINet}
	var err error
	for _, a.xtables = range []bool{false, true} {
		if err = a.install(ns); err == nil {
			return &kernelRules{a: a}, nil
		}
		if !errors.Is(err, unix.ENOENT) { // ENOENT: no such expression, no such target
			break
		}
	}
	switch {
	case errors.Is(err, unix.ENOENT):
		return nil, &Error{Kind: ErrNoQueue, What: "nfq: the kernel's nftables can queue neither by its queue expression nor by the xtables target NFQUEUE",
			Do: "load nft_queue, or nft_compat and xt_NFQUEUE (CONFIG_NFT_QUEUE, or CONFIG_NFT_COMPAT and CONFIG_NETFILTER_XT_TARGET_NFQUEUE); " +
				"for several queues nft_hash as well (CONFIG_NFT_HASH)"}
	case tableExists(ns): // EEXIST, or EPERM where the table has another owner
		return nil, &Error{Kind: ErrInUse, What: "nfq: this network namespace has a table inet " + tableName + " already",
			Do: "stop the other daemon, or remove the table (nft delete table inet " + tableName + ")"}
	}
	return nil, fmt.Errorf("nfq: install nftables rules: %w", err)
}

func tableExists(ns int) bool {
	conn, err := nftables.New(nftables.WithNetNSFd(max(ns, 0)))
	if err != nil {
		return false
	}
	tables, err := conn.ListTablesOfFamily(nftables.TableFamilyINet)
	return err == nil && slices.ContainsFunc(tables, func(t *nftables.Table) bool { return t.Name == tableName })
}

func (a *attachment) install(ns int) error {
	conn, err := nftables.New(nftables.AsLasting(), nftables.WithNetNSFd(max(ns, 0)), nftables.WithSockOptions(ownTable))
	if err != nil {
		return err
	}
	a.conn = conn
	err = a.chains()
	if err == nil {
		err = conn.Flush()
	}
	if err != nil {
		_ = conn.CloseLasting()
	}
	return err
}

// ownTable creates the table with the owner flag, which the nftables package cannot set, through its socket.
func ownTable(c *netlink.Conn) error {
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
			Data: append([]byte{unix.NFPROTO_INET, unix.NFNETLINK_V0, 0, 0}, attrs...),
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

// expression names how packets are queued.
func (k *kernelRules) expression() string {
	if k.a.xtables {
		return "xtables target NFQUEUE"
	}
	return "nftables queue"
}

// counted reads the named counters: packets and bytes.
func (k *kernelRules) counted() (map[string]expr.Counter, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil, ErrClosed
	}
	objects, err := k.a.conn.GetNamedObjects(k.a.table)
	if err != nil {
		return nil, fmt.Errorf("nfq: read counters: %w", err)
	}
	all := map[string]expr.Counter{}
	for _, o := range objects {
		if n, ok := o.(*nftables.NamedObj); ok {
			if c, ok := n.Obj.(*expr.Counter); ok {
				all[n.Name] = *c
			}
		}
	}
	return all, nil
}

// flushSets forgets every offloaded flow.
func (k *kernelRules) flushSets() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return ErrClosed
	}
	if !k.a.offload {
		return nil
	}
	for _, f := range k.a.families {
		k.a.conn.FlushSet(k.a.pass[f.suffix])
		k.a.conn.FlushSet(k.a.drop[f.suffix])
	}
	if err := k.a.conn.Flush(); err != nil {
		return fmt.Errorf("nfq: empty the sets of offloaded flows: %w", err)
	}
	return nil
}

// close removes the table.
func (k *kernelRules) close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil
	}
	k.closed = true
	k.a.conn.DelTable(k.a.table)
	err := k.a.conn.Flush()
	if err != nil {
		err = fmt.Errorf("nfq: remove nftables rules: %w", err)
	}
	return errors.Join(err, k.a.conn.CloseLasting())
}
