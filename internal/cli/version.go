package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say which dpilab this is",
		Args:  cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			fmt.Fprintln(cmd.OutOrStdout(), version())
		},
	}
}

// version is the module's version, or the commit that the binary was built from.
func version() string {
	v, at := "(devel)", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		v = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				at = " " + s.Value[:min(12, len(s.Value))]
			}
		}
	}
	return fmt.Sprintf("dpilab %s%s %s %s/%s", v, at, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
