package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"dpilab/rules/lists"
)

// endings of list files, by kind.
var endings = map[string]string{"domains": ".domains", "prefixes": ".prefixes"}

// write puts the list, or one of each kind, where it belongs.
func (f *importFlags) write(result *lists.Result, stdout io.Writer) error {
	r := &result.Report
	writers := map[string]func(io.Writer) error{"domains": result.WriteDomains, "prefixes": result.WritePrefixes}
	var kinds []string
	for kind, n := range map[string]int{"domains": r.Domains, "prefixes": r.Prefixes} {
		if n > 0 && (f.kind == "" || f.kind == kind) {
			kinds = append(kinds, kind)
		}
	}
	if r.Exceptions > 0 && f.exceptions != "" {
		if err := writeWhole(withEnding(f.exceptions, "domains"), result.WriteExceptions); err != nil {
			return err
		}
	}
	switch {
	case len(kinds) == 0 && f.kind != "":
		return fmt.Errorf("--kind %s: the files have none", f.kind)
	case f.output == "" && len(kinds) > 1:
		return fmt.Errorf("the files give %d domains and %d prefixes: choose with --kind, or --output NAME writes NAME.domains and NAME.prefixes", r.Domains, r.Prefixes)
	case f.output == "" && len(kinds) == 1:
		return writers[kinds[0]](stdout)
	}
	for _, kind := range kinds {
		if err := f.fits(kind, len(kinds)); err != nil {
			return err
		}
	}
	for _, kind := range kinds {
		if err := writeWhole(withEnding(f.output, kind), writers[kind]); err != nil {
			return err
		}
	}
	return nil
}

// fits refuses a name that says another kind than the list has.
func (f *importFlags) fits(kind string, kinds int) error {
	has := filepath.Ext(f.output)
	for other, ending := range endings {
		switch {
		case has == ending && kinds > 1:
			return fmt.Errorf("--output %s: the files give domains and prefixes: leave the ending off, or choose with --kind", f.output)
		case has == ending && other != kind:
			return fmt.Errorf("--output %s: the files give %s: let the name end in %s, or leave the ending off", f.output, kind, endings[kind])
		}
	}
	return nil
}

func withEnding(name, kind string) string {
	if strings.HasSuffix(name, endings[kind]) {
		return name
	}
	return name + endings[kind]
}

// writeWhole writes a file beside its place and moves it there, so that it is whole or as it was.
func writeWhole(name string, write func(io.Writer) error) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", name, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(tmp.Name()))
		}
	}()
	if err = errors.Join(tmp.Chmod(0o644), write(tmp), tmp.Close()); err != nil {
		return fmt.Errorf("cannot write %s: %w", name, err)
	}
	return os.Rename(tmp.Name(), name)
}
