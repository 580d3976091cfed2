package desync

import (
	"bytes"
	"strings"
)

// requestMarks finds the places of an HTTP request that begins with b's first byte; nil when b is none.
func requestMarks(b []byte) map[string]int {
	line, _, _ := bytes.Cut(b, []byte("\r\n"))
	method, rest, ok := bytes.Cut(line, []byte(" "))
	if !ok || len(method) == 0 || len(bytes.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")) > 0 || !bytes.Contains(rest, []byte("HTTP/1.")) {
		return nil
	}
	where := map[string]int{}
	name, value, end := hostHeader(b)
	if name < 0 {
		return where
	}
	text := b[value:end]
	value += len(text) - len(bytes.TrimLeft(text, " \t"))
	end = value + len(bytes.TrimRight(b[value:end], " \t"))
	if port := bytes.LastIndexByte(b[value:end], ':'); port >= 0 && b[end-1] != ']' {
		end = value + port
	}
	if end > value {
		where["host"], where["midhost"], where["endhost"] = value, (value+end)/2, end
	}
	return where
}

// hostHeader finds the line of the Host header: where its name and its value begin, and where it ends. name is -1 without one.
func hostHeader(b []byte) (name, value, end int) {
	at := 0
	for {
		n := bytes.Index(b[at:], []byte("\r\n"))
		if n <= 0 { // none, or the empty line behind the headers
			return -1, 0, 0
		}
		if n > 5 && strings.EqualFold(string(b[at:at+5]), "host:") {
			return at, at + 5, at + n
		}
		at += n + 2
	}
}

// prepareRequest changes a request as the strategy says, and gives its marks anew.
func (s Strategy) prepareRequest(b []byte, where map[string]int) ([]byte, map[string]int) {
	h := s.http
	name, value, end := hostHeader(b)
	if h == (httpChange{}) || name < 0 {
		return b, where
	}
	header, host := string(b[name:name+4]), string(b[value:end])
	if h.spell != "" {
		header = h.spell
	}
	first, last, found := where["host"], where["endhost"], where["endhost"] > 0
	if found && h.domcase {
		host = host[:first-value] + mixed(host[first-value:last-value]) + host[last-value:]
	}
	if found && h.dot && b[last-1] != '.' {
		host = host[:last-value] + "." + host[last-value:]
	}
	switch {
	case h.noSpace:
		host = strings.TrimLeft(host, " ")
	case h.twoSpace:
		host = "  " + strings.TrimLeft(host, " ")
	}
	if h.tab {
		host += "\t"
	}
	out := string(b[:name]) + header + ":" + host + string(b[end:])
	if h.methodSpace {
		out = strings.Replace(out, " ", "  ", 1)
	}
	return []byte(out), requestMarks([]byte(out))
}

// mixed is a name with every second letter in upper case.
func mixed(name string) string {
	b := []byte(strings.ToLower(name))
	for i := 1; i < len(b); i += 2 {
		b[i] = bytes.ToUpper(b[i : i+1])[0]
	}
	return string(b)
}
