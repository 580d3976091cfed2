package trace

import (
	"embed"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"dpilab/internal/strictyaml"
)

//go:embed observations
var shipped embed.FS

const (
	folder = "observations"
	ending = ".trace"
)

// Names gives the names of the traces that ship with the binary, sorted.
func Names() []string {
	files, _ := fs.Glob(shipped, folder+"/*"+ending)
	for i, f := range files {
		files[i] = strings.TrimSuffix(path.Base(f), ending)
	}
	slices.Sort(files)
	return files
}

// Find gives the shipped trace of that name, or reads a file: what has a slash or ends in .trace is a file.
func Find(nameOrFile string) (*Trace, error) {
	if strings.ContainsAny(nameOrFile, "/"+string(os.PathSeparator)) || strings.HasSuffix(nameOrFile, ending) {
		return Load(nameOrFile)
	}
	file := path.Join(folder, nameOrFile+ending)
	data, err := shipped.ReadFile(file)
	if err != nil {
		return nil, &Error{File: nameOrFile, Text: "no trace of this name ships, expected one that dpilab trace runs without arguments, or a file that ends in .trace" + strictyaml.Suggest(nameOrFile, Names())}
	}
	return Parse(file, data, shipped)
}
