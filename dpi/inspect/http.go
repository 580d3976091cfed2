package inspect

import "bytes"

const (
	maxMethod     = 16
	maxHTTPHeader = 16 << 10
)

// HTTPRequest reads the first request of a stream: its request line and the Host header (RFC 9112, section 3.2). Yes as
// soon as the host is known, or the header has ended without one (host is nil then). host points into the payload, its
// port cut off, its case kept; IPv6 literals come without brackets. A target in absolute form, or of CONNECT, goes
// before the header.
//
// Strict where servers are lenient (choice; HTTP24, spec B07, says that such vectors pass one Moscow filter, not how it
// reads them): an empty line before the request, a lower-case method or a space before the colon hide the request or the
// header. A bare LF ends a line. Of several Host headers the first counts. A header section of more than 16 KiB is a No.
func HTTPRequest(payload []byte) (host []byte, r Result) {
	method, rest, r := httpMethod(payload)
	if r != Yes {
		return nil, r
	}
	window := rest[:min(len(rest), maxHTTPHeader)]
	line, rest, ok := httpLine(window)
	if !ok {
		return nil, unfinished(window)
	}
	target, ok := httpTarget(line)
	if !ok {
		return nil, No
	}
	if host := targetHost(method, target); host != nil {
		return host, Yes
	}
	return hostHeader(rest, len(window))
}

// httpMethod cuts off the method and the space after it.
func httpMethod(b []byte) (method, rest []byte, r Result) {
	for i, c := range b {
		switch {
		case c == ' ' && i > 0:
			return b[:i], b[i+1:], Yes
		case c < 'A' || c > 'Z' || i >= maxMethod:
			return nil, nil, No
		}
	}
	return nil, nil, More
}

// unfinished is the result for a header section, or the window of it, that has not ended.
func unfinished(window []byte) Result {
	if len(window) >= maxHTTPHeader {
		return No
	}
	for _, c := range window {
		if c < ' ' && c != '\r' && c != '\t' {
			return No // no text: what looked like a method was chance
		}
	}
	return More
}

func httpLine(b []byte) (line, rest []byte, ok bool) {
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		return nil, nil, false
	}
	return bytes.TrimSuffix(b[:end], []byte("\r")), b[end+1:], true
}

// httpTarget reads "target HTTP/1.x".
func httpTarget(line []byte) (target []byte, ok bool) {
	target, version, ok := bytes.Cut(line, []byte(" "))
	if !ok || len(target) == 0 || len(version) != len("HTTP/1.1") || !bytes.HasPrefix(version, []byte("HTTP/1.")) {
		return nil, false
	}
	if minor := version[7]; minor < '0' || minor > '9' {
		return nil, false
	}
	for _, c := range target {
		if c <= ' ' || c == 0x7f {
			return nil, false
		}
	}
	return target, true
}

// targetHost gives the host of an absolute or an authority form; nil for the others.
func targetHost(method, target []byte) []byte {
	if string(method) == "CONNECT" {
		return cutPort(target)
	}
	scheme := bytes.Index(target, []byte("://"))
	if scheme <= 0 || bytes.IndexByte(target[:scheme], '/') >= 0 {
		return nil
	}
	authority := target[scheme+3:]
	if end := bytes.IndexAny(authority, "/?#"); end >= 0 {
		authority = authority[:end]
	}
	if user := bytes.LastIndexByte(authority, '@'); user >= 0 {
		authority = authority[user+1:]
	}
	return cutPort(authority)
}

// hostHeader looks for the header in the lines that follow the request line; size is that of all that was looked at.
func hostHeader(b []byte, size int) ([]byte, Result) {
	for {
		line, rest, ok := httpLine(b)
		switch {
		case !ok && size >= maxHTTPHeader:
			return nil, No
		case !ok:
			return nil, More
		case len(line) == 0:
			return nil, Yes
		}
		if name, value, ok := bytes.Cut(line, []byte(":")); ok && isHost(name) {
			return cutPort(bytes.Trim(value, " \t")), Yes
		}
		b = rest
	}
}

func isHost(name []byte) bool {
	return len(name) == 4 && name[0]|0x20 == 'h' && name[1]|0x20 == 'o' && name[2]|0x20 == 's' && name[3]|0x20 == 't'
}

func cutPort(host []byte) []byte {
	if len(host) > 0 && host[0] == '[' {
		if end := bytes.IndexByte(host, ']'); end > 0 {
			return host[1:end]
		}
		return host
	}
	if port := bytes.LastIndexByte(host, ':'); port >= 0 {
		return host[:port]
	}
	return host
}
