package nfq

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

const tableName = "dpilab"

// kernelRules is the installed table. It is owned by this process's netlink socket: the kernel removes it when the
// socket is closed, by whatever death. Its methods may be called from any goroutine.
type kernelRules struct {
	mu     sync.Mutex
	a      attachment
	now    *aheadSets // those of the decisions in force
	closed bool
}

// installRules installs the table, with the queue expression that the kernel has.
func installRules(ns int, a attachment) (*kernelRules, error) {
	a.families = families
	a.table = &nftables.Table{Name: tableName, Family: nftables.TableFamilyINet}
	a.bridge = &nftables.Table{Name: tableName, Family: nftables.TableFamilyBridge}
	var err error
	for _, a.xtables = range []bool{false, true} {
		if err = a.install(ns); err == nil {
			return &kernelRules{a: a, now: &aheadSets{}}, nil
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
	case tableExists(ns, nftables.TableFamilyINet): // EEXIST, or EPERM where the table has another owner
		return nil, errTable("inet")
	case a.marks() && tableExists(ns, nftables.TableFamilyBridge):
		return nil, errTable("bridge")
	}
	return nil, fmt.Errorf("nfq: install nftables rules: %w", err)
}

func errTable(family string) error {
	return &Error{Kind: ErrInUse, What: "nfq: this network namespace has a table " + family + " " + tableName + " already",
		Do: "stop the other daemon, or remove the table (nft delete table " + family + " " + tableName + ")"}
}

func tableExists(ns int, family nftables.TableFamily) bool {
	conn, err := nftables.New(nftables.WithNetNSFd(max(ns, 0)))
	if err != nil {
		return false
	}
	tables, err := conn.ListTablesOfFamily(family)
	return err == nil && slices.ContainsFunc(tables, func(t *nftables.Table) bool { return t.Name == tableName })
}

func (a *attachment) install(ns int) error {
	conn, err := nftables.New(nftables.AsLasting(), nftables.WithNetNSFd(max(ns, 0)), nftables.WithSockOptions(a.own, a.buffers))
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

// decide puts other decisions in force, all of them at once. When it fails the old ones stay.
func (k *kernelRules) decide(d *decisions) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return ErrClosed
	}
	fresh, err := k.a.load(d)
	if err == nil {
		k.a.fill(d, fresh)
		err = k.a.forget(k.now)
	}
	if err != nil {
		for _, set := range fresh.all { // one by one: some may never have come to be
			_ = k.a.forget(&aheadSets{all: []*nftables.Set{set}})
		}
		return fmt.Errorf("nfq: what the kernel decides by itself: %w", err)
	}
	k.now = fresh
	return nil
}

// forget removes sets that no rule knows any more, and sends what is in the batch.
func (a *attachment) forget(s *aheadSets) error {
	for _, set := range s.all {
		a.conn.DelSet(set)
	}
	return a.conn.Flush()
}

// flushSets forgets every offloaded flow.
func (k *kernelRules) flushSets() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return ErrClosed
	}
	if !k.a.remembers() {
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
	if k.a.marks() {
		k.a.conn.DelTable(k.a.bridge)
	}
	err := k.a.conn.Flush()
	if err != nil {
		err = fmt.Errorf("nfq: remove nftables rules: %w", err)
	}
	return errors.Join(err, k.a.conn.CloseLasting())
}
