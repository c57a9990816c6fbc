package input

import (
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/sim"
)

// TestSomebodyOnCallMayNotDecide: the playbook says so once, and takes it back by itself when the role is bound; incidents run all the same, and no
// answer is neither a yes nor a no.
func TestSomebodyOnCallMayNotDecide(t *testing.T) {
	t.Parallel()
	s := tell(t, nil)
	lacks, silent, asked := true, error(nil), 0
	s.MayNot = func(right facts.Right) (bool, error) {
		asked++
		return lacks && right == facts.Right{Name: "carol", Verb: "approve", Resource: "strategyrollbacks"}, silent
	}
	s.Create(&corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: "rotation", Labels: map[string]string{strategyv1.LabelManaged: strategyv1.ManagedValue}},
		Data: map[string]string{"oncall.yaml": `
timeZone: UTC
people: [{name: alice, contact: a}, {name: carol, contact: c}]
rotations:
- {level: L1, start: "2026-11-01 00:00", shift: 1d, members: [alice]}
- {level: L2, start: "2026-11-01 00:00", shift: 1d, members: [alice, carol]}
`},
	})
	s.changePlaybook(func(spec *strategyv1.StrategyPlaybookSpec) {
		spec.Escalation = &strategyv1.EscalationSpec{Rotation: &strategyv1.DocumentReference{ConfigMapName: "rotation", Key: "oncall.yaml"}}
	})
	s.settle()
	says := func(what string, want metav1.ConditionStatus, warnings int) {
		t.Helper()
		found := meta.FindStatusCondition(s.conditions(aPlaybook(), sim.Playbook), strategyv1.ConditionOnCallMayDecide)
		if found == nil || found.Status != want {
			t.Errorf("%s: %+v, want %s", what, found, want)
		}
		if n := s.warnings(aPlaybook(), sim.Playbook, strategyv1.ReasonRightsMissing); n != warnings {
			t.Errorf("%s: %d warnings, want %d", what, n, warnings)
		}
	}
	says("carol has no role", metav1.ConditionFalse, 1)
	s.is(aPlaybook(), sim.Playbook, "Valid")
	first := asked
	s.ReportIncident(nil)
	s.later(time.Minute)
	says("a minute later", metav1.ConditionFalse, 1)
	if asked != first || first != 6 {
		t.Errorf("%d questions at first, %d a minute later", first, asked)
	}
	if s.Incident().Status.State == strategyv1.IncidentNew {
		t.Error("an incident waits for it")
	}
	silent = errors.New("no answer")
	s.later(10 * time.Minute)
	says("no answer", metav1.ConditionUnknown, 1)
	silent, lacks = nil, false
	s.later(time.Minute)
	says("the role is bound", metav1.ConditionTrue, 1)
	lacks = true
	s.later(10 * time.Minute)
	says("and taken away", metav1.ConditionFalse, 2)
}
