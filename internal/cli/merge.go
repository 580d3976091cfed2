package cli

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"dpilab/scenarios/matrix"
)

func mergeCommand() *cobra.Command {
	var o matrixOut
	c := &cobra.Command{
		Use:   "merge FILE...",
		Short: "Put the shards of a matrix together",
		Long: `Put the results that dpilab matrix --shard 1/N to N/N wrote with --json together, and give the whole as one run would have: the table,
and every form that a flag asks for. Shards of different plans, seeds or versions are refused, and so are those that are missing or
there twice.

` + exitCodes,
		Example: `  dpilab merge shards/*.json --html matrix.html
  dpilab merge part-1.json part-2.json --json whole.json --baseline baseline.json`,
		RunE: func(cmd *cobra.Command, files []string) error {
			if len(files) == 0 {
				return errors.New("merge takes the results of all shards: dpilab merge part-*.json")
			}
			if err := o.check(); err != nil {
				return err
			}
			var parts []matrix.Part
			for _, file := range files {
				r, err := matrix.ReadFile(file)
				if err != nil {
					return err
				}
				if r, err = r.Moved(folderOf(file), "."); err != nil {
					return err
				}
				parts = append(parts, matrix.Part{File: file, Result: r})
			}
			r, err := matrix.Merge(parts)
			if err != nil {
				return err
			}
			return o.write(r, cmd.OutOrStdout())
		},
	}
	o.flags(c.Flags())
	c.Flags().BoolVar(&o.require, "require", false, "what was open and is skipped, because a program is missing, counts as a regression")
	return c
}

// folderOf gives the folder that captures in a result are named relative to. The result may be named by its folder.
func folderOf(file string) string {
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		return file
	}
	return filepath.Dir(file)
}
