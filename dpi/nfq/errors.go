package nfq

import "errors"

// Kinds of Error, for errors.Is.
var (
	ErrInUse          = errors.New("in use")
	ErrNoQueue        = errors.New("no netfilter queue in the kernel")
	ErrNoBridgeFilter = errors.New("no br_netfilter in the kernel")
	ErrConfig         = errors.New("bad configuration")
	ErrEngine         = errors.New("the engine failed")
	ErrClosed         = errors.New("closed")
)

// Error is a failure that the user can do something about. It matches its Kind in errors.Is.
type Error struct {
	Kind error  // one of the Err variables
	What string // what is wrong, where
	Do   string // what to do about it
}

// Error gives one line.
func (e *Error) Error() string {
	if e.Do == "" {
		return e.What
	}
	return e.What + ": " + e.Do
}

// Unwrap gives the Kind.
func (e *Error) Unwrap() error { return e.Kind }
