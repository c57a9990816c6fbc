package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

// addOutput adds the flag for programs.
func addOutput(cmd *cobra.Command, output *string) {
	cmd.Flags().StringVarP(output, "output", "o", "", "for programs: json, yaml or name")
	if err := cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"json", "yaml", "name"}, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // no such flag
	}
}

func knownOutput(output string) error {
	switch output {
	case "", "json", "yaml", "name":
		return nil
	}
	return fmt.Errorf("unknown output %q; use -o json, yaml or name", output)
}

// printAs prints a value as JSON or YAML.
func (a *app) printAs(output string, value any) error {
	data, err := json.MarshalIndent(value, "", "  ")
	if err == nil && output == "yaml" {
		data, err = yaml.JSONToYAML(data)
	}
	if err != nil {
		return fmt.Errorf("cannot write it as %s: %w", output, err)
	}
	_, err = fmt.Fprintln(a.Out, strings.TrimSuffix(string(data), "\n"))
	return err
}

// singular is the name of a kind before a name, as kubectl prints it.
func singular(kind string) string { return strings.ToLower(kind) }

// plainTerminal says whether the terminal, by what its environment says, shows ASCII only. Without a word of it, it shows all.
func plainTerminal() bool {
	if os.Getenv("TERM") == "dumb" {
		return true
	}
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value := strings.ToUpper(os.Getenv(name)); value != "" {
			return !strings.Contains(value, "UTF-8") && !strings.Contains(value, "UTF8")
		}
	}
	return false
}
