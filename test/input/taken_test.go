package input

import (
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/conditions"
)

// TestAJobOfSomebodyElseIsNotAdopted, even if it looks like ours down to the labels.
func TestAJobOfSomebodyElseIsNotAdopted(t *testing.T) {
	for name, owner := range map[string]*metav1.OwnerReference{
		"a Job without owner": nil,
		"a Job of an incident of the same name that was deleted": {
			APIVersion: strategyv1.GroupVersion.String(), Kind: strategyv1.KindIncident, Name: "pnl", UID: "another", Controller: new(true),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tell(t, nil)
			s.ReportIncident(nil)
			uid := string(s.Incident().UID)
			foreign := &batchv1.Job{
				ObjectMeta: metav1.ObjectMeta{
					Namespace: s.Namespace, Name: checks.JobName(uid, strategyv1.StageTriage, "audit", 1),
					Labels: map[string]string{
						strategyv1.LabelOwnerUID: uid, strategyv1.LabelStage: "Triage", strategyv1.LabelCheck: "audit", strategyv1.LabelAttempt: "1",
					},
				},
				Spec: batchv1.JobSpec{Suspend: new(true), Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
					RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{Name: "main", Image: "foreign:1"}},
				}}},
			}
			if owner != nil {
				foreign.OwnerReferences = []metav1.OwnerReference{*owner}
			}
			s.Create(foreign)
			for range 6 { // the garbage collector is slow
				for s.operator.Step(t.Context()) {
				}
				s.Pass(time.Second)
			}
			says := "Job " + foreign.Name + ": an object of this name exists and belongs to somebody else; delete it"
			if ready := conditions.Message(s.Incident().Status.Conditions, strategyv1.ConditionReady); !strings.Contains(ready, says) {
				t.Errorf("Ready says %s", ready)
			}
			if s.warnings(anIncident(), "pnl", "NameConflict") == 0 {
				t.Errorf("nobody was told: %v", s.Trace)
			}
			var left batchv1.Job
			s.Get(foreign.Name, &left)
			if left.UID != foreign.UID || left.ResourceVersion != foreign.ResourceVersion {
				t.Errorf("the foreign Job was touched: %+v", left.ObjectMeta)
			}
			for _, record := range s.Incident().Status.Checks {
				if record.Name == "audit" {
					t.Errorf("the foreign Job was judged: %+v", record)
				}
			}
			s.is(anIncident(), "pnl", "EffectRefused")

			s.Delete(foreign.Name, &batchv1.Job{})
			s.later(recheck)
			s.is(anIncident(), "pnl", "LooksLikeFalseAlarm")
		})
	}
}
