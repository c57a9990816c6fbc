package controllers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/facts"
)

// observeRuns reads the Jobs of an object, the outcome of each finished one, and the reports of the judged checks.
func (r *reader) observeRuns(ctx context.Context, owner client.Object, specs []strategyv1.CheckSpec, judged []strategyv1.CheckStatus, prefix string, now time.Time) (facts.Runs, error) {
	outcomes, err := r.observeOutcomes(ctx, judged)
	if err != nil {
		return facts.Runs{}, err
	}
	jobs, err := r.observeJobs(ctx, owner, specs, judged, prefix, now)
	if err != nil {
		return facts.Runs{}, err
	}
	for _, job := range jobs {
		if job.Stored != nil { // judged in this very pass
			outcomes[job.ID()] = *job.Stored
		}
	}
	return facts.Runs{Jobs: jobs, Outcomes: outcomes}, nil
}

func (r *reader) observeJobs(ctx context.Context, owner client.Object, specs []strategyv1.CheckSpec, judged []strategyv1.CheckStatus, prefix string, now time.Time) ([]checks.JobState, error) {
	var jobs batchv1.JobList
	if err := r.listControlled(ctx, &jobs, owner); err != nil {
		return nil, err
	}
	var states []checks.JobState
	for i := range jobs.Items {
		job := &jobs.Items[i]
		if job.DeletionTimestamp != nil { // on its way out
			continue
		}
		var pods corev1.PodList
		if err := r.listControlled(ctx, &pods, job); err != nil {
			return nil, err
		}
		state, err := r.observeJob(ctx, job, pods.Items, specs, judged, prefix, now)
		if err != nil {
			return nil, err
		}
		states = append(states, state)
	}
	return states, nil
}

func (r *reader) observeJob(ctx context.Context, job *batchv1.Job, pods []corev1.Pod, specs []strategyv1.CheckSpec, judged []strategyv1.CheckStatus, prefix string, now time.Time) (checks.JobState, error) {
	state := checks.JobState{Job: job}
	id := state.ID()
	spec, known := checks.Find(specs, id.Check)
	if !known {
		return state, nil
	}
	state.Progress = checks.Observe(spec, job, pods, now)
	if !state.Progress.Finished {
		return state, nil
	}
	key := evidence.ReportKey(prefix, string(id.Stage), id.Check, id.Attempt)
	stored, reference, err := r.storedOutcome(ctx, id, judged, key)
	if err == nil {
		state.Stored, state.Reference = &stored, reference
		r.outputs.forget(podNamed(pods, stored.PodName).UID)
		return state, nil
	}
	if !errors.Is(err, evidence.ErrNotFound) {
		return state, err
	}
	state.Fresh, err = r.freshEvidence(ctx, spec, state.Progress.Outcome, pods, key, prefix, now)
	var unreadable outputError
	if errors.As(err, &unreadable) && ctx.Err() == nil { // one log that cannot be read holds up nothing else
		state.Progress = checks.Progress{Waiting: err.Error(), NextAt: now.Add(r.Pauses.OutputRetry)}
		return state, nil
	}
	return state, err
}

// outputError: the log of an ended container cannot be read yet.
type outputError struct{ error }

// Unwrap is the kubelet's own error.
func (e outputError) Unwrap() error { return e.error }

// freshEvidence reads a finished container's output and makes the objects to store: the output, then the outcome.
func (r *reader) freshEvidence(ctx context.Context, spec strategyv1.CheckSpec, outcome checks.Outcome, pods []corev1.Pod, key, prefix string, now time.Time) ([]action.StoreEvidence, error) {
	var objects []action.StoreEvidence
	if outcome.ExitCode != nil {
		pod := podNamed(pods, outcome.PodName)
		container := pod.Spec.Containers[0].Name
		output, err := r.observeOutput(ctx, pod, container)
		switch {
		case err == nil:
			outcome.OutputSHA256, outcome.OutputBytes = decisionlog.Hash(output), len(output)
			objects = append(objects, action.StoreEvidence{
				Key: evidence.OutputKey(prefix, string(outcome.Stage), outcome.Check, outcome.Attempt), Data: output,
			})
			outcome = checks.WithReport(outcome, spec.ReportFrom, output, terminationMessage(pod, container))
		case now.Sub(*outcome.CompletionTime) < r.Pauses.Output:
			return nil, outputError{fmt.Errorf("the log of pod %s cannot be read yet: %w", pod.Name, err)}
		default:
			outcome.Reason, outcome.Message = checks.ReasonOutputFailed, fmt.Sprintf("the log of pod %s cannot be read: %v", pod.Name, err)
		}
	}
	data, err := json.Marshal(outcome)
	if err != nil {
		return nil, fmt.Errorf("encode the outcome of check %s: %w", spec.Name, err)
	}
	return append(objects, action.StoreEvidence{Key: key, Data: data}), nil
}

// observeOutput is the end of an ended container's log. It is read once: a log is large, and it may be gone, or shorter, before
// the bucket has it.
func (r *reader) observeOutput(ctx context.Context, pod *corev1.Pod, container string) ([]byte, error) {
	if output, found := r.outputs.get(pod.UID); found {
		return output, nil
	}
	output, err := r.Logs.Tail(ctx, pod.Namespace, pod.Name, container)
	if err == nil {
		r.outputs.put(pod.UID, output, len(output))
	}
	return output, err
}

func (r *reader) observeTemplates(ctx context.Context, namespace string) (facts.Templates, error) {
	var list corev1.PodTemplateList
	if err := r.Client.List(ctx, &list, client.InNamespace(namespace)); err != nil {
		return nil, err
	}
	templates := make(facts.Templates, len(list.Items))
	for _, item := range list.Items {
		templates[item.Name] = item.Template
	}
	return templates, nil
}

// listControlled lists what an object controls, as the cache has it: it is only looked at.
func (r *reader) listControlled(ctx context.Context, list client.ObjectList, owner client.Object) error {
	return r.Client.List(ctx, list, client.InNamespace(owner.GetNamespace()),
		client.MatchingFields{indexOwner: string(owner.GetUID())}, client.UnsafeDisableDeepCopy)
}

func podNamed(pods []corev1.Pod, name string) *corev1.Pod {
	for i := range pods {
		if pods[i].Name == name {
			return &pods[i]
		}
	}
	return &corev1.Pod{}
}

func terminationMessage(pod *corev1.Pod, container string) string {
	for _, status := range pod.Status.ContainerStatuses {
		if status.Name == container && status.State.Terminated != nil {
			return status.State.Terminated.Message
		}
	}
	return ""
}
