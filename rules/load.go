package rules

import (
	"embed"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"dpilab/internal/strictyaml"
)

// policies are the policies that ship with the binary, and their lists.
//
//go:embed policies/*.yaml policies/lists
var policies embed.FS

const (
	shippedFolder = "policies"
	policyEnding  = ".yaml"
)

// Open gives the shipped policy of that name, or reads a policy file: what has a slash or ends in .yaml is a file.
func Open(nameOrFile string) (*Policy, error) {
	if strings.ContainsAny(nameOrFile, "/"+string(os.PathSeparator)) || strings.HasSuffix(nameOrFile, policyEnding) {
		return Load(nameOrFile)
	}
	return Shipped(nameOrFile)
}

// Load reads a policy file. Its lists, and a policy that it extends by a path, are looked for from the file's folder.
// Errors in a file are of type *Error.
func Load(file string) (*Policy, error) {
	return loader{fsys: osFiles{}, left: newBudget()}.read(file)
}

// Parse is Load for a policy whose bytes are at hand and whose lists are in fsys.
func Parse(file string, data []byte, fsys fs.FS) (*Policy, error) {
	return loader{fsys: fsys, left: newBudget()}.parse(file, data)
}

// Shipped gives one of the policies that ship with the binary.
func Shipped(name string) (*Policy, error) {
	return loader{left: newBudget()}.shipped(name)
}

// ShippedNames gives the names of the shipped policies, in the order of their names: dated ones begin with the year.
func ShippedNames() []string {
	files, _ := fs.Glob(policies, shippedFolder+"/*"+policyEnding)
	for i, f := range files {
		files[i] = strings.TrimSuffix(path.Base(f), policyEnding)
	}
	slices.Sort(files)
	return files
}

// osFiles opens any path, absolute or with dots, which os.DirFS does not.
type osFiles struct{}

func (osFiles) Open(name string) (fs.File, error) { return os.Open(name) }

// loader reads a policy and those that it extends.
type loader struct {
	fsys fs.FS
	open []place // the policies that are being read, each extending the next
	left *budget // for the lists of all of them
}

type place struct {
	fsys fs.FS
	file string
}

func (l loader) shipped(name string) (*Policy, error) {
	if names := ShippedNames(); !slices.Contains(names, name) {
		return nil, &Error{File: name, Text: "no policy of this name ships, expected one that dpilab list names, or a file" + strictyaml.Suggest(name, names)}
	}
	l.fsys = policies
	return l.read(path.Join(shippedFolder, name+policyEnding))
}

func (l loader) read(file string) (*Policy, error) {
	data, err := readSome(l.fsys, file)
	if err != nil {
		return nil, &Error{File: file, Text: "cannot read the policy: " + cause(err)}
	}
	return l.parse(file, data)
}

// readSome reads a file, or so much of it that it is refused as too long.
func readSome(fsys fs.FS, file string) ([]byte, error) {
	f, err := fsys.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, 16<<20))
}

// beside gives a path that was written in file.
func beside(file, other string) string {
	if path.IsAbs(other) {
		return path.Clean(other)
	}
	return path.Join(path.Dir(file), other)
}

// extended reads the policy that file extends; ref says which.
func (l loader) extended(file string, ref strictyaml.Node) (*Policy, error) {
	s, err := ref.Text("a shipped policy's name, or a path that ends in .yaml")
	if err != nil {
		return nil, err
	}
	l.open = append(slices.Clip(l.open), place{l.fsys, path.Clean(file)})
	next := place{policies, path.Join(shippedFolder, s+policyEnding)}
	byName := !strings.HasSuffix(s, policyEnding)
	if byName && !slices.Contains(ShippedNames(), s) {
		return nil, ref.Fail("found %q, expected a shipped policy, as dpilab list names them, or a path that ends in .yaml%s",
			s, strictyaml.Suggest(s, ShippedNames()))
	}
	if !byName {
		next = place{l.fsys, beside(file, s)}
		if f, err := next.fsys.Open(next.file); err != nil {
			return nil, ref.Fail("cannot read %s: %s", next.file, cause(err))
		} else {
			f.Close()
		}
	}
	for _, p := range l.open {
		if p.file == next.file && sameFiles(p.fsys, next.fsys) {
			return nil, ref.Fail("found %q, which extends this policy again, expected no circle", s)
		}
	}
	l.fsys = next.fsys
	return l.read(next.file)
}

// sameFiles: file systems need not be comparable, so ask only whether both are the shipped one.
func sameFiles(a, b fs.FS) bool {
	_, shippedA := a.(embed.FS)
	_, shippedB := b.(embed.FS)
	return shippedA == shippedB
}
