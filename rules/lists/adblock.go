package lists

import "strings"

// adblock reads filters of ad blockers, and keeps those that are about a whole name.
func adblock(s *source) {
	for n, line := range s.lines() {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '!' || line[0] == '[' && n == 1 || line[0] == '#' && !cosmetic(line) {
			continue
		}
		enter := s.add
		rule, exception := strings.CutPrefix(line, "@@")
		if exception {
			enter = s.except
		}
		f, name, why := filter(rule)
		if why != "" {
			s.cannot(n, "%s %s", shown(line), why)
			continue
		}
		if !exception && isNetwork(name) {
			s.network(n, name)
			continue
		}
		enter(n, f, name)
	}
}

// cosmetic tells whether a filter hides parts of pages: ##, #@#, #?#, #$# and the like between names and a selector.
func cosmetic(rule string) bool {
	for rest := rule; ; {
		i := strings.IndexByte(rest, '#')
		if i < 0 {
			return false
		}
		rest = rest[i+1:]
		marks := len(rest) - len(strings.TrimLeft(rest, "@?$%"))
		if marks <= 3 && strings.HasPrefix(rest[marks:], "#") && !strings.HasPrefix(rest[marks+1:], "#") {
			return true
		}
	}
}

// whole are options that leave a filter about every request to a name.
var whole = map[string]bool{"important": true, "all": true}

// filter gives the name of a filter, or why it is not about one.
func filter(rule string) (f form, name, why string) {
	if cosmetic(rule) {
		return 0, "", "is about parts of pages"
	}
	if strings.HasPrefix(rule, "/") && strings.HasSuffix(rule, "/") && len(rule) > 1 {
		return 0, "", "is a regular expression for addresses of pages"
	}
	rule, options, _ := strings.Cut(rule, "$")
	if options != "" {
		for o := range strings.SplitSeq(options, ",") {
			if !whole[o] {
				return 0, "", "has the option " + shown(o) + ", with which it is not about every request"
			}
		}
	}
	f = formTree
	switch {
	case strings.HasPrefix(rule, "||*."):
		f, name = formUnder, rule[len("||*."):]
	case strings.HasPrefix(rule, "||"):
		name = rule[len("||"):]
	case strings.HasPrefix(rule, "|https://"):
		f, name = formExact, rule[len("|https://"):]
	case strings.HasPrefix(rule, "|http://"):
		f, name = formExact, rule[len("|http://"):]
	default:
		return 0, "", "is a piece of addresses of pages, not a name"
	}
	host, ok := strings.CutSuffix(strings.TrimSuffix(name, "|"), "^")
	if !ok {
		host, ok = strings.CutSuffix(name, "/")
	}
	switch {
	case strings.ContainsAny(host, "/?=&:"):
		return 0, "", "is about a part of a site"
	case strings.Contains(host, "*"):
		return 0, "", "has a star inside"
	case !ok:
		return 0, "", "has no ^ behind the name, so it is about longer names as well"
	}
	return f, host, ""
}
