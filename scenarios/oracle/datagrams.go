package oracle

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"dpilab/dpi/trace/craft"
	"dpilab/lab"
)

// An Initial is sent three times, because what is lost once need not be blocked, and waited for as often.
const (
	datagramTries    = 3
	datagramPatience = patience / datagramTries
)

// answered sends an Initial from a port of its own to the oracle's server, and tells whether its beginning comes back.
func answered(ctx context.Context, p *place, initial craft.Initial, port uint16) (bool, error) {
	payloads := initial.Payloads(rand.New(rand.NewPCG(rand.Uint64(), 0)))
	if len(payloads) != 1 {
		return false, fmt.Errorf("the Initial takes %d datagrams, expected one", len(payloads))
	}
	c, err := p.from.Host.DialContext(ctx, "udp4", netip.AddrPortFrom(p.servers.server, port).String())
	if err != nil {
		return false, err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })()
	buf := make([]byte, 64)
	for range datagramTries {
		if _, err := c.Write(payloads[0]); err != nil {
			return false, err
		}
		c.SetReadDeadline(time.Now().Add(datagramPatience))
		n, err := c.Read(buf)
		if err == nil && bytes.Equal(buf[:n], payloads[0][:echoed]) {
			return true, nil
		}
		if e, ok := err.(net.Error); ok && !e.Timeout() {
			return false, err
		}
	}
	return false, nil
}

func initialWord(ctx context.Context, p *place, initial craft.Initial) (Word, string) {
	ok, err := answered(ctx, p, initial, lab.PortHTTPS)
	switch {
	case err != nil:
		return Unknown, err.Error()
	case !ok:
		return Silent, "nothing comes back"
	}
	return Open, "the server has it"
}

func anotherVersion(ctx context.Context, p *place) (Word, string) {
	return initialWord(ctx, p, craft.Initial{Version: craft.QUICv2, Hello: craft.Hello{Name: listed}})
}

func unnamed(ctx context.Context, p *place) (Word, string) {
	return initialWord(ctx, p, craft.Initial{Version: craft.QUICv1, Hello: craft.Hello{NoSNI: true}})
}

// lowPorts tells on how many ports below 1024 a listed name passes.
func lowPorts(ctx context.Context, p *place) (Word, string) {
	var wg sync.WaitGroup
	var passed, failed atomic.Int32
	for _, port := range lowQUICPorts {
		wg.Go(func() {
			ok, err := answered(ctx, p, craft.Initial{Version: craft.QUICv1, Hello: craft.Hello{Name: videos}}, port)
			switch {
			case err != nil:
				failed.Add(1)
			case ok:
				passed.Add(1)
			}
		})
	}
	wg.Wait()
	detail := fmt.Sprintf("passes on %d of %d ports", passed.Load(), len(lowQUICPorts))
	switch {
	case failed.Load() > 0:
		return Unknown, fmt.Sprintf("%d ports could not be tried", failed.Load())
	case passed.Load() == 0:
		return Silent, detail
	case int(passed.Load()) < len(lowQUICPorts):
		return Some, detail
	}
	return Open, detail
}
