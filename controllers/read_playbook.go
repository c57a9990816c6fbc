package controllers

import (
	"cmp"
	"context"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/playbook"
)

// observe is every read of a playbook's pass.
func (r *playbooks) observe(ctx context.Context, object *strategyv1.StrategyPlaybook, now time.Time) (playbook.Observed, error) {
	observed := playbook.Observed{Playbook: object.DeepCopy(), NotServed: r.Namespaces.Served(object.Namespace)}
	if observed.NotServed != nil {
		observed.Log.Problem = observed.NotServed
		return observed, nil
	}
	observed.Refused, observed.Review = r.refusals.of(object), r.reviewWanted(ctx, object.Namespace)
	observed.TreeRefused = r.refusals.of(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{UID: treeUID(object.Namespace)}})
	observed.Judged, observed.AwaitedSince = r.judged.of(object, now)
	var err error
	if observed.Config, err = r.observeConfig(ctx, object.Namespace, object.Spec.Scheduler); err != nil {
		return observed, err
	}
	if observed.Templates, err = r.observeTemplates(ctx, object.Namespace, object.Spec.Checks); err != nil {
		return observed, err
	}
	if _, observed.SigningKey, err = r.keys.of(ctx, signingKeyOf(object.Namespace, object.Spec)); err != nil {
		return observed, err
	}
	if observed.Deployment, err = r.observeDeployment(ctx, object.Namespace, object.Spec.Scheduler.Rollout.DeploymentName); err != nil {
		return observed, err
	}
	if observed.Rival, err = r.observeRival(ctx, object); err != nil {
		return observed, err
	}
	if observed.Frozen, observed.Taken, err = r.frozen(ctx, object); err != nil {
		return observed, err
	}
	if observed.Revisions, observed.InUse, err = r.observeRevisions(ctx, object); err != nil {
		return observed, err
	}
	if observed.OnCall, err = r.observeOnCall(ctx, object.Namespace, object.Spec.Escalation); err != nil {
		return observed, err
	}
	observed.Entitled = r.observeEntitled(ctx, object, observed.OnCall, now)
	if observed.ApprovedLost, err = r.observeApprovedLost(ctx, object); err != nil {
		return observed, err
	}
	if err = r.observePeople(ctx, object, &observed); err != nil {
		return observed, err
	}
	if observed.SigningKey != nil { // then the history rests
		return observed, nil
	}
	if observed.Past, observed.PastAt, err = r.observePast(ctx, object, now); err != nil {
		return observed, err
	}
	lost, lostAt, err := r.observeLost(ctx, object.Namespace, now)
	observed.Lost, observed.PastAt = lost, checks.Earlier(observed.PastAt, lostAt)
	return observed, err
}

// observePeople reads the decisions about a playbook, and where there are any, what these hang on.
func (r *playbooks) observePeople(ctx context.Context, object *strategyv1.StrategyPlaybook, observed *playbook.Observed) (err error) {
	observed.Prefix = evidence.Prefix(object.Namespace, object.Name, string(object.UID), object.CreationTimestamp.Time)
	if observed.Decided, err = r.observeDecided(ctx, strategyv1.KindPlaybook, object); err != nil {
		return err
	}
	if len(observed.Decided) == 0 && object.Status.Log == nil { // a log that was begun goes on, whoever deletes decisions
		return nil
	}
	if observed.Log, err = r.observeLog(ctx, logOf{signingKeyOf(object.Namespace, object.Spec), observed.Prefix, string(object.UID), object.Status.Log, object.Status.Timeline}); err != nil {
		return err
	}
	if slices.ContainsFunc(observed.Decided, func(d facts.Decided) bool { return d.Outcome == "" && d.Verdict != strategyv1.DecisionHold }) {
		observed.Identity, err = r.observeIdentity(ctx, object.Namespace, strategyv1.KindPlaybook, object.Name)
	}
	return err
}

// observeRevisions lists a playbook's revisions and what runs on them.
func (r *playbooks) observeRevisions(ctx context.Context, object *strategyv1.StrategyPlaybook) ([]appsv1.ControllerRevision, map[string]bool, error) {
	in := client.InNamespace(object.Namespace)
	var revisions appsv1.ControllerRevisionList
	if err := r.Client.List(ctx, &revisions, in, client.MatchingLabels{strategyv1.LabelPlaybook: playbook.Label(object.Name)}); err != nil {
		return nil, nil, err
	}
	if len(revisions.Items) <= 1 {
		return revisions.Items, nil, nil
	}
	inUse := map[string]bool{}
	var incidents strategyv1.StrategyIncidentList
	if err := r.Client.List(ctx, &incidents, in, client.UnsafeDisableDeepCopy); err != nil {
		return nil, nil, err
	}
	for i := range incidents.Items {
		inUse[incidents.Items[i].Status.PlaybookRevision] = true
		inUse[adoptedRevision(incidents.Items[i].Status.AdoptedChecks)] = true
	}
	var rollbacks strategyv1.StrategyRollbackList
	if err := r.Client.List(ctx, &rollbacks, in, client.UnsafeDisableDeepCopy); err != nil {
		return nil, nil, err
	}
	for i := range rollbacks.Items {
		inUse[rollbacks.Items[i].Status.PlaybookRevision] = true
		inUse[adoptedRevision(rollbacks.Items[i].Status.AdoptedChecks)] = true
	}
	return revisions.Items, inUse, nil
}

// adoptedRevision is empty if no checks were taken over.
func adoptedRevision(adopted *strategyv1.AdoptedChecks) string {
	if adopted == nil {
		return ""
	}
	return adopted.Revision
}

// frozen says whether the revision is there, or why another one has its name. One that the cache does not have may have been created just now, or
// lost: the API server knows.
func (r *playbooks) frozen(ctx context.Context, object *strategyv1.StrategyPlaybook) (bool, *facts.Problem, error) {
	revision, err := playbook.Revision(object)
	if err != nil {
		return false, nil, err
	}
	if known, missing, err := r.observeFrozen(ctx, object.Namespace, revision.Name); err != nil || missing == nil && known.digest == playbook.DigestOf(revision.Data.Raw) {
		return err == nil, nil, err
	}
	var found appsv1.ControllerRevision
	if err := r.Live.Get(ctx, client.ObjectKeyFromObject(revision), &found); err != nil {
		return false, nil, client.IgnoreNotFound(err)
	}
	if another := playbook.SameRevision(&found, revision); another != nil {
		return false, problem(strategyv1.ReasonNameConflict, "%v", another), nil
	}
	return true, nil, nil
}

// observeRival is an older playbook that looks after another key of the same ConfigMap; empty: there is none.
func (r *playbooks) observeRival(ctx context.Context, object *strategyv1.StrategyPlaybook) (string, error) {
	var list strategyv1.StrategyPlaybookList
	if err := r.Client.List(ctx, &list, client.InNamespace(object.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return "", err
	}
	config := object.Spec.Scheduler.Config
	for i := range list.Items {
		other := &list.Items[i]
		theirs := other.Spec.Scheduler.Config
		older := cmp.Or(other.CreationTimestamp.Compare(object.CreationTimestamp.Time), cmp.Compare(other.Name, object.Name)) < 0
		if older && theirs.ConfigMapName == config.ConfigMapName && theirs.Key != config.Key {
			return other.Name, nil
		}
	}
	return "", nil
}
