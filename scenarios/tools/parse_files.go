package tools

import (
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"dpilab/internal/strictyaml"
)

// secretKinds are the words that a secret is made by, and the parts that it has: {NAME.part}, or {NAME} where there is none.
var secretKinds = map[string][]string{
	"uuid": nil, "password": nil, "base64": nil, "hex": nil,
	"x25519": {"private", "public"}, "wireguard": {"private", "public"}, "certificate": {"cert", "key", "ca"},
}

const (
	secretForms     = "uuid, password N, base64 N, hex N, x25519, wireguard or certificate NAME"
	maxSecretLength = 4096
)

func (r *reader) readSecrets() error {
	fields, err := r.fields("secrets", "{NAME: KIND, ...}, a kind being "+secretForms)
	if err != nil {
		return err
	}
	for _, f := range fields {
		if _, err := f.Key.Label("a secret's name"); err != nil {
			return err
		}
		if r.words[f.Name] || slices.Contains(goalWords, f.Name) {
			return f.Key.Fail("found %q, expected another name: {%s} is a placeholder already", f.Name, f.Name)
		}
		if c := f.Name[0]; c < 'a' || c > 'z' {
			return f.Key.Fail("found %q, expected a name that begins with a letter", f.Name)
		}
		s, err := r.secret(f)
		if err != nil {
			return err
		}
		r.def.secrets = append(r.def.secrets, s)
	}
	for _, s := range r.def.secrets { // not before: a certificate's name has no secret in it
		for _, w := range s.placeholders() {
			r.words[w] = true
		}
	}
	return nil
}

func (s secret) placeholders() (all []string) {
	for _, p := range secretKinds[s.kind] {
		all = append(all, s.name+"."+p)
	}
	if all == nil {
		all = []string{s.name}
	}
	return all
}

func (r *reader) secret(f strictyaml.Field) (secret, error) {
	text, err := f.Text("a kind of secret: " + secretForms)
	if err != nil {
		return secret{}, err
	}
	words := strings.Fields(text)
	s := secret{name: f.Name, kind: words[0]}
	rest := words[1:]
	switch s.kind {
	case "uuid", "x25519", "wireguard":
		if len(rest) > 0 {
			return s, f.Fail("found %q, expected %s alone", text, s.kind)
		}
	case "password", "base64", "hex":
		if len(rest) == 1 {
			s.length, err = strconv.Atoi(rest[0])
		}
		if len(rest) != 1 || err != nil || s.length < 1 || s.length > maxSecretLength {
			return s, f.Fail("found %q, expected %s and a number of 1 to %d", text, s.kind, maxSecretLength)
		}
	case "certificate":
		if len(rest) != 1 {
			return s, f.Fail("found %q, expected certificate and the name that it is for", text)
		}
		s.of = rest[0]
		return s, r.template(f.Node, s.of, false)
	default:
		return s, f.Fail("found %q, expected %s%s", text, secretForms, strictyaml.Suggest(s.kind, slices.Sorted(maps.Keys(secretKinds))))
	}
	return s, nil
}

func (r *reader) readFiles() error {
	fields, err := r.fields("files", "{NAME: TEXT, ...}")
	if err != nil {
		return err
	}
	for _, f := range fields {
		if !filepath.IsLocal(f.Name) || filepath.Clean(f.Name) != f.Name || f.Name == "." {
			return f.Key.Fail("found the file %q, expected a name below the tool's folder", f.Name)
		}
		text, err := f.Lines("the text of a file")
		if err != nil {
			return err
		}
		if err := r.template(f.Node, text, true); err != nil {
			return err
		}
		r.def.files = append(r.def.files, file{f.Name, text})
	}
	return nil
}
