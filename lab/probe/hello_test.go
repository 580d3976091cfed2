package probe

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
)

// Whatever the ClientHello, the site is the same; how many packets it needs is not.
func TestHellos(t *testing.T) {
	from := subscriber(t)
	for _, h := range append([]Hello{""}, Hellos...) {
		p := HTTPS("example.org")
		p.Hello = h
		ok(t, p, from)
		p = Download("example.org", 100<<10)
		p.Hello = h
		require.Contains(t, []Kind{OK, Throttled}, p.Try(t.Context(), from).Kind, h)
	}
	for _, h := range []Hello{HelloShort, HelloECH} {
		p := HTTP3("example.org")
		p.Hello = h
		ok(t, p, from)
	}
	_, err := HelloECH.Client(nil, &tls.Config{})
	require.ErrorContains(t, err, "key")
}

func TestPagesAndTransfersOfOtherKinds(t *testing.T) {
	from := subscriber(t)
	many := HTTPS("example.org")
	many.Times = 3
	o := ok(t, many, from)
	require.Contains(t, o.Story(), "once more, for the 3. time")
	quic := Download("example.org", 400<<10)
	quic.QUIC = true
	o = quic.Try(t.Context(), from)
	require.NotNil(t, o.Transfer, o.Story())
	require.Greater(t, o.Transfer.Bytes, int64(200<<10))
	capped := Download("example.org", 200<<20)
	capped.For = 200 * time.Millisecond
	o = ok(t, capped, from)
	require.Less(t, o.Transfer.Bytes, int64(200<<20))
}

func TestMeasure(t *testing.T) {
	body := bytes.Repeat([]byte("x"), 1000)
	var m measure
	require.NoError(t, m.reading(1000, 0)(iotest.OneByteReader(bytes.NewReader(body))))
	require.Equal(t, int64(750), m.bytes)
	require.NoError(t, m.reading(1000, time.Nanosecond)(iotest.OneByteReader(bytes.NewReader(body))))
	require.Equal(t, int64(1), m.bytes, "from the first byte on")
	require.EqualError(t, m.reading(1001, 0)(bytes.NewReader(body)), "1000 bytes came, expected 1001")
	broken := errors.New("broken")
	require.ErrorIs(t, m.reading(2000, 0)(io.MultiReader(bytes.NewReader(body), iotest.ErrReader(broken))), broken)
}
