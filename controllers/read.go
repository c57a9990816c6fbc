package controllers

import (
	"cmp"
	"context"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/decide"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/pauses"
	"tradeops.dev/strategy-operator/internal/playbook"
	"tradeops.dev/strategy-operator/internal/routes"
)

// reader observes. It remembers what was read, so that it is not read or parsed in each pass; what it remembers is shared by passes,
// and nobody changes it.
type reader struct {
	Client     client.Reader // of caches
	Live       client.Reader // of the API server
	Trial      client.Writer // every write is a dry run: it says what would be refused
	Evidence   Stored
	Clock      clock.PassiveClock
	Signals    Signals
	Namespaces Namespaces
	Policies   Policies
	Access     Access
	User       string // of the operator
	Machines   decide.Machines
	Pauses     pauses.Pauses
	keys       *keys
	refusals   *refusals
	receipts   *receipts
	commits    *commits
	samples    *samples

	judged     judgements                                    // of playbooks, by the judge
	owned      memo[ownedAt, dated[ownedSecret]]             // for the servers of playbooks
	rosters    memo[string, parsedRoster]                    // by the rotation file's text
	entitled   memo[types.UID, map[facts.Right]said]         // people on call, by their playbook
	configMaps memo[types.NamespacedName, *corev1.ConfigMap] // of each the newest that was read
	configs    memo[types.NamespacedName, cachedConfig]      // of each ConfigMap the newest
	thawed     memo[types.UID, *frozenPlaybook]              // by revision
	outcomes   memo[string, checks.Outcome]                  // by SHA-256
	stored     memo[string, stored]                          // outcomes by their key in the bucket
	made       memo[string, []facts.Page]                    // reports by their snapshot, until they are stored

	tables memo[table, *routes.Table] // of playbooks
	opened *opened
	beats  *beats

	uncollected memo[types.UID, string] // what collecting a Job waits for, by the Job
	proven      proven                  // logs
}

// observePlaybook returns the frozen spec that an object runs on, or the one it would start on, and whether the playbook as
// it is now is on hold.
func (r *reader) observePlaybook(ctx context.Context, namespace, name, revision string) (facts.Playbook, error) {
	var current strategyv1.StrategyPlaybook
	err := r.Client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, &current, uncopied)
	gone := apierrors.IsNotFound(err)
	if err != nil && !gone {
		return facts.Playbook{}, err
	}
	hold := playbook.HoldOf(&current, namespace, name)
	if gone {
		hold = playbook.HoldOf(nil, namespace, name)
	}
	if revision != "" {
		frozen, problem, err := r.observeFrozen(ctx, namespace, revision)
		if err != nil || problem != nil {
			return facts.Playbook{Problem: problem}, err
		}
		running := thawed(frozen, revision)
		running.Hold = hold
		return running, nil
	}
	if gone {
		return facts.Playbook{Problem: problem(strategyv1.ReasonPlaybookNotFound,
			"StrategyPlaybook %s does not exist in namespace %s; create it, or create this object with another playbookName", name, namespace)}, nil
	}
	served, err := r.observeServed(ctx, &current)
	if hold != nil { // people come first
		served.Hold = hold
	}
	return served, err
}

// observeNewest is the playbook as an object would start on it now. What nobody approved is taken over by nothing.
func (r *reader) observeNewest(ctx context.Context, namespace, name string) (facts.Playbook, error) {
	newest, err := r.observePlaybook(ctx, namespace, name, "")
	if newest.AwaitsReview {
		return facts.Playbook{Problem: notApproved(namespace, name)}, err
	}
	return newest, err
}

// observeRunning is the playbook that an object runs on, with the checks that somebody took over from a later revision.
func (r *reader) observeRunning(ctx context.Context, namespace, name, revision string, adopted *strategyv1.AdoptedChecks) (facts.Playbook, error) {
	running, err := r.observePlaybook(ctx, namespace, name, revision)
	if err != nil || running.Problem != nil || adopted == nil {
		return running, err
	}
	later, problem, err := r.observeFrozen(ctx, namespace, adopted.Revision)
	if err != nil || problem != nil {
		return facts.Playbook{Problem: problem}, err
	}
	return running.WithChecks(thawed(later, adopted.Revision)), nil
}

// uncopied reads an object of the cache that is only looked at.
var uncopied = &client.GetOptions{UnsafeDisableDeepCopy: new(true)}

// frozenPlaybook is what a revision holds.
type frozenPlaybook struct {
	spec   strategyv1.StrategyPlaybookSpec
	digest string // which version it is
}

// thawedBytes is how much memory a playbook takes, for each byte of its frozen text.
const thawedBytes = 4

// observeFrozen is a frozen playbook. It is shared by passes, and decoded once: a revision never changes.
func (r *reader) observeFrozen(ctx context.Context, namespace, revision string) (*frozenPlaybook, *facts.Problem, error) {
	at := types.NamespacedName{Namespace: namespace, Name: revision}
	var frozen appsv1.ControllerRevision
	err := r.Client.Get(ctx, at, &frozen, uncopied)
	if err == nil {
		if known, found := r.thawed.get(frozen.UID); found {
			return known, nil, nil
		}
		frozen = appsv1.ControllerRevision{}
		err = r.Live.Get(ctx, at, &frozen) // what it says is not in the cache
	}
	if apierrors.IsNotFound(err) {
		return nil, problem(strategyv1.ReasonPlaybookNotFound, "ControllerRevision %s with the frozen playbook does not exist in namespace %s", revision, namespace), nil
	}
	if err != nil {
		return nil, nil, err
	}
	spec, digest, unreadable := playbook.ThawDigest(&frozen)
	if unreadable != nil {
		return nil, problem(strategyv1.ReasonPlaybookNotFound, "%v", unreadable), nil
	}
	known := &frozenPlaybook{spec: spec, digest: digest}
	r.thawed.put(frozen.UID, known, thawedBytes*len(frozen.Data.Raw))
	return known, nil, nil
}

// signingKeyOf names the Secret whose key signs the logs of a playbook.
func signingKeyOf(namespace string, spec strategyv1.StrategyPlaybookSpec) types.NamespacedName {
	return types.NamespacedName{Namespace: namespace, Name: spec.SigningKeySecretName}
}

// observeDecided lists the decisions about an object, oldest first. One that is older than the object was about another object of the
// same name; a playbook that was made again has those of its name, since a hold must not end by that.
func (r *reader) observeDecided(ctx context.Context, kind string, target client.Object) ([]facts.Decided, error) {
	var list strategyv1.StrategyDecisionList
	if err := r.Client.List(ctx, &list, client.InNamespace(target.GetNamespace()), client.MatchingFields{indexTarget: kind + "/" + target.GetName()}); err != nil {
		return nil, err
	}
	var decided []facts.Decided
	for _, decision := range list.Items {
		created := target.GetCreationTimestamp()
		if decision.CreationTimestamp.Before(&created) && kind != strategyv1.KindPlaybook {
			continue
		}
		one := facts.Decided{
			Name: decision.Name, UID: string(decision.UID), Verdict: decision.Spec.Verdict, Digest: decision.Spec.Digest,
			By: decision.Spec.By, Reason: decision.Spec.Reason, Time: decision.CreationTimestamp,
			Valid: time.Duration(decision.Spec.ValidSeconds) * time.Second,
		}
		if decision.Status.Answer != nil {
			one.Outcome = decision.Status.Answer.Outcome
		}
		decided = append(decided, one)
	}
	slices.SortFunc(decided, func(a, b facts.Decided) int {
		return cmp.Or(a.Time.Compare(b.Time.Time), cmp.Compare(a.Name, b.Name))
	})
	return decided, nil
}
