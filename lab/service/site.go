package service

import (
	"context"
	"crypto/tls"
	"fmt"
	"html"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/coder/websocket"
)

// Site is the one site that all web servers of the lab show, whatever name they are asked for:
//
//	GET  /                  a page that names the site and the protocol
//	GET  /ip                the client's address as the server sees it, as text
//	GET  /download?bytes=N  N bytes that do not compress, always the same
//	POST /upload            reads the body and answers how many bytes it had, as text
//
// With WebOptions.Chat there is GET /ws/chat, too, the WebSocket of WhatsApp's web client. HEAD goes wherever GET does. Anything else is 404 or 405.
func Site(o WebOptions) http.Handler {
	o = o.withDefaults()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", page)
	mux.HandleFunc("GET /ip", clientAddr)
	mux.HandleFunc("GET /download", o.download)
	mux.HandleFunc("POST /upload", o.upload)
	if o.Chat != nil {
		mux.HandleFunc("GET /ws/chat", o.chat)
	}
	if o.H3Port == 0 {
		return mux
	}
	altSvc := fmt.Sprintf(`h3=":%d"; ma=86400`, o.H3Port)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Alt-Svc", altSvc)
		mux.ServeHTTP(w, r)
	})
}

// chat carries a chat over the messages of a WebSocket, as WhatsApp's web client and whatsmeow do. How they are cut means nothing.
func (o WebOptions) chat(w http.ResponseWriter, r *http.Request) {
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true}) // whatever page asks
	if err != nil {
		return // Accept has answered
	}
	ws.SetReadLimit(maxFrame + 3)
	c := websocket.NetConn(context.WithoutCancel(r.Context()), ws, websocket.MessageBinary)
	defer ws.CloseNow()
	if !o.chats.add(c) {
		return
	}
	defer o.chats.done(c)
	serveChat(c, o.Chat) // the error is the client's
}

func page(w http.ResponseWriter, r *http.Request) {
	security := "without TLS"
	if r.TLS != nil {
		security = "over " + tls.VersionName(r.TLS.Version)
	}
	host := html.EscapeString(r.Host)
	body := fmt.Sprintf("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>%s</title></head>\n"+
		"<body><h1>%s</h1><p>You reached this site by %s %s.</p></body></html>\n", host, host, r.Proto, security)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	io.WriteString(w, body)
}

func clientAddr(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	fmt.Fprintln(w, host)
}

// chunk is how much a body moves between two looks at the clock.
const chunk = 64 << 10

func (o WebOptions) download(w http.ResponseWriter, r *http.Request) {
	left, err := strconv.ParseInt(r.FormValue("bytes"), 10, 64)
	if err != nil || left < 0 {
		http.Error(w, "bytes= must be a number, 0 or more", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.FormatInt(left, 10))
	w.Header().Set("Cache-Control", "no-store")
	if r.Method == http.MethodHead {
		return
	}
	control := http.NewResponseController(w)
	defer control.SetWriteDeadline(time.Time{})
	noise := rand.NewChaCha8([32]byte{})
	buf := make([]byte, chunk)
	for left > 0 {
		piece := buf[:min(left, chunk)]
		noise.Read(piece) // never fails
		control.SetWriteDeadline(time.Now().Add(o.Timeout))
		if _, err := w.Write(piece); err != nil {
			return
		}
		left -= int64(len(piece))
	}
}

func (o WebOptions) upload(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	buf := make([]byte, chunk)
	var total int64
	for {
		control.SetReadDeadline(time.Now().Add(o.Timeout))
		n, err := r.Body.Read(buf)
		total += int64(n)
		if err == io.EOF {
			break
		}
		if err != nil {
			panic(http.ErrAbortHandler) // and the deadline stays, or net/http would wait for the rest of the body
		}
	}
	control.SetReadDeadline(time.Time{})
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(w, total)
}
