package opengfw

import (
	"io/fs"
	"path"
	"strings"
	"time"
)

// stub is an open file of stubs, and its own description.
type stub struct {
	*strings.Reader
	name string
}

func (f *stub) Stat() (fs.FileInfo, error) { return f, nil }
func (f *stub) Close() error               { return nil }
func (f *stub) Name() string               { return path.Base(f.name) }
func (f *stub) Mode() fs.FileMode          { return 0o444 }
func (f *stub) ModTime() time.Time         { return time.Time{} }
func (f *stub) IsDir() bool                { return false }
func (f *stub) Sys() any                   { return nil }
