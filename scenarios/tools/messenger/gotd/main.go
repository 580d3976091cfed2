// Command dpilab-gotd is Telegram without a face, for the matrix: it opens a connection as gotd/td does and sends one ping; and it is the server that
// answers, gotd/td's own. It is a module of its own, so that dpilab does not depend on the library, which takes minutes and 5 GB to compile. From a
// checkout:
//
//	go build -C scenarios/tools/messenger/gotd -o /usr/local/bin/dpilab-gotd .
//
// Exit codes: 0 the ping was answered; 1 it was not; 2 the command line is wrong.
package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/gotd/td/crypto"
	"github.com/gotd/td/exchange"
	"github.com/gotd/td/telegram"
	"github.com/gotd/td/telegram/dcs"
	"github.com/gotd/td/tg"
	"github.com/gotd/td/tgtest"
	"github.com/gotd/td/tgtest/services"
	"github.com/gotd/td/tgtest/services/config"
	"github.com/gotd/td/transport"
)

func main() {
	server := flag.String("server", "", "`address:port` of the server to ping")
	listen := flag.String("listen", "", "`address:port` to be a server at, until a signal comes")
	key := flag.String("key", "", "`file` with the server's public key: the server writes it, the client reads it")
	timeout := flag.Duration("timeout", 5*time.Second, "for all that a client does")
	version := flag.Bool("version", false, "say which gotd/td this is, and end")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	switch {
	case *version:
		fmt.Println("gotd/td", libraryVersion())
	case *listen != "" && *key != "":
		err = serve(ctx, *listen, *key)
	case *server != "" && *key != "":
		ctx, cancel := context.WithTimeout(ctx, *timeout)
		defer cancel()
		err = ping(ctx, *server, *key)
	default:
		fmt.Fprintln(os.Stderr, "dpilab-gotd: expected -server or -listen, and -key")
		flag.Usage()
		os.Exit(2)
	}
	if err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		fmt.Fprintln(os.Stderr, "dpilab-gotd:", err)
		os.Exit(1)
	}
}

// libraryVersion is that of the module that was built in.
func libraryVersion() string {
	info, _ := debug.ReadBuildInfo()
	for _, m := range info.Deps {
		if m.Path == "github.com/gotd/td" {
			return m.Version
		}
	}
	return "(unknown)"
}

const datacentre = 2 // the one that a new client asks first

// ping opens a connection as a new client does: the obfuscated transport, the exchange of keys, the question for the configuration, and a
// ping.
func ping(ctx context.Context, server, keyFile string) error {
	key, err := readKey(keyFile)
	if err != nil {
		return err
	}
	at, err := netip.ParseAddrPort(server)
	if err != nil {
		return fmt.Errorf("found the server %q, expected an address and a port", server)
	}
	client := telegram.NewClient(telegram.TestAppID, telegram.TestAppHash, telegram.Options{
		PublicKeys: []telegram.PublicKey{{RSA: key}},
		DC:         datacentre,
		DCList:     dcs.List{Options: []tg.DCOption{{ID: datacentre, IPAddress: at.Addr().String(), Port: int(at.Port()), Ipv6: at.Addr().Is6(), Static: true}}},
		Resolver:   dcs.Plain(dcs.PlainOptions{Protocol: transport.Intermediate, Obfuscated: true}),
		NoUpdates:  true,
	})
	if err := client.Run(ctx, client.Ping); err != nil {
		return fmt.Errorf("connect to Telegram: %w", err)
	}
	fmt.Println("Telegram answers")
	return nil
}

func readKey(file string) (*rsa.PublicKey, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the server's key: %w", err)
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("%s: found no PEM, expected the file that the server writes", file)
	}
	return x509.ParsePKCS1PublicKey(block.Bytes)
}

// serve is a data centre of gotd/td's own test server: it exchanges keys, and answers the questions of a client that has just begun.
func serve(ctx context.Context, listen, keyFile string) error {
	key, err := rsa.GenerateKey(rand.Reader, crypto.RSAKeyBits)
	if err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
	if err != nil {
		return err
	}
	defer l.Close()
	public := pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&key.PublicKey)})
	if err := os.WriteFile(keyFile, public, 0o644); err != nil {
		return err
	}
	answers := tgtest.NewDispatcher()
	config.NewService(&tg.Config{}, &tg.CDNConfig{}).Register(answers)
	answers.Fallback(tgtest.HandlerFunc(func(*tgtest.Server, *tgtest.Request) error { return services.ErrMethodNotImplemented }))
	server := tgtest.NewServer(exchange.PrivateKey{RSA: key}, tgtest.UnpackInvoke(answers), tgtest.ServerOptions{DC: datacentre})
	fmt.Println("ready")
	return server.Serve(ctx, transport.Listen(transport.ObfuscatedListener(l)))
}
