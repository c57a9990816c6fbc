package controllers

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/incident"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/routes"
)

// observeIncident reads what every pass over an incident needs.
func (r *incidents) observeIncident(ctx context.Context, object *strategyv1.StrategyIncident, now time.Time) (incident.Observed, error) {
	observed := incident.Observed{
		Incident:  object.DeepCopy(),
		Prefix:    evidence.Prefix(object.Namespace, object.Name, string(object.UID), object.CreationTimestamp.Time),
		NotServed: r.Namespaces.Served(object.Namespace),
		Machines:  r.Machines,
	}
	observed.Receipts, observed.Committed = r.receipts.of(object), r.commits.of(object)
	var err error
	// What people decided, and what they would close, is known even where the playbook is not, or nothing else may be read.
	if observed.Decided, err = r.observeDecided(ctx, strategyv1.KindIncident, object); err != nil {
		return observed, err
	}
	if observed.Rollbacks, err = r.observeRollbacksOf(ctx, object); err != nil {
		return observed, err
	}
	if observed.Alerts, err = r.observeAlertsOf(ctx, object); err != nil {
		return observed, err
	}
	if observed.NotServed != nil {
		observed.Playbook.Problem, observed.Log.Problem = observed.NotServed, observed.NotServed // not read, which is not empty
		observed.OnCall = facts.Known(facts.OnCall{Problem: observed.NotServed})                 // deadlines go on, and nobody knows who is called
		return observed, nil
	}
	observed.Refused = r.refusals.of(object)
	if observed.Playbook, err = r.observePlaybookOf(ctx, object); err != nil {
		return observed, err
	}
	if observed.Playbook.Problem != nil {
		observed.Log.Problem = observed.Playbook.Problem // only the playbook says which key signs
		return observed, nil
	}
	spec := observed.Playbook.Spec
	signingKey := signingKeyOf(object.Namespace, spec)
	if observed.Log, err = r.observeLog(ctx, logOf{signingKey, observed.Prefix, string(object.UID), object.Status.Log, object.Status.Timeline}); err != nil {
		return observed, err
	}
	if observed.Runs, err = r.observeRuns(ctx, attempts{object, openRecords(object), observed.Prefix, signingKey}, spec.Checks, now); err != nil {
		if observed.Log.Problem, err = r.unread(ctx, err); err != nil {
			return observed, err
		}
	}
	if observed.Config, err = r.observeConfig(ctx, object.Namespace, spec.Scheduler); err != nil {
		return observed, err
	}
	observed.Config, err = r.believeRecord(ctx, object.Namespace, observed.Rollbacks, observed.Config, spec.Scheduler.Config.ConfigMapName)
	return observed, err
}

// observePlaybookOf is the playbook that an incident runs on, or would start on.
func (r *incidents) observePlaybookOf(ctx context.Context, object *strategyv1.StrategyIncident) (facts.Playbook, error) {
	status := object.Status
	if status.Review == strategyv1.ReviewAwaited {
		return r.observeAwaiting(ctx, types.NamespacedName{Namespace: object.Namespace, Name: object.Spec.PlaybookName}, status.PlaybookRevision)
	}
	return r.observeRunning(ctx, object.Namespace, object.Spec.PlaybookName, status.PlaybookRevision, status.AdoptedChecks)
}

// observeNeeds reads what a plan asked for.
func (r *incidents) observeNeeds(ctx context.Context, object *strategyv1.StrategyIncident, needs incident.Need, observed *incident.Observed, now time.Time) error {
	spec := observed.Playbook.Spec
	for _, one := range []struct {
		need incident.Need
		read func() error
	}{
		{incident.NeedSame, func() error { return read(&observed.Same)(r.observeSame(ctx, object)) }},
		{incident.NeedNeighbours, func() error { return read(&observed.Neighbours)(r.observeNeighbours(ctx, object, spec.Scheduler)) }},
		{incident.NeedParent, func() error { return read(&observed.Parent)(r.observeParent(ctx, object)) }},
		{incident.NeedDocuments, func() error { return read(&observed.Documents)(r.observeDocuments(ctx, object, spec)) }},
		{incident.NeedOnCall, func() error { return read(&observed.OnCall)(r.observeOnCall(ctx, object.Namespace, spec.Escalation)) }},
		{incident.NeedIdentity, func() error {
			return read(&observed.Identity)(r.observeIdentity(ctx, object.Namespace, strategyv1.KindIncident, object.Name))
		}},
		{incident.NeedRules, func() error {
			return read(&observed.Rules)(r.observeRules(ctx, object.Namespace, object.Spec.PlaybookName))
		}},
		{incident.NeedNewest, func() error {
			return read(&observed.Newest)(r.observeNewest(ctx, object.Namespace, object.Spec.PlaybookName))
		}},
		{incident.NeedReport, func() error { return read(&observed.Report)(r.observeReport(ctx, object, observed)) }},
		{incident.NeedTemplates, func() error { return read(&observed.Templates)(r.observeTemplates(ctx, object.Namespace, spec.Checks)) }},
		{incident.NeedSignals, func() error {
			snapshot, err := r.observeSignals(ctx, object.Namespace, object, spec.Signals, now)
			if err == nil && !lifecycle.Closed(object.Status) {
				r.samples.add(object, snapshot)
			}
			return read(&observed.Signals)(snapshot, err)
		}},
	} {
		if needs&one.need == 0 {
			continue
		}
		if err := one.read(); err != nil {
			return err
		}
	}
	return nil
}

// read keeps a fact that was read.
func read[T any](fact *facts.Read[T]) func(T, error) error {
	return func(value T, err error) error {
		if err == nil {
			*fact = facts.Known(value)
		}
		return err
	}
}

// observeDocuments reads what the proposals of the playbook are about. All of them together may be as much as one.
func (r *incidents) observeDocuments(ctx context.Context, object *strategyv1.StrategyIncident, spec strategyv1.StrategyPlaybookSpec) (map[string]facts.Document, error) {
	documents, room := map[string]facts.Document{}, config.MaxParts
	parsed := map[strategyv1.DocumentReference]facts.Document{}
	for _, remediation := range spec.Remediations {
		if remediation.Proposal == nil {
			continue
		}
		at := remediation.Proposal.Document
		document, known := parsed[at]
		if !known {
			var err error
			if document, err = r.observeDocument(ctx, object.Namespace, at, &room); err != nil {
				return nil, err
			}
			parsed[at] = document
		}
		documents[remediation.Name] = document
	}
	return documents, nil
}

// observeAlertsOf are the alerts that were given to an incident, by its UID: a name may have been another one's before.
func (r *incidents) observeAlertsOf(ctx context.Context, object *strategyv1.StrategyIncident) (ours []strategyv1.StrategyAlert, err error) {
	var list strategyv1.StrategyAlertList
	if err := r.Client.List(ctx, &list, client.InNamespace(object.Namespace), client.MatchingFields{indexAlerts: object.Name}); err != nil {
		return nil, err
	}
	for _, alert := range list.Items {
		if alert.Status.IncidentUID == string(object.UID) {
			ours = append(ours, alert)
		}
	}
	slices.SortFunc(ours, func(a, b strategyv1.StrategyAlert) int { return cmp.Compare(a.Name, b.Name) })
	return ours, nil
}

// maxRules is how many rules of alerts a proposal shows, as the API has it.
const maxRules = 16

// observeRules counts the alerts that came in for a playbook and are still kept, by their rule.
func (r *incidents) observeRules(ctx context.Context, namespace, playbook string) ([]strategyv1.AlertRuleStatus, error) {
	var list strategyv1.StrategyAlertList
	if err := r.Client.List(ctx, &list, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	counts := map[string]strategyv1.AlertRuleStatus{}
	for i := range list.Items {
		alert := &list.Items[i]
		if alert.Status.PlaybookName != playbook {
			continue
		}
		name := routes.Name(alert.Spec.Labels)
		rule := counts[name]
		rule.Name, rule.Series, rule.Occurrences = name, rule.Series+1, rule.Occurrences+alert.Spec.Occurrence
		if alert.Status.IncidentUID != "" {
			rule.Incidents++
		}
		if rule.SinceTime.IsZero() || alert.CreationTimestamp.Before(&rule.SinceTime) {
			rule.SinceTime = alert.CreationTimestamp
		}
		counts[name] = rule
	}
	rules := slices.SortedFunc(maps.Values(counts), func(a, b strategyv1.AlertRuleStatus) int {
		return cmp.Or(cmp.Compare(b.Occurrences, a.Occurrences), cmp.Compare(a.Name, b.Name))
	})
	return rules[:min(len(rules), maxRules)], nil
}

// openRecords are the judged checks whose reports a rule may still ask for.
func openRecords(object *strategyv1.StrategyIncident) []strategyv1.CheckStatus {
	if lifecycle.Closed(object.Status) || object.Status.Cause != nil {
		return nil
	}
	return object.Status.Checks
}

// observeRollbacksOf lists the incident's rollbacks, oldest first: those it asked for, by UID, and those that people made
// for it. One that an earlier incident of the same name asked for is not among them; a dry run fixes nothing, and a drill no real fault.
func (r *reader) observeRollbacksOf(ctx context.Context, object *strategyv1.StrategyIncident) ([]strategyv1.StrategyRollback, error) {
	var list strategyv1.StrategyRollbackList
	if err := r.Client.List(ctx, &list, client.InNamespace(object.Namespace), client.MatchingFields{indexIncident: object.Name}); err != nil {
		return nil, err
	}
	var ours []strategyv1.StrategyRollback
	for _, rollback := range list.Items {
		uid, drill := rollback.Spec.IncidentUID, rollback.Spec.Mode == strategyv1.ModeDrill
		if rollback.Spec.Mode == strategyv1.ModeDryRun || drill != (object.Spec.Mode == strategyv1.IncidentDrill) || uid != "" && uid != string(object.UID) || uid == "" && rollback.CreationTimestamp.Before(&object.CreationTimestamp) {
			continue
		}
		ours = append(ours, rollback)
	}
	slices.SortFunc(ours, func(a, b strategyv1.StrategyRollback) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	return ours, nil
}
