package replay

// links remembers link headers: a capture has few.
type links struct {
	all    []string // from 1
	byText map[string]uint32
}

const maxLinks = 4096

func newLinks() links { return links{all: []string{""}, byText: map[string]uint32{}} }

func (l *links) index(header []byte) uint32 {
	if i, ok := l.byText[string(header)]; ok {
		return i
	}
	if len(l.all) > maxLinks {
		return 0
	}
	i := uint32(len(l.all))
	l.all = append(l.all, string(header))
	l.byText[string(header)] = i
	return i
}

func (l *links) header(i uint32) []byte { return []byte(l.all[i]) }
