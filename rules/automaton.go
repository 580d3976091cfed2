package rules

// automaton finds any number of pieces in a name in one pass over it (Aho and Corasick, 1975). Each piece has a bit, and
// counts anywhere in the name, at its start only, or at its end only.
type automaton struct {
	letters [256]uint8 // number of each byte that some piece has; 0: in none
	width   int        // of a row: letters in use and 2; letter 1 is no byte: it stands before the first one of every name
	first   uint32     // the state behind letter 1
	next    []uint32   // state and letter to state
	found   []hits     // by state
}

type hits struct{ anywhere, end uint32 }

type piece struct {
	text       string
	bit        uint32
	start, end bool
}

// newAutomaton takes memory for one row for each byte of the pieces: some 160 bytes. It gives nil for no pieces.
func newAutomaton(pieces []piece) *automaton {
	if len(pieces) == 0 {
		return nil
	}
	a := &automaton{width: 2}
	for _, p := range pieces {
		for _, c := range []byte(p.text) {
			if a.letters[c] == 0 {
				a.letters[c] = uint8(a.width)
				a.width++
			}
		}
	}
	a.state()
	for _, p := range pieces {
		a.add(p)
	}
	a.link()
	a.first = a.next[1]
	return a
}

func (a *automaton) state() uint32 {
	a.next = append(a.next, make([]uint32, a.width)...)
	a.found = append(a.found, hits{})
	return uint32(len(a.found) - 1)
}

func (a *automaton) add(p piece) {
	s := uint32(0)
	if p.start {
		s = a.step(s, 1)
	}
	for _, c := range []byte(p.text) {
		s = a.step(s, a.letters[c])
	}
	if p.end {
		a.found[s].end |= p.bit
	} else {
		a.found[s].anywhere |= p.bit
	}
}

// step gives the state behind a letter, a new one if there is none.
func (a *automaton) step(s uint32, letter uint8) uint32 {
	at := int(s)*a.width + int(letter)
	if a.next[at] == 0 {
		n := a.state()
		a.next[at] = n
	}
	return a.next[at]
}

// link fills each row from that of the longest suffix of its state, which is nearer to the root and so was filled before.
func (a *automaton) link() {
	suffix := make([]uint32, len(a.found))
	queue := []uint32{0}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		a.found[s].anywhere |= a.found[suffix[s]].anywhere
		a.found[s].end |= a.found[suffix[s]].end
		for letter := range a.width {
			at := int(s)*a.width + letter
			back := uint32(0)
			if s != 0 {
				back = a.next[int(suffix[s])*a.width+letter]
			}
			if child := a.next[at]; child != 0 {
				suffix[child] = back
				queue = append(queue, child)
			} else {
				a.next[at] = back
			}
		}
	}
}

// find gives the bits of all pieces that name has.
func (a *automaton) find(name []byte) uint32 {
	s, bits := a.first, uint32(0)
	for _, c := range name {
		s = a.next[int(s)*a.width+int(a.letters[c])]
		bits |= a.found[s].anywhere
	}
	return bits | a.found[s].end
}
