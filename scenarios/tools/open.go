package tools

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"dpilab/internal/strictyaml"
)

//go:embed *.yaml
var shipped embed.FS

//go:embed schema.json
var schema []byte

// Schema gives the JSON schema of definitions (draft 2020-12), for editors. Parse checks more than it does. The caller does not change it.
func Schema() []byte { return schema }

const suffix = ".yaml"

// Names gives the names of the definitions that ship, without variants.
func Names() []string {
	files, _ := fs.Glob(shipped, "*"+suffix) // the pattern is right
	for i, f := range files {
		files[i] = strings.TrimSuffix(f, suffix)
	}
	return files
}

// Open reads a definition: a file, when the name has a slash or ends in .yaml, otherwise one that ships; all its variants, or, by
// NAME/VARIANT, one of them (of a file: FILE.yaml/VARIANT). The first is the tool without a variant, unless the definition is only what
// its variants have in common. Errors in the file are *Error.
func Open(nameOrFile string) ([]*Tool, error) {
	if strings.HasSuffix(nameOrFile, suffix) {
		return openFile(nameOrFile, "")
	}
	if i := strings.LastIndex(nameOrFile, suffix+"/"); i >= 0 {
		return openFile(nameOrFile[:i+len(suffix)], nameOrFile[i+len(suffix)+1:])
	}
	name, variant, slash := strings.Cut(nameOrFile, "/")
	data, err := shipped.ReadFile(name + suffix)
	if err == nil {
		return parseOne("tools/"+name+suffix, data, variant)
	}
	if _, err := os.Stat(nameOrFile); slash && err == nil {
		return openFile(nameOrFile, "")
	}
	return nil, fmt.Errorf("%s: no tool of this name ships, expected %s, or a file%s", name, strictyaml.OrList(Names()), strictyaml.Suggest(name, Names()))
}

func openFile(file, variant string) ([]*Tool, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		if cause := (*fs.PathError)(nil); errors.As(err, &cause) {
			err = cause.Err
		}
		return nil, fmt.Errorf("%s: cannot read the definition: %w", file, err)
	}
	return parseOne(file, data, variant)
}

// parseOne gives all variants, or the one that is named.
func parseOne(file string, data []byte, variant string) ([]*Tool, error) {
	all, err := Parse(file, data)
	if err != nil || variant == "" {
		return all, err
	}
	var names []string
	for _, t := range all {
		name := path.Base(t.Name)
		if name == variant && strings.Contains(t.Name, "/") {
			return []*Tool{t}, nil
		}
		if strings.Contains(t.Name, "/") {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: found no variants, expected %q", file, variant)
	}
	return nil, fmt.Errorf("%s: found no variant %q, expected %s%s", file, variant, strictyaml.OrList(names), strictyaml.Suggest(variant, names))
}
