package lists

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
)

// form is one of the ways in which rules.List describes names. The order is that of entries of one name, see domains.
type form byte

const (
	formTree     form = iota + 1 // name.tld
	formUnder                    // *.name.tld
	formExact                    // =name.tld
	formEnds                     // *letters
	formStarts                   // letters*
	formContains                 // *letters*
	formKeyword                  // keyword:label
	formRegexp                   // regexp:expression
)

// written gives an entry as a list has it.
func (f form) written(text string) string {
	switch f {
	case formUnder:
		return "*." + text
	case formExact:
		return "=" + text
	case formEnds:
		return "*" + text
	case formStarts:
		return text + "*"
	case formContains:
		return "*" + text + "*"
	case formKeyword:
		return "keyword:" + text
	case formRegexp:
		return "regexp:" + text
	}
	return text
}

// named tells whether the text of the form is a whole name.
func (f form) named() bool { return f <= formExact }

// Limits of RFC 1035 section 2.3.4, in the notation with dots.
const (
	maxLabel = 63
	maxName  = 253
)

// dots are what IDNA takes for a dot (RFC 3490 section 3.1).
var dots = strings.NewReplacer("\u3002", ".", "\uff0e", ".", "\uff61", ".")

// canonical gives a name as rules.List wants it: ASCII, lower case, no last dot.
func canonical(s string) (string, error) {
	name, err := ascii(s)
	if err != nil {
		return "", err
	}
	name = strings.TrimSuffix(name, ".")
	switch {
	case name == "":
		return "", errors.New("found nothing, expected a name")
	case len(name) > maxName:
		return "", fmt.Errorf("found a name of %d letters, expected %d or fewer", len(name), maxName)
	case isAddress(name):
		return "", fmt.Errorf("found %s, which is an address, expected a name", shown(s))
	}
	label := 0
	for i := range len(name) {
		if name[i] != '.' {
			label++
			continue
		}
		if label == 0 || label > maxLabel {
			return "", labelError(s, label)
		}
		label = 0
	}
	if label == 0 || label > maxLabel {
		return "", labelError(s, label)
	}
	return name, nil
}

func labelError(s string, n int) error {
	return fmt.Errorf("found a label of %d letters in %s, expected 1 to %d", n, shown(s), maxLabel)
}

// ascii lowers letters, turns labels that are not ASCII into punycode, and refuses what is in no name.
func ascii(s string) (string, error) {
	wide, upper := false, false
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 0x80:
			wide = true
		case 'A' <= c && c <= 'Z':
			upper = true
		case !nameByte(c):
			return "", fmt.Errorf("found %q in %s, expected letters, digits, hyphens, underscores and dots", c, shown(s))
		}
	}
	if wide {
		return punycode(s)
	}
	if upper {
		return strings.ToLower(s), nil
	}
	return s, nil
}

func punycode(s string) (string, error) {
	if len(s) > 4*maxName {
		return "", fmt.Errorf("found a name of %d bytes, expected %d letters or fewer", len(s), maxName)
	}
	labels := strings.Split(dots.Replace(s), ".")
	for i, label := range labels {
		if isASCII(label) {
			labels[i] = strings.ToLower(label)
			continue
		}
		a, err := idna.Lookup.ToASCII(label)
		if err != nil {
			return "", fmt.Errorf("found %s, which has no ASCII form: %w", shown(s), err)
		}
		labels[i] = a
	}
	name := strings.Join(labels, ".")
	for i := range len(name) {
		if !nameByte(name[i]) {
			return "", fmt.Errorf("found %s, whose ASCII form %s is no name", shown(s), shown(name))
		}
	}
	return name, nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func nameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.'
}

// isAddress tells whether s is an address, or would be taken for one by rules.List. Most names are told by their last letter.
func isAddress(s string) bool {
	if last := s[len(s)-1]; last > 'f' && strings.IndexByte(s, ':') < 0 {
		return false
	}
	_, err := netip.ParseAddr(s)
	return err == nil
}

// shown quotes what a file has for a message, and cuts what is too long for one.
func shown(s string) string {
	const most = 80
	if len(s) > most {
		return fmt.Sprintf("%q and %d bytes more", s[:most], len(s)-most)
	}
	return fmt.Sprintf("%q", s)
}
