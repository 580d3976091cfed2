package rules

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// compileFrom makes lists of so many names compiled unasked for the time of a test.
func compileFrom(t testing.TB, names int) {
	usual := compileNames
	t.Cleanup(func() { compileNames = usual })
	compileNames = names
}

// listFolder gives a folder with a policy of one rule about big.domains.
func listFolder(t testing.TB, list []byte) (policy, file string) {
	folder := t.TempDir()
	policy, file = filepath.Join(folder, "p.yaml"), filepath.Join(folder, "big.domains")
	require.NoError(t, os.WriteFile(policy, []byte("policy: p\ndate: 2025-01-01\nabout: a test\nlists: {big: big.domains}\n"+
		"rules: [{rule: one, when: {sni: big}, do: pass, source: {ref: choice}}]\n"), 0o600))
	require.NoError(t, os.WriteFile(file, list, 0o600))
	return policy, file
}

func loadCompiled(t testing.TB, policy string) *Compiled {
	p, err := Load(policy)
	require.NoError(t, err)
	c, err := p.Compile()
	require.NoError(t, err)
	return c
}

func (c *Compiled) list() *List { return c.Policy.List("big") }

// A compiled list says what its text says, of names that are in it and not.
func TestCompiledListIsItsText(t *testing.T) {
	bigLists(t, 3)
	compileFrom(t, 1<<30)
	for seed := range uint64(60) {
		d := dice{rand.New(rand.NewPCG(seed, 9))}
		var lines []string
		for range 1 + d.IntN(12) {
			lines = append(lines, d.pattern())
		}
		policy, file := listFolder(t, []byte(strings.Join(lines, "\n")))
		text := loadCompiled(t, policy)
		require.Nil(t, text.list().mapped)
		out, err := CompileList(file)
		require.NoError(t, err)
		require.Equal(t, file+".compiled", out)
		compiled := loadCompiled(t, policy)
		require.NotNil(t, compiled.list().mapped)
		require.Equal(t, text.list().lines(), compiled.list().lines())
		for range 100 {
			name := d.name()
			require.Equal(t, text.Name([]byte(name)), compiled.Name([]byte(name)), "%q in %q", name, lines)
			require.Equal(t, twin{text.Policy}.nameIn("big", name), compiled.Name([]byte(name)) != 0, "%q in %q", name, lines)
		}
	}
}

// Long lists are compiled unasked; a compiled list of another text is not used, and replaced.
func TestCompiledListFollowsItsText(t *testing.T) {
	compileFrom(t, 2)
	policy, file := listFolder(t, []byte("x.com\ny.com\n"))
	require.Nil(t, loadCompiled(t, policy).list().mapped)
	require.NotNil(t, loadCompiled(t, policy).list().mapped, "the first time made it")
	require.NoError(t, os.WriteFile(file, []byte("x.com\nz.com\n"), 0o600)) // of the same size
	c := loadCompiled(t, policy)
	require.Nil(t, c.list().mapped)
	require.Zero(t, c.Name([]byte("y.com")))
	c = loadCompiled(t, policy)
	require.NotNil(t, c.list().mapped)
	require.NotZero(t, c.Name([]byte("z.com")))
	require.NoError(t, os.WriteFile(file, []byte("x.com\n"), 0o600))
	require.Nil(t, loadCompiled(t, policy).list().mapped)
	require.Nil(t, loadCompiled(t, policy).list().mapped, "a short one is not compiled")
	info, err := os.Stat(file + compiledEnding)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode(), "no one may read more than before")
	left, err := filepath.Glob(filepath.Join(filepath.Dir(file), "*.tmp"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// What cannot be written, and what cannot be a compiled list, does no harm; nor is one made for a policy that is not in the file system.
func TestCompiledListIsOptional(t *testing.T) {
	compileFrom(t, 1)
	policy, file := listFolder(t, []byte("x.com\n"))
	data, err := os.ReadFile(policy)
	require.NoError(t, err)
	_, err = Parse("p.yaml", data, os.DirFS(filepath.Dir(policy)))
	require.NoError(t, err)
	require.NoFileExists(t, file+compiledEnding)
	require.NoError(t, os.Mkdir(file+compiledEnding, 0o700))
	require.NotZero(t, loadCompiled(t, policy).Name([]byte("x.com")))
	_, err = CompileList(file)
	require.ErrorContains(t, err, "big.domains: cannot write the compiled list: ")
	require.NoError(t, os.Remove(file+compiledEnding))
	require.NoError(t, os.WriteFile(file+compiledEnding, nil, 0o600))
	require.NotZero(t, loadCompiled(t, policy).Name([]byte("x.com")))
}

func TestCompileListErrors(t *testing.T) {
	_, file := listFolder(t, []byte("x.com\ny..com"))
	_, err := CompileList(file)
	require.EqualError(t, err, file+`:2: found a label of 0 letters in "y..com", expected 1 to 63`)
	_, err = CompileList("a.prefixes")
	require.EqualError(t, err, "a.prefixes: cannot be compiled, expected a list of domains, which ends in .domains")
	_, err = CompileList(file + "/a.domains")
	require.EqualError(t, err, file+"/a.domains: cannot read the list: not a directory")
}

// One broken byte anywhere, or a byte more or less, and the text is used.
func TestBrokenCompiledListIsNotUsed(t *testing.T) {
	compileFrom(t, 1<<30)
	policy, file := listFolder(t, []byte("x.com\n=y.com\n*z*\n"))
	out, err := CompileList(file)
	require.NoError(t, err)
	good, err := os.ReadFile(out)
	require.NoError(t, err)
	require.NotNil(t, loadCompiled(t, policy).list().mapped)
	for i := range good {
		for _, bad := range [][]byte{append(append(slices.Clone(good[:i]), good[i]^0x10), good[i+1:]...), good[:i], append(good, make([]byte, i+1)...)} {
			require.NoError(t, os.WriteFile(out, bad, 0o600))
			c := loadCompiled(t, policy)
			require.Nil(t, c.list().mapped, "byte %d", i)
			require.NotZero(t, c.Name([]byte("y.com")))
		}
	}
}

// The file is let go with the policy, not before.
func TestCompiledListIsUnmapped(t *testing.T) {
	compileFrom(t, 1)
	policy, file := listFolder(t, manyLines(5000, ""))
	loadCompiled(t, policy)
	mapped := func() bool {
		maps, err := os.ReadFile("/proc/self/maps")
		require.NoError(t, err)
		return bytes.Contains(maps, []byte(file+compiledEnding))
	}
	c := loadCompiled(t, policy)
	runtime.GC()
	runtime.GC()
	require.True(t, mapped())
	require.NotZero(t, c.Name(appendName(nil, 17)))
	c = nil
	require.Eventually(t, func() bool { runtime.GC(); return !mapped() }, 10*time.Second, 10*time.Millisecond)
}

// A policy may be dropped for another while a name is looked up in it: its file stays until that is over.
func TestCompiledListStaysWhileItIsUsed(t *testing.T) {
	compileFrom(t, 1)
	bigLists(t, 1)
	policy, _ := listFolder(t, manyLines(3000, ""))
	loadCompiled(t, policy)
	var now atomic.Pointer[Compiled]
	now.Store(loadCompiled(t, policy))
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if now.Load().Name(appendName(nil, i%3000)) == 0 {
					t.Errorf("name %d is not there", i%3000)
					return
				}
			}
		})
	}
	for range 50 {
		now.Store(loadCompiled(t, policy))
		runtime.GC()
	}
	close(stop)
	readers.Wait()
}

// seal makes the checksums right.
func seal(data []byte) []byte {
	if len(data) >= compiledHeader {
		binary.LittleEndian.PutUint32(data[96:], crc32.Checksum(data[compiledHeader:], castagnoli))
		binary.LittleEndian.PutUint32(data[100:], crc32.Checksum(data[:100], castagnoli))
	}
	return data
}

// FuzzCompiledList: whatever the bytes are, with checksums that are right, they are refused or can be used.
func FuzzCompiledList(f *testing.F) {
	for _, text := range []string{"x.com\n=y.com\n*.z.com\n*w*\nkeyword:v", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj", string(manyLines(40, "")), "*a"} {
		l, err := parseList("l", "l.domains", []byte(text))
		require.NoError(f, err)
		var out bytes.Buffer
		require.NoError(f, l.writeCompiled(&out, textSum{sum: sha256.Sum256(nil)}))
		f.Add(out.Bytes(), "www.x.com")
	}
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		l := &List{Name: "l"}
		data = seal(slices.Clone(data))
		if l.readCompiled(data, textSum{sum: sha256.Sum256(nil)}) != nil {
			return
		}
		l.lines()
		for _, size := range []int{0, 1 << 20} { // kept as big, and not
			bigList = size
			p := &Policy{lists: map[string]*List{"l": l}, Rules: []Rule{{When: Condition{SNI: []string{"l"}}}}}
			c, err := p.Compile()
			require.NoError(t, err)
			c.Name([]byte(name))
			c.Name([]byte("www.x.com"))
			l.suffixes.each(func(_, name []byte) { c.Name(name) })
		}
		// Even what was not looked at before cannot do harm.
		broken := nameTable{width: 1, starts: slices.Clone(l.suffixes.starts), entries: l.suffixes.entries, buckets: l.suffixes.buckets, depths: ^uint64(0)}
		for i := range broken.starts {
			broken.starts[i] ^= data[i%len(data)]
		}
		var k nameKey
		h, _ := k.of([]byte(name)[:min(len(name), longestAsked)])
		broken.find(h, k.name())
	})
}
