package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"dpilab/lab"
)

const (
	openGFWProgram = "opengfw-box"
	openGFWFolder  = "lab/bench/opengfw" // the module that it is built from, in dpilab's repository
	openGFWDomains = 100_000             // of its large list; with a million it makes no more than some twenty connections a second
)

// FindOpenGFW gives the program opengfw-box: choice itself where that is a file, or for "auto" the one beside this program, in PATH, or
// built from the repository in the working directory, in that order. The error says how to get it. Building needs the modules of
// lab/bench/opengfw: where they are not there yet, they come from the network, so it is called before lab.Enter as well. It can take a
// minute the first time, and calls building then, if that is not nil.
func FindOpenGFW(ctx context.Context, choice string, building func()) (string, error) {
	switch choice {
	case "off":
		return "", errors.New("switched off")
	case "", "auto":
	default:
		file, err := exec.LookPath(choice)
		if err != nil {
			return "", err
		}
		return filepath.Abs(file)
	}
	if self, err := os.Executable(); err == nil {
		if file, err := exec.LookPath(filepath.Join(filepath.Dir(self), openGFWProgram)); err == nil {
			return file, nil
		}
	}
	if file, err := exec.LookPath(openGFWProgram); err == nil {
		return filepath.Abs(file)
	}
	return buildOpenGFW(ctx, building)
}

func buildOpenGFW(ctx context.Context, building func()) (string, error) {
	advice := fmt.Errorf("no %s beside dpilab, in PATH, or to be built from ./%s: run go build in that folder of dpilab's repository, and name the program by --opengfw",
		openGFWProgram, openGFWFolder)
	if _, err := os.Stat(filepath.Join(openGFWFolder, "go.mod")); err != nil {
		return "", advice
	}
	compiler, err := exec.LookPath("go")
	if err != nil {
		return "", advice
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	file := filepath.Join(cache, "dpilab", openGFWProgram)
	if _, err := os.Stat(file); err != nil && building != nil {
		building()
	}
	c := exec.CommandContext(ctx, compiler, "build", "-o", file, ".") // makes the folder
	c.Dir = openGFWFolder
	if said, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w: %s", openGFWFolder, err, strings.TrimSpace(string(said)))
	}
	return file, nil
}

// openGFWPath is OpenGFW's engine with so many names to block: as a rule a name, or with a list as one rule.
func openGFWPath(name string, count int, list, offload bool) path {
	return path{name, func(r *runner) (running, error) {
		if r.openGFW == "" && r.noOpenGFW == nil {
			r.openGFW, r.noOpenGFW = FindOpenGFW(r.ctx, r.o.OpenGFW, nil)
		}
		if r.noOpenGFW != nil {
			return nil, errLeftOut{r.noOpenGFW.Error()}
		}
		args, err := r.openGFWRules(count, list)
		if err != nil {
			return nil, err
		}
		w := r.lab.Wire("box")
		args = append(args, "--inside", w.Inside.Name, "--outside", w.Outside.Name)
		if !offload {
			args = append(args, "--no-offload")
		}
		return startOpenGFW(r.ctx, w, r.openGFW, args)
	}}
}

// openGFWRules writes rules over the first names of the lists, once, and gives the arguments that name them.
func (r *runner) openGFWRules(count int, list bool) ([]string, error) {
	base := filepath.Join(r.folder, "opengfw-"+strconv.Itoa(count))
	rules, names, geosite := base+".yaml", base+".names", base+".dat"
	args, write := []string{"--rules", rules}, []string{"rules", "--output", rules, "--names", names}
	if list {
		args, write = append(args, "--geosite", geosite), append(write, "--domains", strconv.Itoa(count), "--geosite", geosite)
	} else {
		write = append(write, "--count", strconv.Itoa(count))
	}
	if _, err := os.Stat(rules); err == nil {
		return args, nil
	}
	if err := writeNames(names, 0, count); err != nil {
		return nil, err
	}
	if said, err := exec.CommandContext(r.ctx, r.openGFW, write...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s rules: %w: %s", openGFWProgram, err, strings.TrimSpace(string(said)))
	}
	return args, nil
}

// openGFW is its process, in the box's namespace.
type openGFW struct {
	wire  *lab.Wire
	cmd   *exec.Cmd
	stdin io.Closer
	out   *bufio.Reader
}

func startOpenGFW(ctx context.Context, w *lab.Wire, program string, args []string) (*openGFW, error) {
	c := exec.CommandContext(ctx, program, args...)
	var said strings.Builder
	c.Stderr = &said
	in, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := w.Do(c.Start); err != nil {
		return nil, err
	}
	g := &openGFW{wire: w, cmd: c, stdin: in, out: bufio.NewReader(out)}
	if line, err := g.out.ReadString('\n'); strings.TrimSpace(line) != "ready" {
		return nil, errors.Join(fmt.Errorf("%s does not start: %w", openGFWProgram, err), c.Wait(), errors.New(said.String()))
	}
	return g, nil
}

// used gives the time of the whole process: its engine's workers and the threads that read are all of it.
func (g *openGFW) used() (u usage, err error) {
	if u.cpu, err = cpuOf(g.cmd.Process.Pid); err != nil {
		return u, err
	}
	u.packets, err = queuedSoFar(g.wire)
	return u, err
}

// close ends it, which takes what it made out of the namespace; its counters tell whether it could.
func (g *openGFW) close() error {
	_ = g.stdin.Close()
	var counters struct{ Packets, Failures uint64 }
	err := json.NewDecoder(g.out).Decode(&counters)
	if err = errors.Join(g.cmd.Wait(), err); err != nil {
		return fmt.Errorf("%s: %w", openGFWProgram, err)
	}
	if counters.Failures > 0 {
		return fmt.Errorf("%s: %d rules or modifiers failed", openGFWProgram, counters.Failures)
	}
	return nil
}

// ticks are those of a second in which the kernel tells a process's time, on every architecture that Go knows.
const ticks = 100

// cpuOf gives the processor time of a process, of all its threads.
func cpuOf(pid int) (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(b), ") ") // the name may hold anything but ends so; state is field 3
	f := strings.Fields(after)
	if len(f) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat: found %d fields", pid, len(f))
	}
	user, err := strconv.ParseInt(f[11], 10, 64)
	system, err2 := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * time.Second / ticks, errors.Join(err, err2)
}

// queuedSoFar gives how many packets the kernel has handed to the queues of a box's namespace.
func queuedSoFar(w *lab.Wire) (all uint64, err error) {
	var table []byte
	err = w.Do(func() (err error) {
		table, err = os.ReadFile("/proc/thread-self/net/netfilter/nfnetlink_queue")
		return err
	})
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		if len(f) < 8 {
			continue
		}
		n, e := strconv.ParseUint(f[7], 10, 64) // the number of the last packet
		all, err = all+n, errors.Join(err, e)
	}
	return all, err
}
