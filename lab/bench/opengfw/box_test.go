package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/lab"
)

const topology = `topology: pair
about: a client and a server on one wire, with a place for a box
hosts:
  client: {}
  server: {}
boxes: {box: {}}
links:
  - link: wire
    ends: {client: [198.51.100.1/30, "2001:db8::1/64"], server: [198.51.100.2/30, "2001:db8::2/64"]}
    box: box
`

var servers = map[string]string{"IPv4": "198.51.100.2:443", "IPv6": "[2001:db8::2]:443"}

const patience = 3 * time.Second

const size = 4 << 20 // bytes of an answer: more than the flow's beginning

// pair builds the lab, with a TLS server that sends size bytes to whoever gets through the handshake.
func pair(t *testing.T) *lab.Lab {
	if err := lab.Missing(); err != nil {
		t.Skip(err)
	}
	top, err := lab.ParseTopology("pair.yaml", []byte(topology))
	require.NoError(t, err)
	l, err := lab.Build(t.Context(), top, lab.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	name := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, name, name, &key.PublicKey, key)
	require.NoError(t, err)
	listen, err := l.Host("server").Listen(t.Context(), "tcp", ":443")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listen.Close() })
	served := tls.NewListener(listen, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	go func() {
		for {
			c, err := served.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = c.Write(make([]byte, size))
			}()
		}
	}()
	return l
}

// fetch asks the server by a name, and returns how much came.
func fetch(t *testing.T, l *lab.Lab, server, name string) (int64, error) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	raw, err := l.Host("client").DialContext(ctx, "tcp", server)
	require.NoError(t, err, "the handshake of TCP")
	defer raw.Close()
	_ = raw.SetDeadline(time.Now().Add(patience))
	c := tls.Client(raw, &tls.Config{ServerName: name, InsecureSkipVerify: true})
	if err := c.Handshake(); err != nil {
		return 0, err
	}
	return io.Copy(io.Discard, c)
}

// command is the box as a process in the wire's namespace.
func command(t *testing.T, args ...string) *exec.Cmd {
	c := exec.CommandContext(t.Context(), "/proc/self/exe", append([]string{"--inside", "inside", "--outside", "outside"}, args...)...)
	c.Env = append(os.Environ(), asProgram+"=1")
	return c
}

// program runs the box until stop, which gives its counters.
func program(t *testing.T, l *lab.Lab, args ...string) (stop func() counters) {
	c := command(t, args...)
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	require.NoError(t, err)
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, l.Wire("box").Do(c.Start))
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan())
	require.Equal(t, "ready", lines.Text())
	return func() (n counters) {
		require.NoError(t, in.Close())
		require.True(t, lines.Scan())
		require.NoError(t, json.Unmarshal(lines.Bytes(), &n))
		require.NoError(t, c.Wait())
		return n
	}
}

// policies writes each kind of policy that blocks n0000000.example.
func policies(t *testing.T) map[string][]string {
	dir := t.TempDir()
	all := map[string][]string{}
	for kind, flags := range map[string][]string{"a rule a name": {"--count", "20"}, "a list": {"--domains", "20", "--geosite", filepath.Join(dir, "list.dat")}} {
		rules := filepath.Join(dir, kind+".yaml")
		require.NoError(t, writeRules(append(flags, "--output", rules)))
		all[kind] = []string{"--rules", rules}
		if kind == "a list" {
			all[kind] = append(all[kind], flags[2:]...)
		}
	}
	return all
}

// A name on the list is blocked and another one is not, under each kind of policy and both protocols; without the box both are open.
func TestBlock(t *testing.T) {
	l := pair(t)
	for kind, args := range policies(t) {
		for version, server := range servers {
			t.Run(kind+", "+version, func(t *testing.T) {
				_, err := fetch(t, l, server, "www.n0000007.example")
				require.NoError(t, err, "without a box")
				stop := program(t, l, args...)
				n, err := fetch(t, l, server, "www.open.example")
				require.NoError(t, err)
				require.EqualValues(t, size, n)
				_, err = fetch(t, l, server, "www.n0000007.example")
				require.ErrorIs(t, err, os.ErrDeadlineExceeded, "OpenGFW drops the stream in silence")
				c := stop()
				require.NotZero(t, c.Dropped)
				require.EqualValues(t, c.Packets, c.Accepted+c.Dropped)
				require.Greater(t, c.TCPStreams, uint64(1))
				require.Greater(t, c.Passed*1500, c.Packets, "the kernel kept the open flow")
				require.Less(t, c.Packets, uint64(200))
				require.NotZero(t, c.CPUSeconds)
				require.NotZero(t, c.Mallocs)
				_, err = fetch(t, l, server, "www.n0000007.example")
				require.NoError(t, err, "the box is gone")
			})
		}
	}
}

// Without offload every packet of a flow goes through the engine.
func TestNoOffload(t *testing.T) {
	l := pair(t)
	stop := program(t, l, append(policies(t)["a rule a name"], "--no-offload")...)
	n, err := fetch(t, l, servers["IPv4"], "www.open.example")
	require.NoError(t, err)
	require.EqualValues(t, size, n)
	c := stop()
	require.Greater(t, c.Packets, uint64(size/1500))
	require.Zero(t, c.Passed)
}

// A box that cannot start says why, and leaves nothing behind.
func TestStartFails(t *testing.T) {
	l := pair(t)
	args := policies(t)["a rule a name"]
	fails := func(args ...string) string {
		c := command(t, args...)
		var said strings.Builder
		c.Stdout, c.Stderr = &said, &said
		require.NoError(t, l.Wire("box").Do(c.Start))
		require.Error(t, c.Wait())
		return said.String()
	}
	require.Contains(t, fails(append(args, "--inside", "nothing")...), `"nothing"`)
	require.Contains(t, fails("--rules", "/nonexistent"), "/nonexistent")
	_, err := fetch(t, l, servers["IPv4"], "www.n0000007.example")
	require.NoError(t, err)
	stop := program(t, l, args...)
	require.Contains(t, fails(args...), "queue 0")
	require.Contains(t, fails(append(args, "--queue", "1")...), "table")
	stop()
}
