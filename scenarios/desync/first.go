package desync

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"time"
)

// usualTTL is that of the packets that are sent in the kernel's place: Linux's own.
const usualTTL = 64

// first sends what the client writes first.
func (c *conn) first(b []byte) error {
	if !c.strategy.usesRaw() {
		p, err := c.strategy.plan(b, 0)
		if err == nil {
			_, err = c.Conn.Write(p.stream)
		}
		return err
	}
	if c.raw == nil {
		return net.ErrClosed
	}
	var l ledger
	if err := c.control(func(fd int) (err error) { l, err = readLedger(fd); return err }); err != nil {
		return err
	}
	p, err := c.strategy.plan(b, l.mss)
	if err != nil {
		return err
	}
	begin, entered := l.seq, 0
	for _, s := range p.steps {
		time.Sleep(s.wait)
		err := c.control(func(fd int) (err error) {
			if s.fake == nil {
				if entered, err = enterUntil(fd, p, entered, s.end()); err != nil {
					return err
				}
			}
			l, err = readLedger(fd)
			return err
		})
		if err != nil {
			return err
		}
		packets, err := c.wire(s, begin, l)
		if err == nil {
			err = c.raw.send(packets)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// enterUntil puts the stream up to a place into the kernel's queue; the urgent byte ends one part of it.
func enterUntil(fd int, p plan, from, until int) (int, error) {
	if from <= p.urgent && p.urgent < until {
		if err := enter(fd, p.stream[from:p.urgent+1], true); err != nil {
			return from, err
		}
		from = p.urgent + 1
	}
	if from < until {
		if err := enter(fd, p.stream[from:until], false); err != nil {
			return from, err
		}
		from = until
	}
	return from, nil
}

// wire makes the packets of a step. begin is the sequence number of the stream's first byte.
func (c *conn) wire(s step, begin uint32, l ledger) ([][]byte, error) {
	g := segment{
		from: addrPort(c.LocalAddr()), to: addrPort(c.RemoteAddr()),
		seq: begin + uint32(s.at-s.over), ack: l.ack, flags: flagPSH | flagACK, window: l.window, data: s.data,
	}
	if w := c.strategy.window; w > 0 && w < leastWindow {
		g.window = uint16(w) // the scale of so small a window is 0
	}
	if s.urge {
		g.flags, g.urgent = g.flags|flagURG, uint16(len(s.data))
	}
	stamp, cut := l.stamp, c.strategy.fragment
	if f := s.fake; f != nil {
		cut = fragment{}
		if f.stamp != 0 && !l.stamps {
			return nil, errors.New("desync: fake ts: the connection has no TCP timestamps (net.ipv4.tcp_timestamps of both ends)")
		}
		g.seq, g.ack, g.badSum, stamp = g.seq+uint32(f.seq), g.ack+uint32(f.ack), f.badSum, stamp+uint32(f.stamp)
		if f.noAck {
			g.flags, g.ack = g.flags&^flagACK, 0
		}
		if f.md5 {
			g.options = append(g.options, 1, 1, 19, 18) // two fillers, then the signature
			g.options = append(g.options, make([]byte, 16)...)
			rand.Read(g.options[4:])
		}
	}
	if l.stamps {
		g.options = append(g.options, 1, 1, 8, 10)
		g.options = binary.BigEndian.AppendUint32(g.options, stamp)
		g.options = append(g.options, 0, 0, 0, 0) // the kernel does not tell the server's clock; 0 measures nothing
	}
	return packets(g.from.Addr(), g.to.Addr(), protocolTCP, s.ttl.value(c.hops), g.bytes(), cut), nil
}

// value is the TTL to send with.
func (h hopLimit) value(hops int) int {
	switch h {
	case 0:
		return usualTTL
	case auto:
		return hops - 1
	}
	return int(h)
}
