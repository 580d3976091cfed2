package nfq

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// wire is a client and a server, each a namespace, and a box between them: bridge or router.
type wire struct {
	t                testing.TB
	bridged          bool
	client, box, end netns.NsHandle
	clientIP, endIP  map[int]netip.Addr // by IP version
}

func newNetNS(t testing.TB) netns.NsHandle {
	made := make(chan netns.NsHandle)
	go func() {
		runtime.LockOSThread() // the thread stays in the new namespace, and ends
		h, err := netns.New()
		// No waiting for duplicate addresses: IPv6 works at once.
		if err != nil || os.WriteFile("/proc/sys/net/ipv6/conf/default/accept_dad", []byte("0"), 0) != nil {
			h = netns.None()
		}
		made <- h
	}()
	h := <-made
	require.True(t, h.IsOpen(), "make a network namespace")
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func newWire(t testing.TB, bridged bool) *wire {
	live(t)
	w := &wire{t: t, bridged: bridged, client: newNetNS(t), box: newNetNS(t), end: newNetNS(t)}
	w.clientIP = map[int]netip.Addr{4: netip.MustParseAddr("198.51.100.2"), 6: netip.MustParseAddr("2001:db8:1::2")}
	w.endIP = map[int]netip.Addr{4: netip.MustParseAddr("198.51.100.3"), 6: netip.MustParseAddr("2001:db8:1::3")}
	if !bridged {
		w.endIP = map[int]netip.Addr{4: netip.MustParseAddr("203.0.113.2"), 6: netip.MustParseAddr("2001:db8:2::2")}
	}
	w.in(w.box, func() error {
		for port, host := range map[string]netns.NsHandle{"inside": w.client, "outside": w.end} {
			v := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: port}, PeerName: "eth0", PeerNamespace: netlink.NsFd(int(host))}
			if err := netlink.LinkAdd(v); err != nil {
				return err
			}
		}
		if bridged {
			return bridge("inside", "outside")
		}
		return errors.Join(
			os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0), os.WriteFile("/proc/sys/net/ipv6/conf/all/forwarding", []byte("1"), 0),
			address("inside", "198.51.100.1/24", "2001:db8:1::1/64"), address("outside", "203.0.113.1/24", "2001:db8:2::1/64"))
	})
	w.in(w.client, func() error { return w.host(w.clientIP, "198.51.100.1", "2001:db8:1::1") })
	w.in(w.end, func() error { return w.host(w.endIP, "203.0.113.1", "2001:db8:2::1") })
	return w
}

func bridge(ports ...string) error {
	br := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br0"}}
	if err := netlink.LinkAdd(br); err != nil {
		return err
	}
	for _, p := range ports {
		l, err := netlink.LinkByName(p)
		if err != nil {
			return err
		}
		if err := errors.Join(netlink.LinkSetMaster(l, br), netlink.LinkSetUp(l)); err != nil {
			return err
		}
	}
	return netlink.LinkSetUp(br)
}

func address(dev string, cidrs ...string) error {
	l, err := netlink.LinkByName(dev)
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(l); err != nil {
		return err
	}
	for _, c := range cidrs {
		a, err := netlink.ParseAddr(c)
		if err != nil {
			return err
		}
		a.Flags = 0x02 // IFA_F_NODAD: usable at once
		if err := netlink.AddrAdd(l, a); err != nil {
			return err
		}
	}
	return nil
}

func (w *wire) host(ips map[int]netip.Addr, gateways ...string) error {
	if err := address("eth0", netip.PrefixFrom(ips[4], 24).String(), netip.PrefixFrom(ips[6], 64).String()); err != nil || w.bridged {
		return err
	}
	for _, g := range gateways {
		if err := netlink.RouteAdd(&netlink.Route{Gw: net.ParseIP(g)}); err != nil {
			return err
		}
	}
	return nil
}

// in runs f in one of the namespaces.
func (w *wire) in(ns netns.NsHandle, f func() error) {
	w.t.Helper()
	require.NoError(w.t, inNetNS(int(ns), f))
}

// config is that of a daemon with one engine, which calls handle for each packet.
func (w *wire) config(handle handler) Config {
	return Config{NetNS: int(w.box), Inside: "inside", Outside: "outside", Bridged: w.bridged, Kernel: KernelOffload,
		Engines: func(int) Engine { return &fake{handle: handle} }}
}

// start opens and runs a daemon until the test ends.
func (w *wire) start(c Config) *Daemon {
	w.t.Helper()
	d, _ := w.run(c)
	return d
}

// run is start for a daemon that may be stopped before.
func (w *wire) run(c Config) (d *Daemon, stop func()) {
	w.t.Helper()
	d, err := Open(c)
	require.NoError(w.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := d.Run(ctx); err != nil {
			w.t.Errorf("run: %v", err)
		}
	})
	stop = func() {
		cancel()
		running.Wait()
		require.NoError(w.t, d.Close())
	}
	w.t.Cleanup(stop)
	return d, stop
}

func (w *wire) counters(d *Daemon) Counters {
	w.t.Helper()
	c, err := d.Counters()
	require.NoError(w.t, err)
	return c
}

const patience = 5 * time.Second // for what must happen
const silence = 300 * time.Millisecond

func dup(t testing.TB, fd int) int {
	n, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	require.NoError(t, err)
	return n
}

func setSmallBuffer(fd int) error {
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 16<<10)
}
