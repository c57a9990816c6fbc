package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// newReference prints docs/plugin.md: `make plugin-docs`. It is for those who build the plugin.
func newReference(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "reference", Short: "Print the reference of all commands", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := io.WriteString(a.Out, referenceOf(cmd.Root()))
			return err
		},
	}
}

// referenceOf is the help of all commands, as one page.
func referenceOf(root *cobra.Command) string {
	var page strings.Builder
	page.WriteString("# kubectl strategy\n\nThe reference of the plugin, made of its help by `make plugin-docs`; do not edit. What the decisions mean: [decisions.md](decisions.md).\n\n")
	commands := slices.DeleteFunc(root.Commands(), func(cmd *cobra.Command) bool {
		return cmd.Hidden || cmd.Name() == "completion" || cmd.Name() == "help"
	})
	slices.SortFunc(commands, func(x, y *cobra.Command) int { return strings.Compare(x.Name(), y.Name()) })
	for _, cmd := range commands {
		fmt.Fprintf(&page, "- [%s](#%s): %s\n", cmd.Name(), cmd.Name(), cmd.Short)
	}
	page.WriteString("- completion: the script for a shell (`kubectl strategy completion --help`)\n")
	fmt.Fprintf(&page, "\n%s\nA command that has others says so.\n", exitCodes)
	writeCommand(&page, root, "Without a command")
	for _, cmd := range commands {
		writeCommand(&page, cmd, cmd.Name())
		for _, sub := range cmd.Commands() {
			writeCommand(&page, sub, cmd.Name()+" "+sub.Name())
		}
	}
	fmt.Fprintf(&page, "\n## Flags of every command\n\n```\n%s```\n", root.PersistentFlags().FlagUsages())
	return page.String()
}

func writeCommand(page *strings.Builder, cmd *cobra.Command, head string) {
	fmt.Fprintf(page, "\n## %s\n\n%s\n\n```\n%s\n```\n", head, strings.TrimSpace(strings.TrimSuffix(cmd.Long, exitCodes)), cmd.UseLine())
	if cmd.Example != "" {
		fmt.Fprintf(page, "\nFor example:\n\n```\n%s\n```\n", cmd.Example)
	}
	if flags := cmd.NonInheritedFlags(); flags.HasAvailableFlags() && cmd.HasParent() {
		fmt.Fprintf(page, "\n```\n%s```\n", flags.FlagUsages())
	} else if !cmd.HasParent() {
		fmt.Fprintf(page, "\n```\n%s```\n", cmd.LocalNonPersistentFlags().FlagUsages())
	}
}
