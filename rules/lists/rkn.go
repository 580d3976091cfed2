package lists

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

const noteBeside = "with addresses beside a name, which were left out: they are where the name pointed"

// rkn reads the dump of the register: ip | ip;domain;url;organisation;number;date, the first line with the date. The organisation may have
// quotation marks and semicolons, so only the first columns are cut off.
func rkn(s *source) {
	for n, line := range s.lines() {
		if line = strings.TrimSpace(line); line == "" || n == 1 && strings.HasPrefix(line, "Updated:") {
			continue
		}
		ips, rest, ok := strings.Cut(line, ";")
		domain, rest, ok2 := strings.Cut(rest, ";")
		if !ok || !ok2 {
			s.bad(n, "found %s, expected ip;domain;url;organisation;number;date", shown(line))
			continue
		}
		url, _, _ := strings.Cut(rest, ";")
		domain, url = column1251(domain), column1251(url)
		named := s.names(n, domain, url)
		s.addresses(n, ips, named)
	}
}

// column1251 gives the text of a column. What is valid UTF-8 is taken as that, for copies that were converted: cp1251 hardly ever is by chance.
func column1251(text string) string {
	text = strings.Trim(strings.TrimSpace(text), `"`)
	if utf8.ValidString(text) {
		return text
	}
	out, err := charmap.Windows1251.NewDecoder().String(text)
	if err != nil {
		return text
	}
	return out
}

// names takes the names of an entry, and tells whether it has one: without a domain, that of its pages.
func (s *source) names(n int, domain, url string) bool {
	if url != "" {
		if _, page := hostOf(url); page {
			s.note(notePage)
		}
	}
	if domain == "" {
		domain, _ = hostOf(first(url, " | "))
	}
	if domain == "" {
		return false
	}
	if isNetwork(domain) {
		s.network(n, domain)
		return true
	}
	f, name := formExact, domain
	if under, ok := strings.CutPrefix(domain, "*."); ok {
		f, name = formUnder, under
	}
	s.add(n, f, name)
	return true
}

func first(s, separator string) string {
	s, _, _ = strings.Cut(s, separator)
	return s
}

// addresses takes those of an entry without a name, and subnets of every entry.
func (s *source) addresses(n int, ips string, named bool) {
	left := false
	for ip := range strings.SplitSeq(ips, "|") {
		ip = strings.Trim(strings.TrimSpace(ip), `"`)
		switch {
		case ip == "":
		case named && !strings.Contains(ip, "/"):
			left = true
		default:
			s.network(n, ip)
		}
		if s.failed != nil {
			return
		}
	}
	if left {
		s.note(noteBeside)
	}
}
