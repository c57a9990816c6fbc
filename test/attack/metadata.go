package attack

import (
	"context"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// What stands in the namespace during the table.
var (
	aPlaybook  = &strategyv1.StrategyPlaybook{ObjectMeta: metav1.ObjectMeta{Name: "book"}, Spec: testkit.Playbook()}
	anIncident = &strategyv1.StrategyIncident{
		ObjectMeta: metav1.ObjectMeta{Name: "loss"},
		Spec:       strategyv1.StrategyIncidentSpec{PlaybookName: "book", Type: "PnL", RequestedBy: "admin"},
	}
	aRollback = &strategyv1.StrategyRollback{
		ObjectMeta: metav1.ObjectMeta{Name: "pause", Finalizers: []string{strategyv1.Finalizer}},
		Spec: strategyv1.StrategyRollbackSpec{
			PlaybookName: "book", RequestedBy: "admin",
			Actions: []strategyv1.RollbackAction{{Type: strategyv1.ActionDisableSchedule, Schedule: "cross_exchange_watch"}},
		},
	}
	aDecision = &strategyv1.StrategyDecision{
		ObjectMeta: metav1.ObjectMeta{Name: "denied"},
		Spec: strategyv1.StrategyDecisionSpec{
			Target: strategyv1.DecisionTarget{Kind: strategyv1.KindRollback, Name: "pause"}, Verdict: strategyv1.DecisionDeny, Reason: "not today", By: "admin",
		},
	}
)

// metadata is neither a right nor a wedge.
func metadata() table {
	const (
		gone     = `{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"gone","uid":"11111111-2222-3333-4444-555555555555"}]}}`
		wedge    = `{"metadata":{"finalizers":["evil.example/never"]}}`
		ours     = `{"metadata":{"finalizers":["` + strategyv1.Finalizer + `"]}}`
		off      = `{"metadata":{"finalizers":null}}`
		noOwner  = " may not change metadata.ownerReferences, since what has an owner is deleted with it: the verb delete on "
		noWedge  = " may not add a finalizer, which would keep the object from being deleted: the verb delete on "
		noTaking = " may not take off the finalizer strategy.tradeops.dev/edits, without which nobody undoes the change"
	)
	large := func(key string, size int) string {
		return fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, key, strings.Repeat("x", size))
	}
	const applied = "kubectl.kubernetes.io/last-applied-configuration"
	manyLabels := make([]string, 65)
	for i := range manyLabels {
		manyLabels[i] = fmt.Sprintf(`"l%d":""`, i)
	}
	rows := []attack{
		{"a playbook editor, who may delete, adds an owner", paul, patch(aPlaybook, gone), ""},
		{"who may update a rollback and not delete it: takes off our finalizer", gil, patch(aRollback, off), "gil" + noTaking},
		{"an approver, who may delete, takes it off", arno, patch(aRollback, off), ""},
		{"the operator takes it off", operator, patch(aRollback, off), ""},
		{"the operator has it put back", operator, patch(aRollback, ours), ""},
		{"the operator adds another finalizer", operator, patch(aRollback, `{"metadata":{"finalizers":["`+strategyv1.Finalizer+`","evil.example/never"]}}`), ""},
		{"a decision with an owner, by an approver", anna, create(owned(aDecision, anna)), "a decision is a record and belongs to no other object"},
		{"a decision with an owner, by the administrator", adam, create(owned(aDecision, adam)), "a decision is a record and belongs to no other object"},
		{"an incident with an owner", rita, create(owned(anIncident, rita)), "rita" + noOwner + "strategyincidents in namespace attacked is not granted"},
		{"an incident with a finalizer", rita, create(held(anIncident, rita, "evil.example/never")), "rita" + noWedge + "strategyincidents in namespace attacked is not granted"},
		{"an incident with the operator's finalizer, which it takes off rollbacks only", rita, create(held(anIncident, rita, strategyv1.Finalizer)), "rita" + noWedge},
		{"a decision with a finalizer", anna, create(held(aDecision, anna, "evil.example/never")), "anna" + noWedge + "strategydecisions"},
		{"an incident that is deleted in the foreground", rita, create(held(anIncident, rita, "foregroundDeletion")), ""},
		{"an incident, as it should be", rita, create(by(anIncident, rita)), ""},
		{"a decision, as it should be", anna, create(by(aDecision, anna)), ""},
		{"a playbook with what kubectl keeps of it", paul, patch(aPlaybook, large(applied, 200<<10)), ""},
		{"an incident with as much", gil, patch(anIncident, large(applied, 33<<10)), "last-applied-configuration is too large"},
		{"an incident with what kubectl keeps of it", gil, patch(anIncident, large(applied, 4<<10)), ""},
		{"the administrator fills the memory", adam, patch(anIncident, large("note", 17<<10)), "the annotations are too large"},
		{"the administrator fills it with labels", adam, patch(anIncident, `{"metadata":{"labels":{`+strings.Join(manyLabels, ",")+`}}}`), "there are too many labels"},
		{"the administrator leaves a note", adam, patch(anIncident, large("note", 1<<10)), ""},
	}
	for _, object := range []client.Object{aPlaybook, anIncident, aRollback, aDecision} {
		kind := fmt.Sprintf("%T: ", object)[len("*v1alpha1."):]
		rows = append(rows,
			attack{kind + "who may update adds an owner", gil, patch(object, gone), "gil" + noOwner},
			attack{kind + "the administrator does", adam, patch(object, gone), ""},
			attack{kind + "the garbage collector changes one", garbage, patch(object, gone), ""},
			attack{kind + "who may update adds a finalizer", gil, patch(object, `{"metadata":{"finalizers":["`+strategyv1.Finalizer+`","evil.example/never"]}}`), "gil" + noWedge},
			attack{kind + "through the status", adam, status(object, gone), `cannot patch resource`},
			attack{kind + "the operator through the status, where it changes nothing", operator, unchangedByStatus(object, wedge), ""},
			attack{kind + "who may update adds a label", gil, patch(object, `{"metadata":{"labels":{"desk":"crypto"}}}`), ""},
		)
	}
	return table{"metadata", func(t *testing.T, server Server) {
		for _, object := range []client.Object{aPlaybook, anIncident, aRollback, aDecision} {
			put(t, server, object)
		}
	}, rows}
}

// by is an object in somebody's name, and with no name of its own.
func by[T client.Object](object T, user string) T {
	made, _ := object.DeepCopyObject().(T)
	made.SetName("")
	made.SetGenerateName("attack-")
	made.SetFinalizers(nil)
	switch typed := any(made).(type) {
	case *strategyv1.StrategyIncident:
		typed.Spec.RequestedBy = user
	case *strategyv1.StrategyRollback:
		typed.Spec.RequestedBy = user
	case *strategyv1.StrategyDecision:
		typed.Spec.By = user
	}
	return made
}

func owned[T client.Object](object T, user string) T {
	made := by(object, user)
	made.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "gone", UID: "11111111-2222-3333-4444-555555555555"}})
	return made
}

func held[T client.Object](object T, user, finalizer string) T {
	made := by(object, user)
	made.SetFinalizers([]string{finalizer})
	return made
}

// unchangedByStatus sends metadata to the status, and complains if any of it arrives.
func unchangedByStatus(object client.Object, text string) func(context.Context, client.Client) error {
	return func(ctx context.Context, as client.Client) error {
		answer := sent(object)
		if err := as.Status().Patch(ctx, answer, patchOf(object, text), client.DryRunAll); err != nil {
			return err
		}
		for _, finalizer := range answer.GetFinalizers() {
			if finalizer != strategyv1.Finalizer {
				return fmt.Errorf("the status subresource adds the finalizer %s", finalizer)
			}
		}
		return nil
	}
}
