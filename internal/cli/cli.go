// Package cli is the command line: one file a subcommand, and what they have in common here.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"dpilab/dpi/nfq"
	"dpilab/lab"
	"dpilab/rules"
)

// The exit codes. 3 is also what lab.Enter exits with.
const (
	exitOK         = 0
	exitUnexpected = 1 // something came out otherwise than expected
	exitUsage      = 2 // a wrong command line or a broken file
	exitMachine    = 3 // the machine lacks something
)

// exitError is an error that knows its exit code; without text, all has been said.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

var errSaid = errors.New("said already")

// Main runs the command line and gives the exit code.
func Main(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, args, os.Stdout, os.Stderr)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := command()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil || errors.Is(err, errSaid):
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "dpilab: interrupted")
	default:
		fmt.Fprintln(stderr, "dpilab:", err)
	}
	return exitCode(err)
}

func exitCode(err error) int {
	var exit *exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &exit):
		return exit.code
	case errors.Is(err, nfq.ErrNoQueue), errors.Is(err, nfq.ErrNoBridgeFilter), errors.Is(err, nfq.ErrInUse):
		return exitMachine
	case errors.Is(err, errNoLab):
		return exitMachine
	case errors.Is(err, context.Canceled):
		return 128 + int(syscall.SIGINT)
	}
	return exitUsage
}

var errNoLab = errors.New("the machine lacks something")

// explained gives the error of a lab that could not be run, and what the kernel lacks where that is the cause.
func explained(err error) error {
	if err == nil || errors.Is(err, errSaid) {
		return err
	}
	if lacks := lab.Missing(); lacks != nil {
		return fmt.Errorf("%w: %w", errNoLab, lacks)
	}
	return err
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use:   "dpilab",
		Short: "A DPI box of the kind installed in Russian networks, on a virtual wire",
		Long: `dpilab puts a DPI box (TSPU) on a wire between network namespaces and shows what it does to real clients.

Exit codes: 0 all as expected, 1 not, 2 usage or a broken file, 3 the machine lacks something.`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	var addresses, memory string
	root.PersistentFlags().StringVar(&addresses, "addresses", "", "a `file` with a name and prefixes a line, in place of the lab's addresses of that name in policies")
	root.PersistentFlags().StringVar(&memory, "max-memory", "", "a `size` such as 2GiB: what the lists of a policy may take while they are read (1GiB if not given), and below which the process then tries to stay")
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		if err := useMemory(memory); err != nil {
			return err
		}
		if addresses == "" {
			return nil
		}
		return rules.UseAddresses(addresses)
	}
	root.AddCommand(runCommand(), listCommand(), listsCommand(), checkCommand(), shellCommand(), doctorCommand(), boxCommand(), pcapCommand(), traceCommand(), observationsCommand(), oracleCommand(), rulesCommand(), benchCommand(), matrixCommand(), mergeCommand(), explainCommand(), toolsCommand(), versionCommand())
	return root
}

// useMemory sets what policies, and the garbage of this process, may take.
func useMemory(size string) error {
	if size == "" {
		return nil
	}
	bytes, err := rules.ParseMemory(size)
	if err != nil {
		return fmt.Errorf("--max-memory: %w", err)
	}
	rules.UseLimits(rules.Limits{Memory: bytes})
	debug.SetMemoryLimit(bytes)
	return nil
}
