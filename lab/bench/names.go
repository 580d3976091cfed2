package bench

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"dpilab/rules"
)

// endings are of names that nobody has (RFC 2606).
var endings = []string{".example", ".test", ".invalid"}

// nameAt gives the name with this number: no two are alike, none is under another, and neighbours in number have nothing in common.
// Most have two labels, as in lists of blocked domains; a fifth have three.
func nameAt(i int) string {
	const places = 1 << 36
	n := uint64(i) * 0x9e3779b97f4a7c15 % places // odd: each number has its place
	b := make([]byte, 0, 32)
	if i%5 == 4 {
		b = strconv.AppendUint(append(b, "shop-"...), n%97, 36)
		b = append(b, '.')
	}
	b = strconv.AppendUint(b, n, 36)
	for k := n % 7; k > 0; k-- { // lengths as they are in the world: four letters to fourteen
		b = append(b, 'a'+byte((n>>(5*k))%26))
	}
	b = append(b, '-')
	b = strconv.AppendUint(b, n%11, 36)
	return string(append(b, endings[n%3]...))
}

// namesFrom gives count names, the first with this number.
func namesFrom(first, count int) []string {
	all := make([]string, count)
	for i := range all {
		all[i] = nameAt(first + i)
	}
	return all
}

// writeNames writes a list of count names, the first with this number.
func writeNames(file string, first, count int) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	for i := range count {
		_, _ = w.WriteString(nameAt(first + i))
		_ = w.WriteByte('\n')
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// blockingPolicy drops connections with a name of the list: two lines of a policy, and a profile that joins segments, as the boxes
// since 2024 do. The first hello that is read settles its flow, which the kernel keeps from then on; where every hello is read, as in the
// default profile, the engine sees short connections to their end.
const blockingPolicy = `policy: %[1]s
date: 2026-01-01
about: names of a list of %[2]d are blocked

lists:
  names: %[3]s

profile:
  reassembly: {tcp: true}
  inspect: {hellos: %[4]s}

rules:
  - rule: names
    when: {sni: names}
    do: {drop: both}
    source: {ref: choice}
`

func policyName(count int) string { return "names-" + sizeName(count) }

// writePolicy makes a policy that blocks the first count names, in the folder, and gives its file.
func writePolicy(folder string, count int) (string, error) {
	return writePolicyFrom(folder, 0, count, policyName(count))
}

// writePolicyFrom makes a policy of this name that blocks count names, the first with this number.
func writePolicyFrom(folder string, first, count int, name string) (string, error) {
	list := name + ".domains"
	if err := writeNames(filepath.Join(folder, list), first, count); err != nil {
		return "", err
	}
	return writeBlocking(folder, name, list, count, "first")
}

// writeBlocking makes a policy over a list that is there; hellos is a word of the profile.
func writeBlocking(folder, name, list string, count int, hellos string) (string, error) {
	file := filepath.Join(folder, name+".yaml")
	return file, os.WriteFile(file, fmt.Appendf(nil, blockingPolicy, name, count, list, hellos), 0o644)
}

func compile(file string) (*rules.Compiled, error) {
	p, err := rules.Load(file)
	if err != nil {
		return nil, err
	}
	return p.Compile()
}

// sizeName is a number in few letters: 10, 100k, 1m.
func sizeName(n int) string {
	switch {
	case n >= 1e6 && n%1e6 == 0:
		return strconv.Itoa(n/1e6) + "m"
	case n >= 1000 && n%1000 == 0:
		return strconv.Itoa(n/1000) + "k"
	}
	return strconv.Itoa(n)
}
