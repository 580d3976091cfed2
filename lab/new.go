package lab

import (
	"context"
	"os"
)

// TB is what New needs of a test: every testing.TB is one.
type TB interface {
	Helper()
	Context() context.Context
	Cleanup(func())
	Failed() bool
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Logf(format string, args ...any)
	Skip(args ...any)
}

// RequireEnv is the environment variable by which a CI asks for a failure where New would skip: any value but the empty one.
const RequireEnv = "DPILAB_REQUIRE"

// mainErr is why Main runs the tests outside.
var mainErr error

// Main runs the tests of a package inside namespaces of their own, as Enter makes them. It is all that a TestMain needs, and every
// package whose tests call New needs it:
//
//	func TestMain(m *testing.M) { lab.Main(m) }
//
// Where the machine refuses the namespaces, the tests run as they are, and New skips those that call it, with the reason. Main does not
// return.
func Main(m interface{ Run() int }) {
	Hidden()
	if mainErr = CanEnter(); mainErr == nil {
		Enter()
	}
	os.Exit(m.Run())
}

// New gives a test a net of its own that runs, as Start does, and ends it with the test. It must be called from the test's goroutine.
// Tests with nets of their own may run in parallel; those that measure rates better do not.
//
// Where the machine lacks what a lab needs, the test is skipped with the reason, or fails when RequireEnv is set. When the test fails, what
// the boxes did is logged.
func New(t TB, options ...Option) *Net {
	t.Helper()
	if mainErr != nil {
		absent(t, mainErr)
	}
	if err := checkEntered(); err != nil {
		t.Fatal(err)
	}
	if err := Missing(); err != nil {
		absent(t, err)
	}
	n, err := Start(context.WithoutCancel(t.Context()), options...) // a test's context ends before what it cleans up by itself
	if err != nil {
		t.Fatal("cannot start the lab: " + err.Error())
	}
	n.test = t
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("what the boxes did:\n%s", n.Story())
		}
		if err := n.Close(); err != nil {
			t.Errorf("close the lab: %v", err)
		}
	})
	return n
}

func absent(t TB, err error) {
	t.Helper()
	if os.Getenv(RequireEnv) != "" {
		t.Fatal(err.Error() + " (" + RequireEnv + " is set, so this is no skip)")
	}
	t.Skip(err)
}
