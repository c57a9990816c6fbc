package controllers

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/alerts"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/routes"
)

// observeAlert is what every pass over an alert reads.
func (r *routing) observeAlert(ctx context.Context, object *strategyv1.StrategyAlert) (alerts.Observed, error) {
	observed := alerts.Observed{
		Alert: object.DeepCopy(), NotServed: r.Namespaces.Served(object.Namespace), Refused: r.refusals.of(object), User: r.User,
		Machines: r.Machines,
	}
	if observed.NotServed != nil {
		return observed, nil
	}
	var err error
	observed.Playbooks, err = r.observeRoutes(ctx, object.Namespace)
	return observed, err
}

// observeAlertNeeds is what a plan asked for.
func (r *routing) observeAlertNeeds(ctx context.Context, namespace string, needs alerts.Need, observed *alerts.Observed) error {
	in := client.InNamespace(namespace)
	if needs&alerts.NeedIncidents != 0 {
		var incidents strategyv1.StrategyIncidentList
		if err := r.Client.List(ctx, &incidents, in, client.UnsafeDisableDeepCopy); err != nil {
			return err
		}
		observed.Incidents = facts.Known(r.opened.with(namespace, incidents.Items, r.Clock.Now()))
	}
	if needs&alerts.NeedOthers != 0 {
		var others strategyv1.StrategyAlertList
		if err := r.Client.List(ctx, &others, in, client.UnsafeDisableDeepCopy); err != nil {
			return err
		}
		observed.Others = facts.Known(others.Items)
	}
	return nil
}

// observeRoutes is what the playbooks of a namespace say of alerts, by name: each as something new would start on it. One that nothing starts on
// is asked as it is, and the plan is told so: people shall hear of a fault while somebody fixes the procedure, or looks at it.
func (r *routing) observeRoutes(ctx context.Context, namespace string) ([]alerts.Playbook, error) {
	var list strategyv1.StrategyPlaybookList
	if err := r.Client.List(ctx, &list, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	var all []alerts.Playbook
	for i := range list.Items {
		current := &list.Items[i]
		if current.DeletionTimestamp != nil {
			continue
		}
		served, err := r.observeRouting(ctx, current)
		if err != nil {
			return nil, err
		}
		spec, version := served.Spec.Alerts, served.Revision
		if served.Problem != nil {
			spec, version = current.Spec.Alerts, strconv.FormatInt(current.Generation, 10)
		}
		one := alerts.Playbook{Name: current.Name, Table: r.tableOf(current.UID, version, spec), Unserved: unserved(served)}
		if spec != nil {
			one.MaxPerHour = int(cmp.Or(spec.MaxIncidentsPerHour, 20))
			one.Reopen = time.Duration(cmp.Or(spec.ReopenAfterSeconds, 3600)) * time.Second
		}
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b alerts.Playbook) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// observeRouting is the playbook as it serves for alerts. While a new version is being checked, and nobody else has to agree to it, that is the one
// before: else each edit would have every alert be nobody's for a moment.
func (r *routing) observeRouting(ctx context.Context, current *strategyv1.StrategyPlaybook) (facts.Playbook, error) {
	served, err := r.observeServed(ctx, current)
	checked := served.Problem != nil && served.Problem.Passes
	if err != nil || !checked || !conditions.True(current.Status.Conditions, strategyv1.ConditionReady) || r.reviewWanted(ctx, current.Namespace) {
		return served, err
	}
	before, missing, err := r.observeFrozen(ctx, current.Namespace, current.Status.Revision)
	if err != nil || missing != nil {
		return served, err
	}
	return thawed(before, current.Status.Revision), nil
}

// unserved says why nothing starts on a playbook; empty: something may.
func unserved(served facts.Playbook) string {
	switch {
	case served.Problem != nil:
		return bounded.Line(served.Problem.Message, maxUnserved)
	case served.AwaitsReview:
		return bounded.Line(served.Hold.Message+". "+served.Hold.Ends, maxUnserved)
	default:
		return ""
	}
}

// maxUnserved is how long the reason may be: the message of a condition has room for more around it.
const maxUnserved = 1024

// table is a version of a playbook's routes.
type table struct {
	playbook types.UID
	version  string
}

// tableBytes is how much memory a compiled route takes, about.
const tableBytes = 16 << 10

// tableOf compiles the routes of each version once. What cannot be read of them the playbook tells.
func (r *reader) tableOf(uid types.UID, version string, spec *strategyv1.AlertsSpec) *routes.Table {
	at := table{uid, version}
	if known, found := r.tables.get(at); found {
		return known
	}
	made, _ := routes.Compile(spec)
	size := 0
	if spec != nil {
		size = tableBytes * len(spec.Routes)
	}
	r.tables.put(at, made, size)
	return made
}

// opened remembers the incidents that alerts opened just now: a cache may not show them yet, and a storm must not open more than it may.
type opened struct {
	mu    sync.Mutex
	known map[types.NamespacedName]dated[*strategyv1.StrategyIncident]
}

// openedFor is how long one is remembered that no cache has shown; then somebody has deleted it.
const openedFor = 10 * time.Second

func (o *opened) put(incident *strategyv1.StrategyIncident, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.known == nil {
		o.known = map[types.NamespacedName]dated[*strategyv1.StrategyIncident]{}
	}
	o.known[client.ObjectKeyFromObject(incident)] = dated[*strategyv1.StrategyIncident]{incident, now}
}

// with is a list of incidents of a namespace, with those that it does not show yet.
func (o *opened) with(namespace string, shown []strategyv1.StrategyIncident, now time.Time) []strategyv1.StrategyIncident {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.known) == 0 {
		return shown
	}
	for i := range shown {
		delete(o.known, client.ObjectKeyFromObject(&shown[i]))
	}
	all := slices.Clone(shown)
	for at, one := range o.known {
		switch {
		case now.Sub(one.at) > openedFor:
			delete(o.known, at)
		case at.Namespace == namespace:
			all = append(all, *one.value)
		}
	}
	return all
}

// beats remembers when a heartbeat was last looked at, by namespace.
type beats struct {
	mu sync.Mutex
	at map[string]time.Time
}

func (b *beats) seen(namespace string, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.at == nil {
		b.at = map[string]time.Time{}
	}
	b.at[namespace] = now
}

// last is zero where there was none.
func (b *beats) last(namespace string) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.at[namespace]
}
