package controllers

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/rules"
)

// collector takes the end of a check's Job to its stored outcome: what the container wrote, then what it means. It works on
// Jobs, with workers of its own: a kubelet or a bucket that hangs holds up these, and no deadline, expiry or decision. The incident or
// rollback that the Job is of hears when the outcome is there.
type collector struct {
	*reader
	logs    Logs
	does    *executor
	wakes   waker
	outputs memo[types.UID, []byte]    // logs by pod, each of the check's container, until they are stored
	ended   memo[types.UID, time.Time] // when a Job was first seen to have ended, while no pod of it was
	foreign memo[types.UID, time.Time] // when a Job was first seen that the operator did not ask for
	unread  memo[types.UID, time.Time] // when the log of a pod was first seen not to be readable
}

// collectors are how many Jobs are collected at a time; each waits for a kubelet and a bucket most of its time.
const collectors = 16

func (r *collector) controller() Controller {
	return Controller{
		Name: "check", Reconciler: r, Workers: collectors,
		For: itself(&batchv1.Job{}, jobNewOrFinished()),
		Watches: []Watch{
			{&corev1.Pod{}, mapped(jobOfPod), podTells()},
		},
	}
}

// Reconcile collects a Job that has ended, and looks again when one that has not would be too late.
func (r *collector) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	if r.Namespaces.Served(request.Namespace) != nil {
		return ctrl.Result{}, nil
	}
	var job batchv1.Job
	if err := r.Client.Get(ctx, request.NamespacedName, &job, uncopied); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	owner := metav1.GetControllerOfNoCopy(&job)
	if owner == nil || owner.APIVersion != strategyv1.GroupVersion.String() || job.DeletionTimestamp != nil {
		return ctrl.Result{}, nil // somebody else's, or on its way out
	}
	run, err := r.observeRun(ctx, &job)
	if err != nil {
		return ctrl.Result{}, err
	}
	if run == nil || run.over { // a cache may be late: no change of the Job would tell again that it was never looked at
		if run != nil { // it came after its owner had ended, which takes it away
			r.wakeOwner(run)
		}
		return ctrl.Result{RequeueAfter: r.Pauses.OutputRetry}, nil
	}
	now := r.Clock.Now()
	if knownOf(run.owner).Foreign(&job) != "" {
		return r.isForeign(&job, run, now), nil
	}
	if r.podsAreLate(&job, run.pods, now) {
		return ctrl.Result{RequeueAfter: r.Pauses.Settle}, nil
	}
	progress := checks.Observe(run.spec, &job, run.pods, knownOf(run.owner).Asked(&job, now), now)
	if !progress.Finished {
		return again(progress.NextAt, now), nil
	}
	return r.finish(ctx, &job, run, progress.Outcome, now)
}

// finish stores the outcome of a Job that has ended, and has the owner hear of it.
func (r *collector) finish(ctx context.Context, job *batchv1.Job, run *run, outcome checks.Outcome, now time.Time) (ctrl.Result, error) {
	_, toldBefore := r.stored.get(run.key)
	err := r.collect(ctx, run, outcome, now)
	var unreadable outputError
	if errors.As(err, &unreadable) && ctx.Err() == nil {
		r.uncollected.put(job.UID, unreadable.Error(), len(unreadable.Error()))
		r.wakeOwner(run) // if it hears nothing now, it does at the next try
		return ctrl.Result{RequeueAfter: r.Pauses.OutputRetry}, nil
	}
	if refused, ok := errors.AsType[refusedError](err); ok { // the bucket is full, say: its owner tells
		r.wakeOwner(run)
		return again(refused.retryAt, now), nil
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	r.uncollected.forget(job.UID)
	return r.tellOwner(ctx, job, run, toldBefore)
}

// isForeign has the owner delete a Job that it did not ask for, once its cache had the time to tell what it asked for: a Job is made after
// that was written, and comes through another watch.
func (r *collector) isForeign(job *batchv1.Job, run *run, now time.Time) ctrl.Result {
	if !r.since(&r.foreign, job.UID, now, r.Pauses.OutputRetry) {
		return ctrl.Result{RequeueAfter: r.Pauses.Settle}
	}
	r.wakeOwner(run)
	return ctrl.Result{RequeueAfter: r.Pauses.OutputRetry}
}

// tellOwner has the owner look at an outcome that it has not judged yet.
func (r *collector) tellOwner(ctx context.Context, job *batchv1.Job, run *run, toldBefore bool) (ctrl.Result, error) {
	if checks.Recorded(run.judged, run.id) {
		return ctrl.Result{}, nil
	}
	wait, err := r.othersAreDue(ctx, job, run)
	if err != nil {
		return ctrl.Result{}, err
	}
	if (wait && !toldBefore) || !r.wakeOwner(run) {
		return ctrl.Result{RequeueAfter: r.Pauses.Passes}, nil
	}
	return ctrl.Result{}, nil
}

// othersAreDue says whether another check of the same owner has ended, and its outcome is still to be stored. Checks that end together
// are judged together, with one write of the status: the last one wakes the owner. None waits for another longer than a moment.
func (r *collector) othersAreDue(ctx context.Context, job *batchv1.Job, run *run) (bool, error) {
	var jobs batchv1.JobList
	if err := r.listControlled(ctx, &jobs, run.owner); err != nil {
		return false, err
	}
	for i := range jobs.Items {
		other := &jobs.Items[i]
		if other.UID == job.UID || other.DeletionTimestamp != nil || !finished(other) {
			continue
		}
		id := checks.JobState{Job: other}.ID()
		if checks.Recorded(run.judged, id) {
			continue
		}
		_, stored := r.stored.get(run.reportKey(id))
		_, unreadable := r.uncollected.get(other.UID)
		if !stored && !unreadable {
			return true, nil
		}
	}
	return false, nil
}

// podsAreLate says whether a Job is seen to have ended and no pod of it is, for a short time yet: they come to different caches, and a
// report must not be taken for lost, for good, because one of these is behind.
func (r *collector) podsAreLate(job *batchv1.Job, pods []corev1.Pod, now time.Time) bool {
	if !finished(job) || slices.ContainsFunc(pods, hasEnded) {
		return false
	}
	return !r.since(&r.ended, job.UID, now, r.Pauses.OutputRetry)
}

// since says whether something was first seen so long ago, by the operator's own clock: others may be hours off.
func (r *collector) since(first *memo[types.UID, time.Time], of types.UID, now time.Time, long time.Duration) bool {
	seen, found := first.get(of)
	if !found {
		seen = now
		first.put(of, seen, len(of))
	}
	return now.Sub(seen) >= long
}

// hasEnded says whether the containers of a pod are gone.
func hasEnded(pod corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// run is one attempt of a check, and whose it is.
type run struct {
	id        checks.ID
	spec      strategyv1.CheckSpec
	pods      []corev1.Pod
	container string // of the pods, that runs the check
	attempts
	over     bool   // the owner has ended, and nothing else but it is known
	key      string // of the outcome
	revision string // of the playbook, whose check it is
}

// observeRun reads what a Job is about; nil if nobody waits for it yet, or any more, or nobody knows what it should do.
func (r *collector) observeRun(ctx context.Context, job *batchv1.Job) (*run, error) {
	owner, revision, over, err := r.observeOwner(ctx, job.Namespace, metav1.GetControllerOfNoCopy(job))
	if err == nil && over {
		return &run{attempts: attempts{owner: owner}, over: true}, nil
	}
	if err != nil || revision == "" {
		return nil, err
	}
	frozen, problem, err := r.observeFrozen(ctx, job.Namespace, revision)
	if err != nil || problem != nil { // the owner says so
		return nil, err
	}
	id := checks.JobState{Job: job}.ID()
	spec, known := checks.Find(frozen.spec.Checks, id.Check)
	if !known {
		return nil, nil
	}
	var pods corev1.PodList
	if err := r.listControlled(ctx, &pods, job); err != nil {
		return nil, err
	}
	of := attempts{
		owner: owner, judged: knownOf(owner).Judged, signingKey: signingKeyOf(job.Namespace, frozen.spec),
		prefix: evidence.Prefix(owner.GetNamespace(), owner.GetName(), string(owner.GetUID()), owner.GetCreationTimestamp().Time),
	}
	return &run{id: id, spec: spec, pods: pods.Items, container: checks.Container(job), attempts: of, key: of.reportKey(id), revision: revision}, nil
}

// observeOwner is the incident or rollback that controls a Job, the revision of the playbook that its checks are of, and whether it is over;
// nil and empty if it is not there any more.
func (r *collector) observeOwner(ctx context.Context, namespace string, reference *metav1.OwnerReference) (owner client.Object, revision string, over bool, err error) {
	at := types.NamespacedName{Namespace: namespace, Name: reference.Name}
	switch reference.Kind {
	case strategyv1.KindIncident:
		var incident strategyv1.StrategyIncident
		if err = r.Client.Get(ctx, at, &incident, uncopied); err == nil {
			status := &incident.Status
			owner, revision, over = &incident, cmp.Or(adoptedRevision(status.AdoptedChecks), status.PlaybookRevision), lifecycle.Closed(*status)
		}
	case strategyv1.KindRollback:
		var rollback strategyv1.StrategyRollback
		if err = r.Client.Get(ctx, at, &rollback, uncopied); err == nil {
			status := &rollback.Status
			owner, revision, over = &rollback, cmp.Or(adoptedRevision(status.AdoptedChecks), status.PlaybookRevision), lifecycle.Ended(*status)
		}
	}
	if err != nil || owner == nil || owner.GetUID() != reference.UID {
		return nil, "", false, client.IgnoreNotFound(err)
	}
	return owner, revision, over, nil
}

// collect stores what a check wrote, then what it means. An outcome that is there says that everything is.
func (r *collector) collect(ctx context.Context, run *run, outcome checks.Outcome, now time.Time) error {
	if _, found := r.stored.get(run.key); found {
		return nil
	}
	_, _, err := r.readStored(ctx, run.attempts, run.id)
	forged, isForged := errors.AsType[forgedError](err)
	if !isForged && !errors.Is(err, evidence.ErrNotFound) {
		return err
	}
	if outcome.ExitCode != nil { // kept although a forged outcome is in its way: the pod may be gone when that is not
		if outcome, err = r.withOutput(ctx, run, outcome, now); err != nil {
			return err
		}
	}
	if isForged {
		return outputError{forged}
	}
	data, err := json.Marshal(outcome)
	if err != nil {
		return fmt.Errorf("encode the outcome of check %s: %w", outcome.Check, err)
	}
	// Other bytes are there if another life of the operator was faster, and its outcome counts.
	as := run.sealed(run.id)
	as.Revision = run.revision
	seal := &action.Seal{Of: as, SigningKey: run.signingKey}
	if err := r.store(ctx, run, action.StoreEvidence{Key: run.key, Data: data, Seal: seal}); err != nil && !errors.Is(err, evidence.ErrDifferent) {
		return err
	}
	_, _, err = r.readStored(ctx, run.attempts, run.id)
	if err == nil {
		r.outputs.forget(podNamed(run.pods, outcome.PodName).UID)
		r.unread.forget(podNamed(run.pods, outcome.PodName).UID)
	}
	return err
}

// store is an effect like any other: told and timed.
func (r *collector) store(ctx context.Context, run *run, what action.StoreEvidence) error {
	return r.does.execute(ctx, run.owner, []action.Action{what})
}

// outputError: what an ended container wrote cannot be read, or not be stored, yet.
type outputError struct{ error }

// Unwrap is the kubelet's own error.
func (e outputError) Unwrap() error { return e.error }

// withOutput is an outcome with the report that the check wrote, after what it wrote was stored.
func (r *collector) withOutput(ctx context.Context, run *run, outcome checks.Outcome, now time.Time) (checks.Outcome, error) {
	pod := podNamed(run.pods, outcome.PodName)
	output, err := r.observeOutput(ctx, pod, run.container)
	if err != nil && !r.since(&r.unread, pod.UID, now, r.Pauses.Output) {
		return outcome, outputError{fmt.Errorf("the log of pod %s cannot be read yet: %w", pod.Name, err)}
	}
	if err != nil {
		return checks.Unread(outcome, fmt.Sprintf("the log of pod %s cannot be read: %v", pod.Name, err)), nil
	}
	outcome.OutputSHA256, outcome.OutputBytes = decisionlog.Hash(output), len(output)
	key := evidence.OutputKey(run.prefix, string(outcome.Stage), outcome.Check, outcome.Attempt, outcome.OutputSHA256[:12])
	err = r.store(ctx, run, action.StoreEvidence{Key: key, Data: output})
	if errors.Is(err, evidence.ErrDifferent) {
		return outcome, outputError{fmt.Errorf("evidence %s is not the log of pod %s: somebody else wrote there; move it away: %w", key, pod.Name, err)}
	}
	if err != nil {
		return outcome, err
	}
	return checks.WithReport(outcome, run.spec, rules.Vars{Owner: run.owner.GetNamespace()}, output, string(checks.Redact([]byte(terminationMessage(pod, run.container))))), nil
}

// observeOutput is the end of an ended container's log. It is read once: a log is large, and it may be gone, or shorter, before
// the bucket has it.
func (r *collector) observeOutput(ctx context.Context, pod *corev1.Pod, container string) ([]byte, error) {
	if output, found := r.outputs.get(pod.UID); found {
		return output, nil
	}
	ctx, cancel := context.WithTimeout(ctx, r.Pauses.OutputCall)
	defer cancel()
	output, err := r.logs.Tail(ctx, pod.Namespace, pod.Name, container)
	if err == nil {
		output = checks.Redact(output) // once: what is stored is what is judged
		r.outputs.put(pod.UID, output, len(output))
	}
	return output, err
}

// knownOf is what an incident or rollback says of its checks.
func knownOf(owner client.Object) checks.Known {
	switch o := owner.(type) {
	case *strategyv1.StrategyIncident:
		return checks.Known{Judged: o.Status.Checks, Running: o.Status.Running}
	case *strategyv1.StrategyRollback:
		return checks.Known{Judged: o.Status.Checks, Running: o.Status.Running}
	}
	return checks.Known{}
}

// wakeOwner has the incident or rollback look; false if too many wait already.
func (r *collector) wakeOwner(run *run) bool {
	into := r.wakes.incidents
	if _, ok := run.owner.(*strategyv1.StrategyRollback); ok {
		into = r.wakes.rollbacks
	}
	select {
	case into <- event.GenericEvent{Object: run.owner}:
		return true
	default:
		return false
	}
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
