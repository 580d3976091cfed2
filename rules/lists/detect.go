package lists

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
)

// detect finds out the format from a file's name and its first bytes, unpacked, where only one fits.
func detect(file string, head []byte) (Format, error) {
	switch ending := strings.ToLower(filepath.Ext(strings.TrimSuffix(file, ".gz"))); {
	case ending == ".mmdb":
		return MMDB, nil
	case ending == ".dat" || len(head) > 0 && head[0] == '\n' && notText(head):
		return detectDat(head)
	case ending == ".domains":
		return Plain, nil
	case ending == ".prefixes":
		return CIDR, nil
	case notText(head):
		return Detect, errors.New("is no text: name its format with --format (geosite, geoip, mmdb)")
	}
	var lines []string
	for line := range strings.Lines(string(bytes.TrimPrefix(head, []byte("\ufeff")))) {
		if strings.HasSuffix(line, "\n") || len(head) < readBuffer { // the last line may be cut
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	if len(lines) == 0 {
		return Detect, errors.New("is empty, or its first line is too long to tell the format: name it with --format")
	}
	if strings.HasPrefix(lines[0], "Updated:") {
		return RKN, nil
	}
	if f := detectCSV(lines[0]); f != Detect {
		return f, nil
	}
	return detectLines(lines)
}

// shape is which formats may have a line.
func shape(line string) (may []Format) {
	switch fields := strings.Fields(line); {
	case isNetwork(line):
		return []Format{CIDR}
	case len(fields) > 1 && isAddr(fields[0]):
		return []Format{Hosts}
	case strings.HasPrefix(line, "||"), strings.HasPrefix(line, "@@"), strings.HasPrefix(line, "|http"), cosmetic(line):
		return []Format{AdBlock}
	case strings.HasPrefix(line, "^"), line[0] == '/' && !strings.HasSuffix(line, "/"):
		return []Format{Zapret}
	case strings.HasPrefix(line, "domain:"), strings.HasPrefix(line, "full:"), strings.HasPrefix(line, "include:"):
		return []Format{V2Fly}
	case strings.HasPrefix(line, "keyword:"), strings.HasPrefix(line, "regexp:"):
		return []Format{Plain, V2Fly}
	case len(fields) > 1 && (fields[1][0] == '@' || fields[1][0] == '&'):
		return []Format{V2Fly}
	}
	f, text := own(strings.TrimPrefix(line, "."))
	if _, err := checkedText(f, text); err != nil {
		return nil
	}
	if f == formTree && line[0] != '.' {
		return []Format{Plain, Zapret, V2Fly} // which mean the same by it
	}
	return []Format{Plain}
}

// detectLines takes the format that most lines may have, three quarters at least: the rest may be mistakes (choice). Where two are level,
// all lines must mean the same in both.
func detectLines(lines []string) (Format, error) {
	if strings.HasPrefix(lines[0], "[Adblock") {
		return AdBlock, nil
	}
	seen, all, names := map[Format]int{}, 0, 0
	for _, line := range lines {
		if line == "" || strings.IndexByte("#!;", line[0]) >= 0 && !cosmetic(line) {
			continue
		}
		if line, _, _ = strings.Cut(line, " #"); strings.TrimSpace(line) == "" {
			continue
		}
		may := shape(strings.TrimSpace(line))
		for _, f := range may {
			seen[f]++
		}
		if len(may) == 3 {
			names++
		}
		all++
	}
	if seen[AdBlock]*2 > all {
		return AdBlock, nil // the rest are filters of other kinds
	}
	best, tie := Detect, false
	for _, f := range []Format{Plain, Hosts, Zapret, V2Fly, CIDR} {
		switch {
		case seen[f] > seen[best]:
			best, tie = f, false
		case seen[f] == seen[best]:
			tie = true
		}
	}
	if seen[best]*4 < all*3 || best == Detect || tie && names < seen[best] {
		return Detect, fmt.Errorf("could be of several formats or of none: name it with --format (%s)", strings.Join(FormatNames(), ", "))
	}
	return best, nil
}

// notText tells bytes that no text has.
func notText(head []byte) bool {
	return bytes.IndexFunc(head, func(r rune) bool { return r < '\t' }) >= 0
}

func isAddr(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

func isNetwork(s string) bool {
	if _, _, ok := parseRange(s); ok {
		return true
	}
	_, _, err := parsePrefix(s)
	return err == nil
}
