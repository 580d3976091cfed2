package dpi

// pool keeps what flows hold beside them and gave back, for the next ones. The zero value is empty.
type pool[T any] []*T

// Of a pool: how many are made at a time, and how many are kept; more are left to the garbage collector.
const (
	poolChunk = 64
	maxIdle   = 4096
)

// take gives a zero T.
func (p *pool[T]) take() *T {
	if len(*p) == 0 {
		for i, some := 0, make([]T, poolChunk); i < len(some); i++ {
			*p = append(*p, &some[i])
		}
	}
	last := len(*p) - 1
	x := (*p)[last]
	*p = (*p)[:last]
	return x
}

// put takes x back, which nobody else may have in hand.
func (p *pool[T]) put(x *T) {
	if len(*p) < maxIdle {
		var zero T
		*x = zero
		*p = append(*p, x)
	}
}
