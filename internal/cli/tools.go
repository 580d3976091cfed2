package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"dpilab/scenarios/tools"
)

func toolsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "tools",
		Short: "List the circumvention programs that dpilab knows, check a definition, try a tool",
	}
	c.AddCommand(toolsCheckCommand())
	return c
}

func toolsCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE...",
		Short: "Validate definitions of tools",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			bad := 0
			for _, file := range files {
				if err := checkTool(cmd.OutOrStdout(), file); err != nil {
					fmt.Fprintln(cmd.ErrOrStderr(), "dpilab:", err)
					bad++
				}
			}
			if bad > 0 {
				return &exitError{exitUsage, errSaid}
			}
			return nil
		},
	}
}

// checkTool validates one definition and says what is in it.
func checkTool(out io.Writer, file string) error {
	all, err := tools.Open(file)
	if err != nil {
		return err
	}
	names := make([]string, len(all))
	for i, t := range all {
		names[i] = t.Name
	}
	fmt.Fprintf(out, "%s: %s: %s\n", file, counted(len(all), "tool"), strings.Join(names, ", "))
	return nil
}
