package probe_test

import (
	"context"
	"fmt"
	"net"

	"dpilab/lab"
	"dpilab/lab/probe"
)

// What a subscriber saw in 2025: one name is reset, QUIC to it is dropped, others are open.
func Example() {
	net, err := lab.Start(context.Background(), lab.WithPolicy("2025-home"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer net.Close()
	client := probe.From{Host: net.Client()}
	for _, p := range []probe.Probe{probe.DNS("x.com"), probe.HTTPS("x.com"), probe.HTTP3("x.com"), probe.HTTPS("example.org")} {
		o := p.Try(context.Background(), client)
		fmt.Println(p.Type, p.Target(), o.Short())
	}
	// Output:
	// dns x.com → x
	// https x.com reset (CH)
	// http3 x.com silent (QUIC)
	// https example.org ok
}

// Whatever opens connections can be a way: a proxy, a tool of your own.
func ExampleFrom_Through() {
	lab, err := lab.Start(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer lab.Close()
	dialer := lab.Client().Dialer()
	through := probe.From{Host: lab.Client()}.Through(probe.Via{
		Resolves: true, // the far end does
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			fmt.Println("asked for", address)
			return dialer.DialContext(ctx, network, address)
		},
	})
	fmt.Println(probe.HTTPS("example.org").Try(context.Background(), through))
	fmt.Println(probe.Ping("neutral").Try(context.Background(), through))
	// Output:
	// asked for example.org:443
	// ok
	// skipped: the way carries no ICMP
}
