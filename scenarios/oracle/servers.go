package oracle

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"

	"dpilab/lab"
	"dpilab/lab/service"
)

// serverName is the name of the oracle's server at a hoster.
const serverName = "vps.example.com"

// The ports on which the oracle's server abroad sends datagrams back: that of HTTPS, and thirty below 1024. Of those 22 % are open in
// Moscow (FOCI26): that thirty are all shut happens once in 1,700 times.
var lowQUICPorts = func() (ports []uint16) {
	for p := uint16(101); len(ports) < 30; p += 29 {
		ports = append(ports, p)
	}
	return ports
}()

// servers are the oracle's own, as users of such checkers have them abroad: one at a hoster, which serves a site, and one anywhere, which
// sends back the beginning of each datagram.
type servers struct {
	hoster, server netip.Addr

	all []interface{ Close() error }
}

// serve starts the oracle's servers in a lab whose services run.
func serve(ctx context.Context, l *lab.Lab) (*servers, error) {
	s := &servers{}
	err := func() error {
		hoster, server := l.Host("hoster"), l.Host("server")
		if hoster == nil || server == nil {
			return fmt.Errorf("the lab %s has no hosts server and hoster", l.Topology.Name)
		}
		s.hoster, s.server = hoster.Addr4(), server.Addr4()
		site, err := hoster.Listen(ctx, "tcp", net.JoinHostPort("", strconv.Itoa(lab.PortHTTPS)))
		if err != nil {
			return err
		}
		s.all = append(s.all, service.ServeHTTPS(ctx, site, l.Services().CA, service.WebOptions{}))
		for _, port := range append(slices.Clone(lowQUICPorts), lab.PortHTTPS) {
			pc, err := server.ListenPacket(ctx, "udp4", net.JoinHostPort("", strconv.Itoa(int(port))))
			if err != nil {
				return err
			}
			s.all = append(s.all, service.EchoHeads(ctx, pc, echoed))
		}
		return nil
	}()
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// echoed is how many bytes of a datagram the server sends back.
const echoed = 20

func (s *servers) close() error {
	var errs []error
	for _, x := range s.all {
		errs = append(errs, x.Close())
	}
	return errors.Join(errs...)
}
