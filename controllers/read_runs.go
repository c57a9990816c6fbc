package controllers

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/facts"
)

// attempts are those of the checks of one incident or rollback.
type attempts struct {
	owner      client.Object
	judged     []strategyv1.CheckStatus // those whose reports a rule may still ask for
	prefix     string                   // of the owner's evidence
	signingKey types.NamespacedName     // of the Secret whose key signs the outcomes
}

// reportKey is where the outcome of an attempt is.
func (a attempts) reportKey(id checks.ID) string {
	return evidence.ReportKey(a.prefix, string(id.Stage), id.Check, id.Attempt)
}

// sealed is as what the outcome of an attempt is signed.
func (a attempts) sealed(id checks.ID) decisionlog.Sealed {
	return decisionlog.Sealed{Kind: "outcome", ObjectUID: string(a.owner.GetUID()), Stage: string(id.Stage), Check: id.Check, Attempt: id.Attempt}
}

// observeRuns reads the Jobs of an object, the outcome of each finished one, and the reports of the judged checks.
func (r *reader) observeRuns(ctx context.Context, of attempts, specs []strategyv1.CheckSpec, now time.Time) (facts.Runs, error) {
	outcomes, err := r.observeOutcomes(ctx, of.judged)
	if err != nil {
		return facts.Runs{}, err
	}
	jobs, err := r.observeJobs(ctx, of, specs, now)
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

func (r *reader) observeJobs(ctx context.Context, of attempts, specs []strategyv1.CheckSpec, now time.Time) ([]checks.JobState, error) {
	var jobs batchv1.JobList
	if err := r.listControlled(ctx, &jobs, of.owner); err != nil {
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
		state, err := r.observeJob(ctx, of, job, pods.Items, specs, now)
		if err != nil {
			return nil, err
		}
		states = append(states, state)
	}
	return states, nil
}

func (r *reader) observeJob(ctx context.Context, of attempts, job *batchv1.Job, pods []corev1.Pod, specs []strategyv1.CheckSpec, now time.Time) (checks.JobState, error) {
	state := checks.JobState{Job: job}
	id := state.ID()
	if state.Foreign = knownOf(of.owner).Foreign(job); state.Foreign != "" {
		return state, nil
	}
	spec, found := checks.Find(specs, id.Check)
	if !found {
		return state, nil
	}
	state.Progress = checks.Observe(spec, job, pods, knownOf(of.owner).Asked(job, now), now)
	if !state.Progress.Finished {
		return state, nil
	}
	stored, reference, err := r.storedOutcome(ctx, of, id)
	if errors.Is(err, evidence.ErrNotFound) { // the collector says when it is there; this is in case nobody hears it
		waiting, _ := r.uncollected.get(job.UID)
		state.Progress = checks.Progress{Waiting: cmp.Or(waiting, "its report is being stored"), NextAt: now.Add(r.Pauses.OutputRetry)}
		return state, nil
	}
	if err == nil {
		state.Stored, state.Reference = &stored, reference
	}
	return state, err
}

// observeTemplates are the PodTemplates of checks, each judged by what may run in the namespace.
func (r *reader) observeTemplates(ctx context.Context, namespace string, of []strategyv1.CheckSpec) (facts.Templates, error) {
	schedulers, err := r.observeSchedulers(ctx, namespace)
	if err != nil {
		return nil, err
	}
	labels, _ := r.Namespaces.Labels(ctx, namespace) // not known: nothing is an exception
	templates := facts.Templates{}
	for _, check := range of {
		if _, known := templates[check.PodTemplateName]; known {
			continue
		}
		at := types.NamespacedName{Namespace: namespace, Name: check.PodTemplateName}
		var template corev1.PodTemplate
		err := r.Client.Get(ctx, at, &template)
		if err == nil && len(template.Template.Spec.Containers) == 0 { // a large one is not in the cache
			template = corev1.PodTemplate{}
			err = r.Live.Get(ctx, at, &template)
		}
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		templates[check.PodTemplateName] = checks.Allowed(template.Template, namespace, labels, schedulers)
	}
	return templates, nil
}

// observeSchedulers are the Deployments that the playbooks of a namespace look after, as far as they are there.
func (r *reader) observeSchedulers(ctx context.Context, namespace string) ([]appsv1.Deployment, error) {
	var playbooks strategyv1.StrategyPlaybookList
	if err := r.Client.List(ctx, &playbooks, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	var names []string
	for i := range playbooks.Items {
		names = append(names, playbooks.Items[i].Spec.Scheduler.Rollout.DeploymentName)
	}
	slices.Sort(names)
	var schedulers []appsv1.Deployment
	for _, name := range slices.Compact(names) {
		deployment, err := r.observeDeployment(ctx, namespace, name)
		if err != nil {
			return nil, err
		}
		if deployment != nil {
			schedulers = append(schedulers, *deployment)
		}
	}
	return schedulers, nil
}

// listControlled lists what an object controls, as the cache has it: it is only looked at.
func (r *reader) listControlled(ctx context.Context, list client.ObjectList, owner client.Object) error {
	return r.Client.List(ctx, list, client.InNamespace(owner.GetNamespace()),
		client.MatchingFields{indexOwner: string(owner.GetUID())}, client.UnsafeDisableDeepCopy)
}
