package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/facts"
)

// logOf is a decision log as its object knows it.
type logOf struct {
	signingKey types.NamespacedName
	prefix     string
	uid        string
	from       *strategyv1.LogStatus // nil: it was not started
	timeline   []strategyv1.TimelineEntry
}

// observeLog reads the log from where the status left off to its head. Every entry there is one that the status tells, since that is written
// first: else the object is older than its log, and nobody knows from it what was done and decided since.
func (r *reader) observeLog(ctx context.Context, of logOf) (facts.Log, error) {
	keys, wrong, err := r.keys.of(ctx, of.signingKey)
	if err != nil {
		wrong, err = r.unavailable(ctx, fmt.Errorf("Secret %s with the decision log's signing key cannot be read: %w", of.signingKey, err))
	}
	if err != nil || wrong != nil {
		return facts.Log{Problem: wrong}, err
	}
	log := facts.Log{SigningKey: of.signingKey}
	if of.from != nil && of.from.Entries != nil {
		log.Entries, log.Head = *of.from.Entries, of.from.Head
	}
	if log.Problem, err = r.proveLog(ctx, of.prefix, of.uid, log.Entries, log.Head); err != nil || log.Problem != nil {
		return log, err
	}
	for {
		line, err := r.Evidence.Get(ctx, evidence.LogKey(of.prefix, log.Entries+1))
		if errors.Is(err, evidence.ErrNotFound) {
			return log, nil
		}
		if err != nil {
			log.Problem, err = r.unavailable(ctx, err)
			return log, err
		}
		identity, err := decisionlog.Verify(line, keys)
		if log.Problem = of.conflict(log, identity, err); log.Problem != nil {
			return log, nil
		}
		log.Entries, log.Head = identity.Seq, decisionlog.Hash(line)
	}
}

// conflict is why the next entry in the bucket does not follow what the object knows; nil: it does. err is of its signature.
func (of logOf) conflict(log facts.Log, identity decisionlog.Identity, err error) *facts.Problem {
	switch {
	case errors.Is(err, decisionlog.ErrUnknownKey):
		return unknownKey(fmt.Sprintf("entry %d of the decision log in the bucket (%s)", log.Entries+1, of.prefix), err, of.signingKey)
	case err != nil || identity.Seq != log.Entries+1 || identity.PrevHash != log.Head || identity.ObjectUID != of.uid:
		return problem(strategyv1.ReasonLogConflict,
			"entry %d of the decision log in the bucket (%s) is not one that this operator wrote after entry %d: %v; the log is not continued", log.Entries+1, of.prefix, log.Entries, err)
	case !of.tells(identity):
		return problem(strategyv1.ReasonLogConflict,
			"this object is older than its decision log, as after restoring a backup: entry %d (%s at %s, %s) is not in its timeline. Nothing is done on what it says, and the log is not continued. Read there what happened since, look at the configuration, then delete this object (an incident can be resolved) and create another",
			identity.Seq, identity.Event, identity.Timestamp, of.prefix)
	}
	return nil
}

// unknownKey says that something was signed with a key that its Secret does not have: nobody changed it, as far as anybody knows.
func unknownKey(what string, err error, secret types.NamespacedName) *facts.Problem {
	return problem(strategyv1.ReasonSecretInvalid, "%s: %v in Secret %s, nor in the one of the operator's namespace: put it back there as %s<id>, beside the current one", what, err, secret, earlierKeys)
}

// tells says whether the timeline has an entry of the log.
func (of logOf) tells(identity decisionlog.Identity) bool {
	return slices.ContainsFunc(of.timeline, func(entry strategyv1.TimelineEntry) bool {
		return entry.Seq == identity.Seq && string(entry.Event) == identity.Event && decisionlog.Timestamp(entry.Time.Time) == identity.Timestamp
	})
}

// logOfRollback is that of a rollback on a playbook.
func logOfRollback(object *strategyv1.StrategyRollback, spec strategyv1.StrategyPlaybookSpec) logOf {
	return logOf{
		signingKey: signingKeyOf(object.Namespace, spec), uid: string(object.UID), from: object.Status.Log, timeline: object.Status.Timeline,
		prefix: evidence.Prefix(object.Namespace, object.Name, string(object.UID), object.CreationTimestamp.Time),
	}
}
