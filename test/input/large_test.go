package input

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"tradeops.dev/strategy-operator/controllers/namespaces"
	"tradeops.dev/strategy-operator/internal/sim"
)

// What is too large for the caches is read all the same: a check runs from such a PodTemplate, and such a Deployment is restarted.
func TestLargeObjectsAreReadFromTheServer(t *testing.T) {
	large := []corev1.EnvVar{{Name: "LARGE", Value: strings.Repeat("x", namespaces.Small)}}
	s := tell(t, nil)
	sim.Change(s.World, sim.Template, &corev1.PodTemplate{}, func(p *corev1.PodTemplate) { p.Template.Spec.Containers[0].Env = large })
	sim.Change(s.World, sim.Deployment, &appsv1.Deployment{}, func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Env = large })
	s.Report, s.People = sim.Losing, sim.People(sim.Approve, sim.Restore)
	s.ReportIncident(nil)
	s.settle()
	s.is(anIncident(), s.Incident().Name, "Resolved")
	if s.Restarts < 2 {
		t.Errorf("the scheduler was restarted %d times, not for the change and its end", s.Restarts)
	}
}

// A check is not taken for the scheduler, also where the Deployment is too large for the cache.
func TestALargeDeploymentKnowsItsPods(t *testing.T) {
	s := tell(t, nil)
	sim.Change(s.World, sim.Deployment, &appsv1.Deployment{}, func(d *appsv1.Deployment) {
		d.Spec.Template.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "LARGE", Value: strings.Repeat("x", namespaces.Small)}}
	})
	s.labelTemplate(map[string]string{"app": "scheduler"})
	s.ReportIncident(nil)
	s.settle()
	s.stalls(anIncident(), "pnl", "PlaybookNotReady", "Deployment bot-core-scheduler knows its pods")
	s.noJobs()
}

func (s *story) labelTemplate(labels map[string]string) {
	s.t.Helper()
	sim.Change(s.World, sim.Template, &corev1.PodTemplate{}, func(p *corev1.PodTemplate) { p.Template.Labels = labels })
}
