// Command dpilab-whatsmeow is WhatsApp's web client without a face, for the matrix: it opens a chat as whatsmeow does and sends one ping. It is a
// module of its own, so that dpilab does not depend on the library. From a checkout:
//
//	go build -C scenarios/tools/messenger/whatsmeow -o /usr/local/bin/dpilab-whatsmeow .
//
// Exit codes: 0 the ping was answered; 1 it was not; 2 the command line is wrong.
package main

import (
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/util/keys"
	waLog "go.mau.fi/whatsmeow/util/log"
)

func main() {
	key := flag.String("key", "", "the key that stands for WhatsApp's, in `hex`: 32 bytes")
	timeout := flag.Duration("timeout", 5*time.Second, "for all of it")
	verbose := flag.Bool("v", false, "say what the library says")
	version := flag.Bool("version", false, "say which whatsmeow this is, and end")
	flag.Parse()
	if *version {
		fmt.Println("whatsmeow", libraryVersion())
		return
	}
	root, err := hex.DecodeString(*key)
	if err != nil || len(root) != len(whatsmeow.WACertPubKey) || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "dpilab-whatsmeow: found no key of 32 bytes in hex, or words that mean nothing here")
		flag.Usage()
		os.Exit(2)
	}
	copy(whatsmeow.WACertPubKey[:], root)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *timeout)
	defer cancel()
	if err := ping(ctx, *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "dpilab-whatsmeow:", err)
		os.Exit(1)
	}
	fmt.Println("WhatsApp answers")
}

// ping opens the chat as the web client of a new device does: TLS to web.whatsapp.com, the WebSocket, the Noise handshake with the check of the
// server's certificates. Then it sends the ping that keeps a connection alive.
func ping(ctx context.Context, verbose bool) error {
	nothing := &store.NoopStore{Error: errors.New("nothing is kept")}
	device := &store.Device{
		Log: waLog.Noop, NoiseKey: keys.NewKeyPair(), IdentityKey: keys.NewKeyPair(), RegistrationID: rand.Uint32(), AdvSecretKey: make([]byte, 32),
		Identities: nothing, Sessions: nothing, PreKeys: nothing, SenderKeys: nothing, AppStateKeys: nothing, AppState: nothing,
		Contacts: nothing, ChatSettings: nothing, MsgSecrets: nothing, PrivacyTokens: nothing, NCTSalt: nothing, EventBuffer: nothing,
		LIDs: nothing, Container: nothing,
	}
	device.SignedPreKey = device.IdentityKey.CreateSignedPreKey(1)
	level := "WARN"
	if verbose {
		level = "DEBUG"
	}
	client := whatsmeow.NewClient(device, waLog.Stdout("whatsmeow", level, false))
	client.EnableAutoReconnect = false
	if err := client.ConnectContext(ctx); err != nil {
		return fmt.Errorf("connect to WhatsApp: %w", err)
	}
	defer client.Disconnect()
	//lint:ignore SA1019 the library keeps its ping to itself, and warns of what else is in there
	if ok, _ := client.DangerousInternals().SendKeepAlive(ctx); !ok {
		return errors.New("WhatsApp does not answer the ping")
	}
	return nil
}

// libraryVersion is that of the module that was built in.
func libraryVersion() string {
	info, _ := debug.ReadBuildInfo()
	for _, m := range info.Deps {
		if m.Path == "go.mau.fi/whatsmeow" {
			return m.Version
		}
	}
	return "(unknown)"
}
