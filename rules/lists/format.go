package lists

import (
	"fmt"
	"strings"
)

// Format says how a file is written. The zero value asks Import to find it out.
type Format uint8

// The formats; the package's documentation describes them.
const (
	Detect Format = iota
	Plain
	Hosts
	AdBlock
	Zapret
	V2Fly
	GeoSite
	CitizenLab
	OONI
	RKN
	CIDR
	GeoIP
	MMDB
)

var formatNames = [...]string{"detect", "plain", "hosts", "adblock", "zapret", "v2fly", "geosite", "citizenlab", "ooni", "rkn", "cidr", "geoip", "mmdb"}

// String gives the name that ParseFormat takes.
func (f Format) String() string {
	if int(f) < len(formatNames) {
		return formatNames[f]
	}
	return fmt.Sprintf("format %d", uint8(f))
}

// MarshalText gives the name.
func (f Format) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads it.
func (f *Format) UnmarshalText(text []byte) (err error) {
	*f, err = ParseFormat(string(text))
	return err
}

// FormatNames are the names of all formats.
func FormatNames() []string { return formatNames[1:] }

// ParseFormat reads a format's name.
func ParseFormat(s string) (Format, error) {
	for i, name := range formatNames[1:] {
		if s == name {
			return Format(i + 1), nil
		}
	}
	return Detect, fmt.Errorf("found format %q, expected one of %s", s, strings.Join(FormatNames(), ", "))
}
