package lab_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"time"

	"dpilab/lab"
)

// A page that is open, one that is reset, and what the box says of it. The process has been through Enter.
func ExampleStart() {
	ctx := context.Background()
	net, err := lab.Start(ctx, lab.WithPolicy("2025-home"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer net.Close()

	client := &http.Client{Transport: &http.Transport{
		DialContext:     net.Client().Dialer().DialContext,
		TLSClientConfig: &tls.Config{RootCAs: net.Services().CA.Pool()},
	}}
	for _, url := range []string{"https://example.org/", "https://x.com/"} {
		_, err := client.Get(url)
		fmt.Println(url, "reset:", errors.Is(err, syscall.ECONNRESET))
	}
	hit, err := net.Hit(ctx, "")
	fmt.Println(hit.Rule.Name, hit.Name, hit.Rule.Do.Mechanism, err)
	// Output:
	// https://example.org/ reset: false
	// https://x.com/ reset: true
	// x-tls x.com reset <nil>
}

// A policy can be text, and the net can go from one to another: here the box drops what goes to a name, and remembers the server for a
// minute after that.
func ExampleNet_SetPolicy() {
	net, err := lab.Start(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer net.Close()
	page := func(url string) {
		dial := net.Client().Dialer()
		client := &http.Client{Transport: &http.Transport{DialContext: dial.DialContext, DisableKeepAlives: true}, Timeout: time.Second}
		_, err := client.Get(url)
		fmt.Println(url, "open:", err == nil)
	}

	page("http://x.com/")
	if err := net.SetPolicy(`policy: mine
date: 2026-01-01
about: one name, and its server for a minute
rules:
  - {rule: mine, when: {host: [x.com]}, do: {drop: both, residual: 60s, hold: server}, source: {ref: choice}}
`); err != nil {
		fmt.Println(err)
	}
	page("http://x.com/")
	page("http://twitter.com/") // another name of the same server
	if err := net.Skip(2 * time.Minute); err != nil {
		fmt.Println(err)
	}
	page("http://twitter.com/")
	// Output:
	// http://x.com/ open: true
	// http://x.com/ open: false
	// http://twitter.com/ open: false
	// http://twitter.com/ open: true
}

// A program on a host has the host's network and names.
func ExampleHost_Command() {
	net, err := lab.Start(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer net.Close()
	out, err := net.Client().Command(context.Background(), "sh", "-c", "hostname; cat /etc/resolv.conf").Output()
	fmt.Println(strings.TrimSpace(string(out)), err)
	// Output:
	// client
	// nameserver 198.51.100.54
	// nameserver 2001:db8:2::53 <nil>
}
