package controllers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/change"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/pass"
	"tradeops.dev/strategy-operator/internal/writeback"
)

// committer commits what the statuses of one kind ask for, with workers of its own: a Git server that hangs holds up these, and no pass. What
// became of it it only remembers, and wakes the object, whose plan records it. After a crash in between it is asked for again, and finds its own
// commit.
type committer struct {
	*reader
	repositories Repositories
	home         string        // the operator's own namespace
	kind         client.Object // that asks: rollbacks, and incidents for their proposals
	woken        chan<- event.GenericEvent
}

// Committers are how many repositories are worked on at a time: each is in memory meanwhile. A change in force comes before a proposal.
const (
	committers = 2
	proposers  = 1
)

func (r *committer) controller(name string, workers int) Controller {
	return Controller{Name: name, Reconciler: r, Workers: workers, For: itself(r.kind, toBeCommitted())}
}

// toBeCommitted: an object asks for a commit that it did not ask for before, or is new to the operator and asks for one.
func toBeCommitted() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(e event.CreateEvent) bool { return wantedCommit(e.Object) != commit{} },
		UpdateFunc: func(e event.UpdateEvent) bool {
			return wantedCommit(e.ObjectNew) != commit{} && wantedCommit(e.ObjectNew) != wantedCommit(e.ObjectOld)
		},
		DeleteFunc: func(event.DeleteEvent) bool { return false },
	}
}

// commit is one thing that is asked for.
type commit struct {
	of       types.UID
	change   strategyv1.WriteBackChange
	revision int64
}

// wantedCommit is what an object waits for; the zero one: nothing.
func wantedCommit(object client.Object) commit {
	asked := askedCommit(object)
	if asked == nil {
		return commit{}
	}
	return commit{object.GetUID(), asked.Change, asked.Revision}
}

// askedCommit is how an object asks for it; nil: it does not.
func askedCommit(object client.Object) *strategyv1.WriteBackStatus {
	switch o := object.(type) {
	case *strategyv1.StrategyRollback:
		if lifecycle.CommitPending(o.Status) {
			return o.Status.WriteBack
		}
	case *strategyv1.StrategyIncident:
		if o.DeletionTimestamp.IsZero() && lifecycle.PushPending(o.Status) {
			return o.Status.Proposal.WriteBack
		}
	}
	return nil
}

// commits are what is known of commits in this life of the operator. The zero value is empty.
type commits struct{ tried memo[types.UID, tried] }

// tried is what became of the newest try, and when it is tried again.
type tried struct {
	facts.Committed
	last     writeback.Result // of a try that did not fail
	attempts int
	nextAt   time.Time
}

// of is what an object waits for; nil: nothing is known of it.
func (c *commits) of(object client.Object) *facts.Committed {
	known, found := c.tried.get(object.GetUID())
	if wanted := wantedCommit(object); !found || wanted == (commit{}) || wanted != (commit{object.GetUID(), known.Change, known.Revision}) {
		return nil
	}
	return &known.Committed
}

// Reconcile commits, or says when it tries again.
func (r *committer) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	if r.Namespaces.Served(request.Namespace) != nil {
		return ctrl.Result{}, nil // all are looked at when it is
	}
	object, _ := r.kind.DeepCopyObject().(client.Object)
	if err := r.Client.Get(ctx, request.NamespacedName, object, uncopied); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	wanted, now := wantedCommit(object), r.Clock.Now()
	if wanted == (commit{}) {
		return ctrl.Result{}, nil
	}
	known, _ := r.commits.tried.get(wanted.of)
	if wanted != (commit{wanted.of, known.Change, known.Revision}) {
		known = tried{Committed: facts.Committed{Change: wanted.change, Revision: wanted.revision}}
	}
	switch {
	case now.Before(known.nextAt):
		if known.State != "" && known.State != askedCommit(object).State { // the object has not heard yet, or its cache is late
			r.wake(object)
			return ctrl.Result{RequeueAfter: r.Pauses.OutputRetry}, nil
		}
		return again(known.nextAt, now), nil
	case conditions.True(conditionsOf(object), strategyv1.ConditionOnHold):
		return ctrl.Result{RequeueAfter: pass.Recheck}, nil
	}
	r.try(ctx, object, &known)
	if ctx.Err() != nil { // whoever commits goes away, which says nothing about the repository
		return ctrl.Result{}, ctx.Err()
	}
	r.commits.tried.put(wanted.of, known, 256)
	r.wake(object)
	return again(known.nextAt, r.Clock.Now()), nil
}

// try commits once, and says when it is to be tried again.
func (r *committer) try(ctx context.Context, object client.Object, known *tried) {
	known.attempts++
	known.State, known.Problem, known.Person = "", nil, false
	result, err := r.write(ctx, object, known.last)
	known.last = result
	pause := r.Pauses.CommitPoll
	if err != nil {
		known.Problem, known.Person = problemOf(err)
		if pause = min(r.Pauses.CommitRetry<<min(known.attempts-1, 20), r.Pauses.CommitHangs); known.Person {
			pause = r.Pauses.CommitHangs
		}
	} else {
		known.attempts = 0
		known.State, known.Commit, known.Branch, known.Left = strategyv1.WriteBackState(result.State), result.Commit, result.Branch, result.Conflicts
	}
	known.nextAt = r.Clock.Now().Add(pause)
}

// write does the job of an object, which came to something the last time.
func (r *committer) write(ctx context.Context, object client.Object, last writeback.Result) (result writeback.Result, err error) {
	var job writeback.Job
	switch o := object.(type) {
	case *strategyv1.StrategyRollback:
		job, err = r.job(ctx, o)
	case *strategyv1.StrategyIncident:
		job, err = r.proposal(ctx, o)
	}
	if err != nil {
		return writeback.Result{}, err
	}
	job.Last = last
	ctx, enough := context.WithTimeout(ctx, r.Pauses.CommitCall)
	defer enough()
	return r.repositories.Write(ctx, job)
}

// job is what is to be committed for a rollback: to where the playbook said when it was approved.
func (r *committer) job(ctx context.Context, object *strategyv1.StrategyRollback) (writeback.Job, error) {
	spec, err := r.frozen(ctx, object.Namespace, object.Spec.PlaybookName, object.Status.PlaybookRevision)
	if err != nil {
		return writeback.Job{}, err
	}
	gitOps, plan := spec.Scheduler.GitOps, object.Status.Plan
	if gitOps == nil || gitOps.WriteBack == nil || plan == nil {
		return writeback.Job{}, &writeback.Failure{Kind: writeback.Invalid, Problem: "the playbook that the rollback runs on has no spec.scheduler.gitOps.writeBack"}
	}
	job, err := r.jobTo(ctx, object, gitOps.WriteBack)
	if err != nil {
		return job, err
	}
	job.Key, job.Digest, job.Edits, job.Undo = spec.Scheduler.Config.Key, plan.Digest, plan.Edits, object.Status.WriteBack.Change == strategyv1.WriteBackUndone
	job.Asked = object.Status.WriteBack.AskedTime.Time
	job.Message = writeback.Message{
		Summary: change.Sentence(object.Spec.Actions), Reason: object.Spec.Reason, Incident: object.Spec.IncidentName, Asked: object.Spec.RequestedBy,
		Checkpoint: job.Message.Checkpoint,
	}
	if object.Status.Decision != nil {
		job.Message.Approved = object.Status.Decision.By
	}
	if restore := object.Status.Restore; restore != nil && job.Undo {
		job.Message.Restored = restore.By
	}
	return job, nil
}

// frozen is the playbook that an object runs on.
func (r *committer) frozen(ctx context.Context, namespace, name, revision string) (strategyv1.StrategyPlaybookSpec, error) {
	running, err := r.observeRunning(ctx, namespace, name, revision, nil)
	if err != nil {
		return running.Spec, r.unreadable(ctx, err)
	}
	if running.Problem != nil {
		return running.Spec, &writeback.Failure{Kind: writeback.Invalid, Problem: running.Problem.Message}
	}
	return running.Spec, nil
}

// jobTo is what all jobs for a file have.
func (r *committer) jobTo(ctx context.Context, object client.Object, to *strategyv1.WriteBackSpec) (job writeback.Job, err error) {
	job = writeback.Job{
		Repository: writeback.Repository{URL: to.URL, Branch: to.Branch, Path: to.Path, PushBranch: to.PushBranch, Author: author(to.Author)},
		Namespace:  object.GetNamespace(), Name: object.GetName(), UID: string(object.GetUID()), Now: r.Clock.Now(),
		Message: writeback.Message{Checkpoint: r.checkpoint(ctx, object.GetNamespace())},
	}
	job.Credentials, err = r.credentials(ctx, types.NamespacedName{Namespace: object.GetNamespace(), Name: to.SecretName}, to.URL)
	return job, err
}

func author(spec *strategyv1.CommitAuthor) writeback.Author {
	if spec == nil {
		return writeback.Author{Name: "strategy-operator", Email: "strategy-operator@localhost"}
	}
	return writeback.Author{Name: spec.Name, Email: spec.Email}
}

// credentials reads the Secret. Who owns it says with the key "url" for which repository: else whoever may write a playbook could have it used for
// a server of their own.
func (r *committer) credentials(ctx context.Context, at types.NamespacedName, url string) (writeback.Credentials, error) {
	secret, problem, err := r.keys.read(ctx, at, mayNotRead(at))
	if err != nil {
		return writeback.Credentials{}, r.unreadable(ctx, err)
	}
	if problem != nil && problem.Message == "" {
		problem.Message = fmt.Sprintf("Secret %s with the credentials of the repository does not exist; create it with the keys %q and username, password or identity, known_hosts", at, secretURL)
	}
	if problem == nil && string(secret.Data[secretURL]) != url {
		problem = &facts.Problem{Message: fmt.Sprintf("the owner of Secret %s lets it be used for another URL (key %q) than writeBack.url in the playbook; make both the same", at, secretURL)}
	}
	if problem != nil {
		return writeback.Credentials{}, &writeback.Failure{Kind: writeback.Invalid, Problem: problem.Message}
	}
	return credentialsIn(secret)
}

// checkpoint is the newest one over the logs of a namespace: in a commit that others have, too, it is a witness that they were not cut short since.
// Without one, or where it cannot be read, the commit says nothing of it.
func (r *committer) checkpoint(ctx context.Context, namespace string) string {
	var anchors corev1.ConfigMap
	if err := r.Live.Get(ctx, types.NamespacedName{Namespace: r.home, Name: AnchorName}, &anchors); err != nil {
		return ""
	}
	lines := strings.SplitN(anchors.Data[namespace], "\n", 4) // origin, size, root, and the rest
	if len(lines) < 4 {
		return ""
	}
	return strings.Join(lines[:3], " ")
}

// unreadable has the log say what a status must not.
func (r *committer) unreadable(ctx context.Context, err error) error {
	log.FromContext(ctx).Error(err, "Edits cannot be committed")
	return &writeback.Failure{Kind: writeback.Unreachable, Problem: "what a commit needs cannot be read: the API server gives no answer; the operator's log says why"}
}

// problemOf is why something was not committed, and whether a person has to act.
func problemOf(err error) (problem *facts.Problem, person bool) {
	failure, ok := errors.AsType[*writeback.Failure](err)
	if !ok {
		failure = &writeback.Failure{Kind: writeback.Unreachable, Problem: "the repository gives no answer"}
	}
	problem = &facts.Problem{Message: failure.Problem}
	switch failure.Kind {
	case writeback.Invalid:
		problem.Reason, person = strategyv1.ReasonRepositoryInvalid, true
	case writeback.Refused:
		problem.Reason, person = strategyv1.ReasonPushRefused, true
	case writeback.Differs:
		problem.Reason, person = strategyv1.ReasonFileDiffers, true
	case writeback.Moved:
		problem.Reason = strategyv1.ReasonBranchMoved
	default:
		problem.Reason = strategyv1.ReasonRepositoryAway
	}
	return problem, person
}

// wake has the object hear; one that finds no room is told again.
func (r *committer) wake(object client.Object) {
	select {
	case r.woken <- event.GenericEvent{Object: object}:
	default:
	}
}
