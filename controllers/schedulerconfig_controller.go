package controllers

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/pass"
	"tradeops.dev/strategy-operator/internal/record"
	"tradeops.dev/strategy-operator/internal/schedulerconfig"
)

// configurations observes and plans for the only writer of scheduler configurations. It is keyed by ConfigMap, so that all rollbacks on
// one configuration share one writer, one write and one restart.
type configurations struct{ *reader }

// noStatus: what is in force stands in the record, which is written with the content.
type noStatus struct{}

// decide plans at most one write for all claims. Claims that changed meanwhile are read again first.
func (r *configurations) decide(ctx context.Context, configMap *corev1.ConfigMap, now time.Time) (decided decision[noStatus], err error) {
	if !configMap.DeletionTimestamp.IsZero() {
		return decided, nil
	}
	configMap, problem, err := r.observeConfigMap(ctx, client.ObjectKeyFromObject(configMap))
	if err != nil || problem != nil { // what is wrong with it is told by those who claim something of it
		return decided, err
	}
	observed, err := r.observeClaims(ctx, configMap)
	if observed.unsure {
		decided.nextAt = now.Add(pass.Recheck)
	}
	if err != nil {
		return decided, err
	}
	for _, doubt := range observed.forged {
		decided.actions = append(decided.actions, warning(strategyv1.ReasonRecordForged, "%s", forgedWords(doubt)))
	}
	if len(observed.Claims)+len(observed.Orphans) == 0 {
		return decided, nil
	}
	plan, err := schedulerconfig.Plan(observed.Observed, now)
	if err != nil {
		return decided, err
	}
	decided.nextAt = checks.Earlier(decided.nextAt, plan.NextAt)
	for _, refusal := range plan.Refused {
		decided.actions = append(decided.actions, warning(refusal.Reason, "rollback %s: %s", refusal.Name, refusal.Message))
	}
	if plan.Write == nil {
		return decided, nil
	}
	stand, err := r.claimsStand(ctx, configMap.Namespace, plan.Pending, observed.State)
	if err != nil || !stand {
		decided.nextAt = now.Add(r.Pauses.CatchUp)
		return decided, err
	}
	decided.actions = append(decided.actions, written(configMap, plan)...)
	return decided, nil
}

// written is a write of the configuration: what it proves first, and whom it concerns after it.
func written(configMap *corev1.ConfigMap, plan schedulerconfig.Decision) (actions []action.Action) {
	for _, receipt := range plan.Receipts {
		actions = append(actions, action.KeepReceipt{
			Key: types.NamespacedName{Namespace: configMap.Namespace, Name: receipt.Name}, UID: receipt.UID, Entry: receipt.Entry,
		})
	}
	actions = append(actions, *plan.Write)
	for _, orphan := range plan.Dropped {
		actions = append(actions, warning(strategyv1.ReasonOrphanEdits,
			"the record of the edits names rollback %s, which does not exist: it was removed by force, or somebody else wrote that. What the configuration holds there stays, and nobody undoes it (before, as the record says: %s)%s", bounded.Line(orphan.Name, 253), earlier(orphan), stillPaused(orphan)))
	}
	for _, left := range plan.Left {
		actions = append(actions, warning(strategyv1.ReasonEditsLeft,
			"rollback %s was deleted with deletionPolicy Retain: its edits stay and nobody undoes them (before: %s)%s", left.Name, earlier(left), stillPaused(left)))
	}
	return actions
}

func warning(reason, format string, args ...any) action.Event {
	return action.Event{Type: corev1.EventTypeWarning, Reason: reason, Message: bounded.Line(fmt.Sprintf(format, args...), 1000)}
}

// stillPaused tells of the annotation that was set with edits that stay: without it the tool would undo them.
func stillPaused(holder record.Holder) string {
	if holder.Pause == "" {
		return ""
	}
	return fmt.Sprintf(". Annotation %s, which was set with them, stays, too: nothing that Git says of the ConfigMap arrives until somebody takes it off", bounded.Line(holder.Pause, 128))
}

// earlier is what a holder's edits replaced, for whoever wants to bring it back by hand.
func earlier(holder record.Holder) string {
	words := make([]string, len(holder.Records))
	for i, record := range holder.Records {
		words[i] = fmt.Sprintf("%s = %s", record.Path, record.From)
		if record.Absent {
			words[i] = record.Path + " did not exist"
		}
	}
	return bounded.Line(strings.Join(words, "; "), 600)
}

// forgedWords say what nobody believes, and what to do about it.
func forgedWords(doubt record.Doubt) string {
	if doubt.Name == "" {
		return fmt.Sprintf("annotation %s: %s. Nothing is written before somebody takes it off; %s", strategyv1.AnnotationEdits, bounded.Line(doubt.Differs, 400), forgedHelp)
	}
	return fmt.Sprintf("annotation %s: what it says of rollback %s is not what the operator wrote, and is not believed: %s; %s",
		strategyv1.AnnotationEdits, doubt.Name, doubt.Differs, forgedHelp)
}

const forgedHelp = "who changed it: kubectl get configmap -o yaml --show-managed-fields, and the audit log. The rollback says how to go on"

func (r *configurations) loop(does *executor) *loop[*corev1.ConfigMap, noStatus] {
	return &loop[*corev1.ConfigMap, noStatus]{
		executor: does,
		pauses:   r.Pauses,
		empty:    func() *corev1.ConfigMap { return &corev1.ConfigMap{} },
		statusOf: func(*corev1.ConfigMap) *noStatus { return &noStatus{} },
		decide:   r.decide,
		wrote:    func(*corev1.ConfigMap, noStatus) {},
	}
}

// whereServed leaves alone what the operator cannot even read.
func (r *configurations) whereServed(does *executor) reconcile.Reconciler {
	next := r.loop(does)
	return reconcile.Func(func(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
		if r.Namespaces.Served(request.Namespace) != nil {
			return reconcile.Result{}, nil
		}
		return next.Reconcile(ctx, request)
	})
}

func (r *configurations) controller(does *executor, wakes waker) Controller {
	return Controller{
		Name: "schedulerconfig", Reconciler: r.whereServed(does), Workers: workers,
		For: itself(&corev1.ConfigMap{}, nil),
		Watches: []Watch{
			{&strategyv1.StrategyPlaybook{}, mapped(wakes.configOfPlaybook), allowedChanged()},
			{&strategyv1.StrategyRollback{}, mapped(configOfRollback), claimChanged()},
		},
	}
}
