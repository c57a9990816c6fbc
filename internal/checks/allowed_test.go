package checks

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

func TestAllowed(t *testing.T) {
	type labels map[string]string
	exempt := labels{strategyv1.LabelPodSecurityExempt: "true"}
	accounts := labels{strategyv1.LabelServiceAccounts: "tools_default"}
	for name, c := range map[string]struct {
		change func(*corev1.PodSpec)
		labels labels
		says   string // empty: it is allowed
	}{
		"what is silent":                   {},
		"what is large":                    {change: withLarge(MaxTemplateBytes - 1000)},
		"the node's network":               {change: func(p *corev1.PodSpec) { p.HostNetwork = true }, says: "hostNetwork=true"},
		"the node's network, by exception": {change: func(p *corev1.PodSpec) { p.HostNetwork = true }, labels: exempt},
		"another word for the exception":   {change: func(p *corev1.PodSpec) { p.HostNetwork = true }, labels: labels{strategyv1.LabelPodSecurityExempt: "yes"}, says: "hostNetwork"},
		"the node's processes":             {change: func(p *corev1.PodSpec) { p.HostPID = true }, says: "hostPID=true"},
		"the node's files": {change: func(p *corev1.PodSpec) {
			p.Volumes[0].VolumeSource = corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}
		}, says: "hostPath"},
		"root": {change: func(p *corev1.PodSpec) { p.SecurityContext = &corev1.PodSecurityContext{RunAsUser: new(int64(0))} }, says: "runAsUser=0"},
		"privileged": {change: func(p *corev1.PodSpec) {
			p.Containers[0].SecurityContext = &corev1.SecurityContext{Privileged: new(true)}
		}, says: "privileged"},
		"privileged before": {change: func(p *corev1.PodSpec) {
			p.InitContainers = []corev1.Container{{Name: "i", SecurityContext: &corev1.SecurityContext{Privileged: new(true)}}}
		}, says: `container "i"`},
		"a service account":               {change: func(p *corev1.PodSpec) { p.ServiceAccountName = "powerful" }, says: "kubectl label namespace trading strategy.tradeops.dev/service-accounts=powerful"},
		"a service account of the label":  {change: func(p *corev1.PodSpec) { p.ServiceAccountName = "tools" }, labels: accounts},
		"a part of a name of the label":   {change: func(p *corev1.PodSpec) { p.ServiceAccountName = "tool" }, labels: accounts, says: "service account tool"},
		"the exception is of no accounts": {change: func(p *corev1.PodSpec) { p.ServiceAccountName = "powerful" }, labels: exempt, says: "service account powerful"},
		"a token":                         {change: func(p *corev1.PodSpec) { p.AutomountServiceAccountToken = new(true) }, says: "service account default"},
		"a token of the label":            {change: func(p *corev1.PodSpec) { p.AutomountServiceAccountToken = new(true) }, labels: accounts},
		"a token in a volume": {change: func(p *corev1.PodSpec) {
			p.Volumes[0].VolumeSource = corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{}}}}}
		}, says: "or with its token"},
		"words that are not ours": {change: func(p *corev1.PodSpec) { p.ServiceAccountName = "a\x1b[2J" }, says: "service account a"},
	} {
		t.Run(name, func(t *testing.T) {
			spec := corev1.PodSpec{Containers: []corev1.Container{{Name: "main"}}, Volumes: []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}}
			if c.change != nil {
				c.change(&spec)
			}
			before := spec.DeepCopy()
			got := Allowed(corev1.PodTemplateSpec{Spec: spec}, "trading", c.labels, nil)
			if (got.NotAllowed != "") != (c.says != "") || !strings.Contains(got.NotAllowed, c.says) || strings.Contains(got.NotAllowed, "\x1b") {
				t.Errorf("it says %q, want %q", got.NotAllowed, c.says)
			}
			if spec.String() != before.String() || got.Spec.String() != before.String() {
				t.Error("the template was changed")
			}
		})
	}
}

func withLarge(bytes int) func(*corev1.PodSpec) {
	return func(p *corev1.PodSpec) {
		p.Containers[0].Env = []corev1.EnvVar{{Name: "LARGE", Value: strings.Repeat("x", bytes)}}
	}
}

// A pass holds the PodTemplates of all checks of a playbook at once.
func TestATemplateThatIsTooLargeIsNotHeld(t *testing.T) {
	exempt := map[string]string{strategyv1.LabelPodSecurityExempt: "true"}
	for _, labels := range []map[string]string{nil, exempt} {
		template := corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: make([]corev1.Container, 1)}}
		withLarge(MaxTemplateBytes)(&template.Spec)
		got := Allowed(template, "trading", labels, nil)
		if got.Size() > 100 || !strings.Contains(got.NotAllowed, "may have 65536 at most") {
			t.Errorf("%d bytes are held, and it says %q", got.Size(), got.NotAllowed)
		}
	}
}

// A check's pod that looks like the scheduler's is sent its traffic, and counts as one that trades.
func TestACheckIsNotTakenForTheScheduler(t *testing.T) {
	by := func(selector *metav1.LabelSelector) []appsv1.Deployment {
		return []appsv1.Deployment{{ObjectMeta: metav1.ObjectMeta{Name: "other"}}, {ObjectMeta: metav1.ObjectMeta{Name: "scheduler"}, Spec: appsv1.DeploymentSpec{Selector: selector}}}
	}
	app := by(&metav1.LabelSelector{MatchLabels: map[string]string{"app": "scheduler", "tier": "live"}})
	without := func(key string) []appsv1.Deployment {
		return by(&metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: key, Operator: metav1.LabelSelectorOpDoesNotExist}}})
	}
	for name, c := range map[string]struct {
		own        map[string]string
		schedulers []appsv1.Deployment
		says       string
	}{
		"no scheduler":               {map[string]string{"app": "scheduler"}, nil, ""},
		"no labels":                  {nil, app, ""},
		"other labels":               {map[string]string{"app": "tools", "tier": "live"}, app, ""},
		"some of them":               {map[string]string{"app": "scheduler"}, app, ""},
		"all of them, and one more":  {map[string]string{"app": "scheduler", "tier": "live", "team": "x"}, app, "Deployment scheduler knows its pods (app=scheduler,tier=live)"},
		"all that have no such one":  {nil, without("team"), "Deployment scheduler"},
		"all that are no checks":     {nil, without(strategyv1.LabelCheck), ""},
		"a selector nobody can read": {nil, by(&metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Near"}}}), "Deployment scheduler"},
	} {
		t.Run(name, func(t *testing.T) {
			template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: c.own}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main"}}}}
			got := Allowed(template, "trading", nil, c.schedulers).NotAllowed
			if (got != "") != (c.says != "") || !strings.Contains(got, c.says) {
				t.Errorf("it says %q, want %q", got, c.says)
			}
		})
	}
}
