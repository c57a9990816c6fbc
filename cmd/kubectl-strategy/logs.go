package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/show"
)

// labelJobName is how Kubernetes marks the pods of a Job.
const labelJobName = "batch.kubernetes.io/job-name"

// maxLog is how much of a log is printed at most.
const maxLog = 4 << 20

func newLogs(a *app) *cobra.Command {
	var attempt int32
	cmd := &cobra.Command{
		Use:   "logs INCIDENT|ROLLBACK [CHECK]",
		Short: "Show the log of a check",
		Long: `Show the log of a check of an incident, of its rollbacks, or of one rollback, while its pod is there: of its newest attempt. Without a
check: which there are, and what came of them. It needs the right to read pods and their logs in the namespace.

` + exitCodes,
		Example: `  kubectl strategy logs pnl-1 smoke`,
		Args:    cobra.RangeArgs(1, 2),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.logs(cmd.Context(), args, attempt) },
	}
	cmd.Flags().Int32Var(&attempt, "attempt", 0, "the attempt, as in the list (default: the newest)")
	return cmd
}

// ran is an attempt of a check, over or not.
type ran struct {
	owner, name, job, says string
	stage                  strategyv1.Stage
	attempt                int32
}

func (a *app) logs(ctx context.Context, args []string, attempt int32) error {
	c, err := a.connect()
	if err != nil {
		return err
	}
	ref, err := c.resolve(ctx, args[0], strategyv1.KindIncident, strategyv1.KindRollback)
	if err != nil {
		return err
	}
	subject, err := c.subject(ctx, ref)
	if err != nil {
		return err
	}
	all := attempts(subject)
	if len(args) == 1 {
		return a.listAttempts(all, ref.name)
	}
	var names []string
	var found *ran
	for i := range all {
		names = append(names, all[i].name)
		if strings.EqualFold(all[i].name, args[1]) && (attempt == 0 || all[i].attempt == attempt) {
			found = &all[i] // the newest is the last
		}
	}
	if found == nil && slices.Contains(names, args[1]) {
		return refuse("check %s of %s has no attempt %d; list them: kubectl strategy logs %s -n %s", args[1], ref.name, attempt, ref.name, c.namespace)
	}
	if found == nil {
		return refuse("%s has run no check %q%s; list them: kubectl strategy logs %s -n %s", ref.name, show.Line(args[1]), guess(args[1], names), ref.name, c.namespace)
	}
	return a.printLog(ctx, c, *found)
}

// attempts of the checks, as far as the status has them: those that are over, then those that run.
func attempts(s show.Subject) (all []ran) {
	add := func(owner, uid string, over []strategyv1.CheckStatus, running []strategyv1.RunningCheck) {
		for _, one := range over {
			job := one.JobName
			if job == "" {
				job = checks.JobName(uid, one.Stage, one.Name, one.Attempt)
			}
			all = append(all, ran{owner, one.Name, job, string(one.Verdict) + ": " + one.Message, one.Stage, one.Attempt})
		}
		for _, one := range running {
			all = append(all, ran{owner, one.Name, checks.JobName(uid, one.Stage, one.Name, one.Attempt), "runs now", one.Stage, one.Attempt})
		}
	}
	if s.Incident != nil {
		add("incident "+s.Incident.Name, string(s.Incident.UID), s.Incident.Status.Checks, s.Incident.Status.Running)
	}
	for i := range s.Rollbacks {
		add("rollback "+s.Rollbacks[i].Name, string(s.Rollbacks[i].UID), s.Rollbacks[i].Status.Checks, s.Rollbacks[i].Status.Running)
	}
	return all
}

func (a *app) listAttempts(all []ran, name string) error {
	if len(all) == 0 {
		fmt.Fprintf(a.ErrOut, "%s has run no check yet\n", name)
	}
	for _, one := range all {
		if _, err := fmt.Fprintf(a.Out, "%s, attempt %d (%s, %s): %s\n", show.Line(one.name), one.attempt, one.stage, one.owner, show.Line(one.says)); err != nil {
			return err
		}
	}
	return nil
}

// printLog prints the log of the newest pod of a Job.
func (a *app) printLog(ctx context.Context, c cluster, one ran) error {
	var pods corev1.PodList
	if err := c.List(ctx, &pods, client.InNamespace(c.namespace), client.MatchingLabels{labelJobName: one.job}); err != nil {
		return noLogs(err)
	}
	if len(pods.Items) == 0 {
		return refuse("the pod of check %s, attempt %d, is gone, or not there yet (Job %s, %s). Its report and the end of its log are in the evidence: see docs/evidence.md",
			one.name, one.attempt, one.job, show.Line(one.says))
	}
	pod := slices.MaxFunc(pods.Items, func(x, y corev1.Pod) int { return x.CreationTimestamp.Compare(y.CreationTimestamp.Time) })
	log, err := c.podLog(ctx, pod.Name)
	if err != nil {
		return noLogs(err)
	}
	defer log.Close()
	text, err := io.ReadAll(io.LimitReader(log, maxLog))
	if err != nil {
		return fmt.Errorf("cannot read the log of pod %s: %w", pod.Name, err)
	}
	for _, line := range show.Lines(string(text)) {
		if _, err := fmt.Fprintln(a.Out, line); err != nil {
			return err
		}
	}
	if len(text) == 0 {
		fmt.Fprintf(a.ErrOut, "pod %s has said nothing (%s)\n", pod.Name, pod.Status.Phase)
	}
	return nil
}

func noLogs(err error) error {
	if apierrors.IsForbidden(err) {
		return fmt.Errorf("%w; ask for the right to read pods and pods/log in the namespace, which the role view of Kubernetes has", err)
	}
	return fmt.Errorf("cannot read the log: %w", err)
}
