package matrix

import "strings"

// since gives what a log has gained since it was so long, as far as it is still there.
func since(log string, before int) string {
	if before <= len(log) && before < logLimit {
		return log[before:]
	}
	return log // the beginning was cut off: nobody knows how much
}

// logLimit is how long the log of a session gets; then its beginning is cut off.
const logLimit = 64 << 10

// lastLine gives the last line that a log has gained, as the end of a sentence: "; its log ends: ...".
func lastLine(log string, before int) string {
	lines := strings.Split(strings.TrimSpace(since(log, before)), "\n")
	if last := oneLine(lines[len(lines)-1]); last != "" {
		return "; the tool's log ends: " + cut(last, 200)
	}
	return ""
}

// fileName gives a name that is one element of a path.
func fileName(name string) string { return strings.NewReplacer("/", "+", "\x00", "").Replace(name) }
