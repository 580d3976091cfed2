package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"dpilab/internal/typeset"
	"dpilab/lab"
	"dpilab/scenarios/tools"
)

func toolsCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "tools [TOOL...]",
		Short: "List the circumvention programs that dpilab knows; check a definition, try a tool",
		Long: `List the circumvention programs that dpilab knows, with what each says of its version, or what it needs that is not here. Nothing of a
program ships with dpilab: install it, and it is found on PATH. TOOL is a name from the list, NAME/VARIANT, or the file of a definition.`,
		Example: `  dpilab tools
  dpilab tools check mine.yaml
  dpilab tools try mine.yaml --policy 2026-home`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = tools.Names()
			}
			var all []*tools.Tool
			for _, name := range args {
				some, err := tools.Open(name)
				if err != nil {
					return err
				}
				all = append(all, some...)
			}
			if lab.CanEnter() == nil {
				lab.Enter() // what the kernel has shows only inside; elsewhere that is what is missing
			}
			if asJSON {
				return toolsJSON(cmd.Context(), cmd.OutOrStdout(), all)
			}
			return toolsTable(cmd.Context(), cmd.OutOrStdout(), all)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "an array of JSON, an object for each tool")
	c.AddCommand(toolsCheckCommand(), toolsTryCommand(), toolsSchemaCommand())
	return c
}

// toolsTable groups variants under their definition. A variant says what is missing only where that differs from the line above.
func toolsTable(ctx context.Context, out io.Writer, all []*tools.Tool) error {
	above, untried := "", false
	var has string
	for _, t := range all {
		name, variant, _ := strings.Cut(t.Name, "/")
		now := state(ctx, t)
		if name != above {
			fmt.Fprintf(out, "%-22s %s\n", name, typeset.Join("  ", now, t.Link))
			has = now
		}
		above = name
		text := t.About
		if !t.Tried {
			text, untried = "* "+text, true
		}
		if now != has {
			text += "; " + now
		}
		if variant != "" {
			variant = "/" + variant
		}
		fmt.Fprintf(out, "  %-20s %s\n", variant, text)
	}
	if untried {
		fmt.Fprintln(out, "* checked against its documentation only")
	}
	return nil
}

// state says in a few words whether a tool can run.
func state(ctx context.Context, t *tools.Tool) string {
	if missing := t.Missing(); len(missing) > 0 {
		return "missing: " + strings.Join(missing, ", ")
	}
	if v := t.Version(ctx); v != "" {
		r := []rune(v)
		return string(r[:min(len(r), 60)])
	}
	return "here"
}

// toolJSON is a tool for programs. The names of the fields stay as they are.
type toolJSON struct {
	Name    string   `json:"name"`
	About   string   `json:"about"`
	Link    string   `json:"link,omitempty"`
	File    string   `json:"file"`
	Tried   bool     `json:"tried"`
	Direct  bool     `json:"direct"`
	Carries []string `json:"carries"`
	Version string   `json:"version,omitempty"`
	Missing []string `json:"missing,omitempty"`
}

func toolsJSON(ctx context.Context, out io.Writer, all []*tools.Tool) error {
	list := []toolJSON{}
	for _, t := range all {
		j := toolJSON{Name: t.Name, About: t.About, Link: t.Link, File: t.File, Tried: t.Tried, Direct: t.Direct, Missing: t.Missing()}
		for _, g := range t.Carries {
			j.Carries = append(j.Carries, string(g))
		}
		if len(j.Missing) == 0 {
			j.Version = t.Version(ctx)
		}
		list = append(list, j)
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(list)
}

func toolsCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE...",
		Short: "Validate definitions of tools",
		RunE: func(cmd *cobra.Command, files []string) error {
			if len(files) == 0 {
				return errors.New("tools check takes files: dpilab tools check mine.yaml")
			}
			bad := 0
			for _, file := range files {
				text, err := checkTool(file)
				if err != nil {
					fmt.Fprintln(cmd.ErrOrStderr(), "dpilab:", err)
					bad++
					continue
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", file, text)
			}
			if bad > 0 {
				return &exitError{exitUsage, errSaid}
			}
			return nil
		},
	}
}

func toolsSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Write the JSON schema of definitions, for editors",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(tools.Schema())
			return err
		},
	}
}

// checkTool validates one definition and says what is in it.
func checkTool(file string) (string, error) {
	all, err := tools.Open(file)
	if err != nil {
		return "", err
	}
	names := make([]string, len(all))
	for i, t := range all {
		names[i] = t.Name
	}
	return fmt.Sprintf("%s: %s", counted(len(all), "tool"), strings.Join(names, ", ")), nil
}
