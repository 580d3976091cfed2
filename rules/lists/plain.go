package lists

import "strings"

// plain reads names, or entries as rules.List has them.
func plain(s *source) {
	for n, line := range s.lines() {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if name, dot := strings.CutPrefix(line, "."); dot {
			s.add(n, formTree, name)
			continue
		}
		f, text := own(line)
		s.add(n, f, text)
	}
}

// zapret reads a hostlist as nfqws does (bol-van/zapret, nfq/hostlist.c): comments are whole lines.
func zapret(s *source) {
	for n, line := range s.lines() {
		line = strings.TrimSpace(line)
		if line == "" || strings.IndexByte("#;/", line[0]) >= 0 {
			continue
		}
		if name, alone := strings.CutPrefix(line, "^"); alone {
			s.add(n, formExact, name)
			continue
		}
		s.add(n, formTree, line)
	}
}
