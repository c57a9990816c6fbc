package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/show"
)

// lateError says that what was waited for did not come in time, or before somebody interrupted the wait.
type lateError struct {
	interrupted bool
	last        error // of the last look; nil: it saw what is there
}

func (e *lateError) Error() string { return "not in time" }

// lookTimeout is how long one look may take. It is not cut short by the end of the wait: what is there is seen, however short the wait is.
const lookTimeout = 10 * time.Second

// until looks again and again until it is done, an answer ends it, or the time is up. A look that fails since the API server cannot be reached
// is told and tried again: whoever waits wants to know what comes of it, not what the network did.
func (a *app) until(ctx context.Context, wait time.Duration, look func(context.Context) (done bool, err error)) error {
	limited, enough := context.WithTimeout(ctx, wait)
	defer enough()
	once := func() (bool, error) {
		ctx, enough := context.WithTimeout(ctx, lookTimeout)
		defer enough()
		return look(ctx)
	}
	for failed := false; ; {
		done, err := once()
		switch {
		case ctx.Err() != nil:
			return &lateError{interrupted: true}
		case done, err != nil && final(err):
			return err
		case err != nil && !failed:
			fmt.Fprintf(a.ErrOut, "Warning: %s; still trying\n", messageOf(err))
		}
		failed = err != nil
		select {
		case <-limited.Done():
			return &lateError{interrupted: ctx.Err() != nil, last: err}
		case <-time.After(a.poll):
		}
	}
}

// final says whether looking again is of no use: what is refused, gone, or not allowed stays so.
func final(err error) bool {
	var refused *refusedError
	return errors.As(err, &refused) || apierrors.IsNotFound(err) || apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) || meta.IsNoMatchError(err)
}

// late says what it means that something did not come in time; other errors stay as they are.
func (c cluster) late(err error, wait time.Duration, what, then string) error {
	var late *lateError
	if !errors.As(err, &late) {
		return err
	}
	when := " within " + wait.String()
	switch {
	case late.interrupted:
		when = " before the wait was interrupted"
	case late.last != nil:
		when += " as far as could be seen (" + messageOf(late.last) + ")"
	}
	return &unansweredError{what + when + then}
}

// goals are what one can wait for.
var goals = []string{"approval", "contained", "closed"}

func newWait(a *app) *cobra.Command {
	var goal string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "wait INCIDENT --for approval|contained|closed",
		Short: "Wait until an incident has come so far",
		Long: `Wait until an incident waits for an approval, is contained (a change is in effect and verified), or is closed. It ends with exit
code 1 as soon as that cannot come any more, since the incident is closed.

` + exitCodes,
		Example: `  kubectl strategy wait pnl-1 --for contained --timeout 10m`,
		Args:    named("incident"),
		RunE: func(cmd *cobra.Command, args []string) error {
			goal, err := oneOf("goal", goal, goals)
			if err != nil {
				return err
			}
			return a.wait(cmd.Context(), args[0], goal, timeout)
		},
	}
	cmd.Flags().StringVar(&goal, "for", "closed", "what to wait for: "+listed(goals))
	cmd.Flags().DurationVar(&timeout, "timeout", 10*time.Minute, "how long to wait at most")
	if err := cmd.RegisterFlagCompletionFunc("for", cobra.FixedCompletions(goals, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // no such flag
	}
	return cmd
}

func (a *app) wait(ctx context.Context, argument, goal string, timeout time.Duration) error {
	c, err := a.connect()
	if err != nil {
		return err
	}
	ref, err := c.resolve(ctx, argument, strategyv1.KindIncident)
	if err != nil {
		return err
	}
	var seen show.Subject
	err = a.until(ctx, timeout, func(ctx context.Context) (bool, error) {
		if seen, err = c.subject(ctx, ref); err != nil {
			return false, err
		}
		if reached(seen, goal) {
			return true, nil
		}
		if lifecycle.Closed(seen.Incident.Status) {
			return false, refuse("incident %s is closed (%s), so it does not come to %s any more", ref.name, readyReason(seen.Incident), goal)
		}
		return false, nil
	})
	if err != nil {
		return c.late(err, timeout, fmt.Sprintf("incident %s did not come to %s", ref.name, goal), fmt.Sprintf("; see: kubectl strategy status %s -n %s", ref.name, c.namespace))
	}
	_, err = fmt.Fprintf(a.Out, "%s: %s: %s\n", ref.name, goal, show.Line(conditions.Message(seen.Incident.Status.Conditions, strategyv1.ConditionReady)))
	return err
}

func readyReason(incident *strategyv1.StrategyIncident) string {
	return conditions.Reason(incident.Status.Conditions, strategyv1.ConditionReady)
}

// reached says whether an incident has come so far.
func reached(seen show.Subject, goal string) bool {
	status := seen.Incident.Status
	switch goal {
	case "closed":
		return lifecycle.Closed(status)
	case "contained":
		return conditions.True(status.Conditions, strategyv1.ConditionContained)
	}
	for i := range seen.Rollbacks {
		rollback := &seen.Rollbacks[i]
		if lifecycle.RollbackPhase(rollback.Status) == strategyv1.RollbackAwaitingApproval && rollback.DeletionTimestamp.IsZero() {
			return true
		}
	}
	return false
}
