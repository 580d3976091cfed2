package inspect

// reader walks a structure that states its own length, of which the end may not be there yet. bytes holds what is
// there; limit is the stated length. The first step that fails settles result: More where the bytes end too early, No
// where the step leaves the structure. All steps after it fail too.
type reader struct {
	bytes  []byte
	at     int
	limit  int
	result Result // Yes until a step fails
}

func readerOf(bytes []byte, limit int) reader {
	return reader{bytes: bytes, limit: limit, result: Yes}
}

// take reads n bytes; nil when it fails.
func (r *reader) take(n int) []byte {
	switch {
	case r.result != Yes:
		return nil
	case n > r.limit-r.at:
		r.result = No
		return nil
	case n > len(r.bytes)-r.at:
		r.result = More
		return nil
	}
	r.at += n
	return r.bytes[r.at-n : r.at]
}

// uint reads a big-endian number of n bytes; 0 when it fails.
func (r *reader) uint(n int) int {
	value := 0
	for _, b := range r.take(n) {
		value = value<<8 | int(b)
	}
	return value
}

// require settles the result as No when the condition does not hold.
func (r *reader) require(holds bool) {
	if r.result == Yes && !holds {
		r.result = No
	}
}

// fits requires that n more bytes stay within the stated length, there or not.
func (r *reader) fits(n int) { r.require(n <= r.limit-r.at) }

func (r *reader) left() int { return r.limit - r.at }
