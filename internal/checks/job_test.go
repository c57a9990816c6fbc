package checks

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

func run(template corev1.PodTemplateSpec) Run {
	return Run{
		Namespace: "trading", Owner: metav1.OwnerReference{Kind: "StrategyIncident", Name: "pnl", UID: "u-1", Controller: new(true)},
		Stage: strategyv1.StageTriage, Attempt: 3, Template: template,
		Check:   strategyv1.CheckSpec{Name: "audit", Command: []string{"python", "a.py"}, TimeoutSeconds: 120},
		Context: Context{"pnl", "PnL", "Critical", "fast", "arb", "main", "paper"},
	}
}

func TestJob(t *testing.T) {
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"team": "x", strategyv1.LabelCheck: "forged"}},
		Spec: corev1.PodSpec{
			RestartPolicy:  corev1.RestartPolicyAlways,
			InitContainers: []corev1.Container{{Name: "init"}},
			Containers:     []corev1.Container{{Name: "main", Image: "tools:1", Command: []string{"x"}, Args: []string{"y"}}, {Name: "sidecar", Args: []string{"z"}}},
		},
	}
	untouched := template.DeepCopy()
	job := Job(run(template))
	if diff := cmp.Diff(*untouched, template); diff != "" {
		t.Errorf("the template was changed:\n%s", diff)
	}
	labels := map[string]string{strategyv1.LabelOwnerUID: "u-1", strategyv1.LabelStage: "Triage", strategyv1.LabelCheck: "audit", strategyv1.LabelAttempt: "3"}
	if diff := cmp.Diff(labels, job.Labels); diff != "" {
		t.Error(diff)
	}
	labels["team"] = "x"
	if diff := cmp.Diff(labels, job.Spec.Template.Labels); diff != "" {
		t.Error(diff)
	}
	spec := job.Spec.Template.Spec
	restricted := &corev1.SecurityContext{AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}}
	want := corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyNever, ActiveDeadlineSeconds: new(int64(120)), AutomountServiceAccountToken: new(false),
		SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
		InitContainers:  []corev1.Container{{Name: "init", SecurityContext: restricted}},
		Containers: []corev1.Container{
			{Name: "main", Image: "tools:1", Command: []string{"python", "a.py"}, SecurityContext: restricted, Env: spec.Containers[0].Env},
			{Name: "sidecar", Args: []string{"z"}, SecurityContext: restricted},
		},
	}
	if diff := cmp.Diff(want, spec); diff != "" {
		t.Errorf("pod (-want +got):\n%s", diff)
	}
	if job.Spec.ActiveDeadlineSeconds != nil || job.Spec.TTLSecondsAfterFinished != nil || *job.Spec.BackoffLimit != 0 {
		t.Errorf("a limit on the Job would delete the report: %+v", job.Spec)
	}
	if job.Namespace != "trading" || len(job.OwnerReferences) != 1 || job.OwnerReferences[0].UID != "u-1" {
		t.Errorf("%+v", job.ObjectMeta)
	}
}

func TestTheTemplatesOwnSecurityStays(t *testing.T) {
	security := &corev1.SecurityContext{AllowPrivilegeEscalation: new(true), Capabilities: &corev1.Capabilities{Add: []corev1.Capability{"NET_RAW"}}}
	pod := &corev1.PodSecurityContext{RunAsNonRoot: new(false), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}}
	job := Job(run(corev1.PodTemplateSpec{Spec: corev1.PodSpec{
		AutomountServiceAccountToken: new(true), SecurityContext: pod, Containers: []corev1.Container{{Name: "main", SecurityContext: security}},
	}}))
	got := job.Spec.Template.Spec
	if diff := cmp.Diff(pod, got.SecurityContext) + cmp.Diff(security, got.Containers[0].SecurityContext); diff != "" || !*got.AutomountServiceAccountToken {
		t.Errorf("what the playbook's author decided was changed: %s", diff)
	}
}

func TestEnvironment(t *testing.T) {
	text := func(s string) *string { return &s }
	r := run(corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Env: []corev1.EnvVar{
		{Name: "ONLY_TEMPLATE", Value: "t"}, {Name: "A", Value: "t"}, {Name: "B", Value: "t"}, {Name: "INCIDENT", Value: "forged"}, {Name: "INCIDENT", Value: "forged twice"},
		{Name: "C", ValueFrom: &corev1.EnvVarSource{}},
	}}}}})
	r.Check.Env = []strategyv1.EnvVar{{Name: "A", Value: text("check")}, {Name: "B", Value: text("check")}, {Name: "STAGE", Value: text("forged")}, {Name: "C"}}
	r.Use.Env = []strategyv1.EnvVar{{Name: "B", Value: text("use")}, {Name: "ATTEMPT", Value: text("9")}}
	got := map[string]string{}
	for _, variable := range Job(r).Spec.Template.Spec.Containers[0].Env {
		if _, twice := got[variable.Name]; twice {
			t.Errorf("%s stands twice", variable.Name)
		}
		if variable.ValueFrom != nil {
			t.Errorf("%s still has a source", variable.Name)
		}
		got[variable.Name] = variable.Value
	}
	want := map[string]string{
		"ONLY_TEMPLATE": "t", "A": "check", "B": "use", "C": "", "INCIDENT": "pnl", "TYPE": "PnL", "SEVERITY": "Critical", "SCHEDULE": "fast",
		"STRATEGY": "arb", "SCHEDULER": "main", "ENVIRONMENT": "paper", "STAGE": "Triage", "CHECK": "audit", "ATTEMPT": "3",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestAnIncidentsWordsAreHandedOnAsTheyAre: Kubernetes would put another variable's value in for $(TOKEN), and that may be a secret.
func TestAnIncidentsWordsAreHandedOnAsTheyAre(t *testing.T) {
	r := run(corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main"}}}})
	r.Context.Schedule = "$(TOKEN) $$(TOKEN) $"
	for _, variable := range Job(r).Spec.Template.Spec.Containers[0].Env {
		if variable.Name == "SCHEDULE" && variable.Value != "$$(TOKEN) $$$$(TOKEN) $$" {
			t.Errorf("SCHEDULE is %q", variable.Value)
		}
	}
}

func TestJobNamesAreValidAndTellAttemptsApart(t *testing.T) {
	name := regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	rapid.Check(t, func(t *rapid.T) {
		uid := rapid.StringMatching(`[0-9a-f]{8}-[0-9a-f]{4}`).Draw(t, "uid")
		stage := rapid.SampledFrom([]strategyv1.Stage{"Triage", "Diagnosis", "Before", "Proof", "After", "Restore", "RestoreProof"}).Draw(t, "stage")
		check := rapid.StringMatching(`[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?`).Draw(t, "check")
		seen := map[string]string{}
		for _, u := range []string{uid, uid + "0"} {
			for _, c := range []string{check, check + "0"} {
				for attempt := range int32(12) {
					got := JobName(u, stage, c, attempt)
					if len(got) > 63 || !name.MatchString(got) {
						t.Fatalf("%q is no name of a Job", got)
					}
					if got != JobName(u, stage, c, attempt) {
						t.Fatalf("the name changes")
					}
					of := fmt.Sprint(u, c, attempt)
					if other := seen[got]; other != "" {
						t.Fatalf("%s and %s have one name", of, other)
					}
					seen[got] = of
				}
			}
		}
	})
	if got := JobName("u", "Triage", strings.Repeat("a", 40), 1); len(got) != 51 {
		t.Errorf("%s has %d characters", got, len(got))
	}
}

// TestTheTerminationMessageIsNeverTheLog, which has text of others: a template may ask for that.
func TestTheTerminationMessageIsNeverTheLog(t *testing.T) {
	asked := run(corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError}}}})
	asked.Check.ReportFrom = strategyv1.ReportFromTerminationMessage
	if got := Job(asked).Spec.Template.Spec.Containers[0].TerminationMessagePolicy; got != corev1.TerminationMessageReadFile {
		t.Errorf("the policy is %q", got)
	}
}
