package dpi

// pool holds what flows have beside them, by number, so that a flow needs no pointer to it. What is given back is for the next ones: a
// pool is as large as it ever was. The zero value is empty.
type pool[T any] struct {
	chunks [][]pooled[T]
	free   uint32
	used   int
}

type pooled[T any] struct {
	value T
	next  uint32 // of those that are free
}

// poolChunk is how many are made at a time.
const poolChunk = 64

func (p *pool[T]) at(i uint32) *T { return &p.chunks[i/poolChunk][i%poolChunk].value }

// take gives the number of one that is zero, or as it was put back.
func (p *pool[T]) take() uint32 {
	if p.free == none {
		p.grow()
	}
	i := p.free
	p.free = p.chunks[i/poolChunk][i%poolChunk].next
	p.used++
	return i
}

func (p *pool[T]) grow() {
	first := uint32(len(p.chunks) * poolChunk)
	some := make([]pooled[T], poolChunk)
	p.chunks = append(p.chunks, some)
	for i := poolChunk - 1; i >= 0; i-- {
		if n := first + uint32(i); n != none {
			some[i].next, p.free = p.free, n
		}
	}
}

// put takes one back that nobody else has in hand.
func (p *pool[T]) put(i uint32) {
	p.chunks[i/poolChunk][i%poolChunk].next, p.free = p.free, i
	p.used--
}
