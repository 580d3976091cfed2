package probe

import (
	"fmt"
	"io"
	"time"
)

// measure is the size and the time of what a rate is of.
type measure struct {
	bytes int64
	took  time.Duration
}

// reading gives the function that reads so many bytes of a body. It measures the last three quarters: the first one is where TCP finds
// out what the line carries, and where a policer still has its burst. When all of it takes longer than most, what came until then is
// measured, from the first byte on; 0: however long it takes.
func (m *measure) reading(want int64, most time.Duration) func(io.Reader) error {
	return func(body io.Reader) error {
		start, buf, got := time.Now(), make([]byte, 16<<10), int64(0)
		ramp, rampTook := int64(0), time.Duration(0)
		for {
			n, err := body.Read(buf)
			got += int64(n)
			took := time.Since(start)
			m.bytes, m.took = got-ramp, took-rampTook
			switch {
			case err == io.EOF && got != want:
				return fmt.Errorf("%d bytes came, expected %d", got, want)
			case err == io.EOF:
				return nil
			case err != nil:
				return err
			case most > 0 && took >= most:
				m.bytes, m.took = got, took
				return nil
			case ramp == 0 && got >= want/4:
				ramp, rampTook = got, took
			}
		}
	}
}
