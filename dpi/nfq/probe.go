package nfq

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Feature is one thing that the daemon needs of the kernel.
type Feature struct {
	Name    string
	Purpose string
	Present bool
	Needed  bool   // a box on a bridge does not work without it, here
	Problem string // what the kernel said, when it is not Present
	Advice  string // what to do about it, when it is not Present
}

// Probe finds out what the kernel has, by trying it in a network namespace of its own, which goes away afterwards.
// The process needs CAP_NET_ADMIN and CAP_SYS_ADMIN in its user namespace.
func Probe() (features []Feature) {
	InScratch(func(err error) { features = probe(err) })
	return features
}

// InScratch calls f with the thread in a network namespace of its own, which goes away afterwards, and waits for it; with an
// error the namespace could not be made. It is for trying what a kernel has.
func InScratch(f func(error)) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread, and the namespace with it, end with the goroutine
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err != nil {
			err = fmt.Errorf("make a network namespace: %w", err)
		}
		f(err)
	}()
	<-done
}

// probe tries every feature in the thread's namespace; with an error, none.
func probe(err error) []Feature {
	try := func(f func() error) error {
		if err != nil {
			return err
		}
		return f()
	}
	native := try(func() error { return tryQueueRule(false) })
	target := try(func() error { return tryQueueRule(true) })
	return []Feature{
		NewFeature("nfnetlink_queue", "packets come to the daemon", true, try(tryQueue),
			"modprobe nfnetlink_queue, or a kernel with CONFIG_NETFILTER_NETLINK_QUEUE"),
		NewFeature("nft queue", "nftables rules that queue packets (preferred)", target != nil, native,
			"modprobe nft_queue, or a kernel with CONFIG_NFT_QUEUE; not needed where xt NFQUEUE works"),
		NewFeature("xt NFQUEUE", "the same by the xtables target, through nft_compat", native != nil, target,
			"modprobe nft_compat xt_NFQUEUE, or a kernel with CONFIG_NFT_COMPAT and CONFIG_NETFILTER_XT_TARGET_NFQUEUE; not needed where nft queue works"),
		NewFeature("nft offload", "nftables sets that rules fill: the kernel keeps decided flows", true, try(tryOffload),
			"a kernel with CONFIG_NF_TABLES_INET, from 5.12 on"),
		NewFeature("nft hash", "several queues share the flows", false, try(trySpread),
			"modprobe nft_hash, or a kernel with CONFIG_NFT_HASH; one queue works without"),
		NewFeature("nft bridge", "on a bridge, the kernel blocks whole prefixes by itself", false, try(tryBridge),
			"a kernel with CONFIG_NF_TABLES_BRIDGE; without it the engine blocks them"),
		NewFeature("br_netfilter", "bridged packets come to the forward hook", true, try(tryBridgeFilter),
			"modprobe br_netfilter, or a kernel with CONFIG_BRIDGE_NETFILTER"),
		NewFeature("packet socket", "the box sends packets of its own", false, try(tryPacketSocket),
			"modprobe af_packet, or a kernel with CONFIG_PACKET"),
	}
}

// NewFeature is a feature that was tried; err is what the kernel said, nil when it is there.
func NewFeature(name, purpose string, needed bool, err error, advice string) Feature {
	f := Feature{Name: name, Purpose: purpose, Needed: needed, Present: err == nil}
	if err != nil {
		f.Problem, f.Advice = err.Error(), advice
	}
	return f
}

func tryQueue() error {
	c := QueueConfig{CopyRange: minCopyRange, FailOpen: true}
	c.defaults()
	q, err := openOwn(c)
	if err != nil {
		return err
	}
	return q.Close()
}

// tryTable puts an owned table with what fill adds into the kernel, and takes it away again.
func tryTable(fill func(*attachment) error) error {
	own := func(c *netlink.Conn) error { return ownTable(c, unix.NFPROTO_INET) }
	conn, err := nftables.New(nftables.AsLasting(), nftables.WithSockOptions(own))
	if err != nil {
		return err
	}
	a := &attachment{conn: conn, table: &nftables.Table{Name: tableName, Family: nftables.TableFamilyINet},
		queues: 1, flows: 1, failOpen: true, families: families, passIdle: time.Second, dropFor: time.Second}
	err = fill(a)
	if err == nil {
		err = conn.Flush()
	}
	return errors.Join(err, conn.CloseLasting())
}

func tryQueueRule(xtables bool) error {
	return tryTable(func(a *attachment) error {
		a.xtables = xtables
		a.rule(a.hook("try", 0), a.queue(0))
		return nil
	})
}

func trySpread() (err error) {
	for _, xtables := range []bool{false, true} {
		if err = tryTable(func(a *attachment) error {
			a.xtables, a.queues = xtables, 2
			return a.spread(a.hook("try", 0))
		}); err == nil {
			break
		}
	}
	return err
}

func tryOffload() error {
	return tryTable(func(a *attachment) error {
		for _, name := range []string{counterPass, counterDrop} {
			a.conn.AddObj(&nftables.NamedObj{Table: a.table, Name: name, Type: nftables.ObjTypeCounter, Obj: &expr.Counter{}})
		}
		if err := a.sets(); err != nil {
			return err
		}
		a.before(a.hook("try", 0), a.chain("unknown"))
		for i := range a.families {
			a.remember(&a.families[i])
		}
		a.after()
		return nil
	})
}

func tryBridge() error {
	own := func(c *netlink.Conn) error { return ownTable(c, unix.NFPROTO_BRIDGE) }
	conn, err := nftables.New(nftables.AsLasting(), nftables.WithSockOptions(own))
	if err != nil {
		return err
	}
	a := &attachment{conn: conn, bridge: &nftables.Table{Name: tableName, Family: nftables.TableFamilyBridge}, bridged: true, decides: true}
	a.portChains()
	a.fillPorts(true)
	return errors.Join(conn.Flush(), conn.CloseLasting())
}

func tryBridgeFilter() error {
	_, err := os.Stat(bridgeSysctls + "bridge-nf-call-iptables")
	return err
}

func tryPacketSocket() error {
	f, err := openFrames(ports{})
	if err != nil {
		return err
	}
	return f.close()
}
