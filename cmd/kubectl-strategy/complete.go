package main

import (
	"context"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// completes makes a shell complete the first argument of a command: names of these kinds, with the kind where it has to be said.
func (a *app) completes(cmd *cobra.Command, said bool, kinds ...string) *cobra.Command {
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, enough := context.WithTimeout(cmd.Context(), toComplete)
		defer enough()
		c, err := a.connect()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		var names []string
		for _, kind := range kinds {
			for _, name := range c.namesToComplete(ctx, kind, cmd.Name()) {
				if said {
					name = kindWords[kind][0] + "/" + name
				}
				names = append(names, name)
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
	return cmd
}

// completesFlag makes a shell complete the value of a flag, which may depend on the arguments before it; one that cannot be read is not offered.
func (a *app) completesFlag(cmd *cobra.Command, flag string, words func(ctx context.Context, c cluster, args []string) []string) {
	err := cmd.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		ctx, enough := context.WithTimeout(cmd.Context(), toComplete)
		defer enough()
		c, err := a.connect()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		return words(ctx, c, args), cobra.ShellCompDirectiveNoFileComp
	})
	if err != nil {
		panic(err) // no such flag
	}
}

// namesToComplete are those that the command may be meant for: what is over is only looked at, or reopened.
func (c cluster) namesToComplete(ctx context.Context, kind, verb string) (names []string) {
	_, list := newKind(kind)
	if c.List(ctx, list, client.InNamespace(c.namespace)) != nil {
		return nil
	}
	for _, object := range objectsOf(list) {
		if fits(object, verb) {
			names = append(names, object.GetName())
		}
	}
	return names
}

func fits(object client.Object, verb string) bool {
	switch verb {
	case "status", "timeline", "logs", "wait", "ls", "get", "export", "show", "bundle", "verify", "postmortem":
		return true
	}
	switch object := object.(type) {
	case *strategyv1.StrategyIncident:
		return lifecycle.Closed(object.Status) == (verb == "reopen")
	case *strategyv1.StrategyRollback:
		for _, v := range verdicts {
			if v.word == verb {
				return rollbackRefusal(object, v.value) == ""
			}
		}
		return !lifecycle.Ended(object.Status)
	}
	return true
}
