package nfq

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const childVariable = "DPILAB_NFQ_CHILD"

// TestChild is not a test: it is the process that TestKilled kills. Descriptor 3 is the box's namespace.
func TestChild(t *testing.T) {
	if os.Getenv(childVariable) == "" {
		return // TestKilled starts it
	}
	d, err := Open(Config{NetNS: 3, Inside: "inside", Outside: "outside", Bridged: true, Queues: 2, Kernel: KernelOffload, FailClosed: true,
		Engines: func(int) Engine { return &fake{handle: accept} }})
	require.NoError(t, err)
	fmt.Println("open")
	require.NoError(t, d.Run(context.Background()))
}

// A daemon that is killed leaves no table and no queue, and the wire is whole.
func TestKilled(t *testing.T) {
	w := newWire(t, true)
	w.echo(4)
	child := exec.Command("/proc/self/exe", "-test.run=^TestChild$")
	child.Env = append(os.Environ(), childVariable+"=1")
	child.Stderr = os.Stderr
	child.ExtraFiles = []*os.File{os.NewFile(uintptr(dup(t, int(w.box))), "netns")}
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "open\n", line)
	require.Equal(t, 1, w.tables())
	u := w.dialUDP(4)
	w.ask(u, "hello", "hello")

	d, err := Open(w.config(accept))
	require.Nil(t, d)
	require.ErrorContains(t, err, fmt.Sprintf("queue 0 is taken by pid %d", child.Process.Pid))

	require.NoError(t, child.Process.Kill())
	require.Error(t, child.Wait())
	require.Eventually(t, func() bool { return w.tables() == 0 }, patience, 10*time.Millisecond)
	w.in(w.box, func() error {
		all, err := kernelQueues()
		require.Empty(t, all)
		return err
	})
	w.ask(u, "hello", "hello")
}
