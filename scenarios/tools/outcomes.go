package tools

import "regexp"

// curlResults are the exit codes of curl(1), the section EXIT CODES. The first line on a reset is what OpenSSL and GnuTLS say, in
// curl's words.
func curlResults() []result {
	reset := regexp.MustCompile("(?i)connection reset|connection was reset")
	return []result{
		{exit: 6, kind: "nxdomain"},
		{exit: 7, kind: "refused"},
		{exit: 28, kind: "timeout"},
		{exit: 35, output: reset, kind: "reset", stage: "ClientHello"},
		{exit: 52, kind: "closed", stage: "request"},
		{exit: 56, output: reset, kind: "reset", stage: "request"},
	}
}
