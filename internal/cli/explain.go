package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"dpilab/scenarios/matrix"
)

func explainCommand() *cobra.Command {
	var o matrix.ExplainOptions
	c := &cobra.Command{
		Use:   "explain RUN CELL",
		Short: "Tell what the box made of a flow of a matrix, packet by packet",
		Long: `Tell the story of one flow of a cell: each packet, what the box read from it, believed and decided, what became of it, and where the
rule is known from. RUN is the folder that dpilab matrix --keep wrote, or a result in JSON. CELL is TOOL@POLICY, as in xray/reality@2026-home, or
TOOL@SCENARIO/PHASE.

Where the try kept its captures, the boxes run again over them, with the same seed; where they decide otherwise than they did then, this
is said. Without captures the story is shorter: the packets that the result has, and the rules that hit.`,
		Example: `  dpilab matrix --tool xray --policy 2026-home --keep /tmp/matrix
  dpilab explain /tmp/matrix xray/reality@2026-home`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return errors.New("explain takes a run and a cell: dpilab explain /tmp/matrix xray/reality@2026-home")
			}
			r, err := matrix.ReadFile(args[0])
			if err != nil {
				return err
			}
			o.Folder = folderOf(args[0])
			s, err := r.Explain(args[1], o)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			return s.WriteText(out, matrix.TableOptions{Width: widthOf(out), Colour: colours(out)})
		},
	}
	c.Flags().IntVar(&o.Try, "repeat", 0, "the `number` of the try, from 1; if not given, the first that failed")
	c.Flags().IntVar(&o.Flow, "flow", 0, "the `number` of the flow in the try, from 1; if not given, the one that a rule hit, or the largest")
	c.Flags().StringVar(&o.Scenario, "scenario", "", "the cell's `scenario`, where it is a file")
	return c
}
