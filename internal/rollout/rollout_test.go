package rollout_test

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tradeops.dev/strategy-operator/internal/rollout"
)

var (
	written = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	wanted  = map[string]string{"for": "h1"}
)

func pod(name string, change func(*corev1.Pod)) corev1.Pod {
	made := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: wanted, CreationTimestamp: metav1.NewTime(written.Add(time.Second))}}
	if change != nil {
		change(&made)
	}
	return made
}

// rolledOut is a Deployment that was restarted for the configuration, with its one new pod.
func rolledOut() *appsv1.Deployment {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "bot", Generation: 2}}
	d.Spec.Template.Annotations = wanted
	d.Status = appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 1, UpdatedReplicas: 1, AvailableReplicas: 1}
	return d
}

func TestLook(t *testing.T) {
	reloaded := func(d *appsv1.Deployment) {
		d.Annotations, d.Spec.Template.Annotations = map[string]string{"configmap.reloader.stakater.com/reload": "other, core"}, nil
	}
	for name, c := range map[string]struct {
		deployment func(*appsv1.Deployment)
		pods       []corev1.Pod
		after      time.Duration // since the write
		waiting    string
		restart    bool
	}{
		"it runs":                             {nil, []corev1.Pod{pod("new", nil)}, 0, "", false},
		"not restarted":                       {func(d *appsv1.Deployment) { d.Spec.Template.Annotations = nil }, nil, 0, "restarting Deployment bot", true},
		"restarted for another configuration": {func(d *appsv1.Deployment) { d.Spec.Template.Annotations = map[string]string{"for": "h0"} }, nil, 0, "restarting", true},
		"paused":                              {func(d *appsv1.Deployment) { d.Spec.Paused = true }, nil, 0, "is paused", false},
		"its status is about the old pods":    {func(d *appsv1.Deployment) { d.Generation = 3 }, nil, 0, "0 of 1 new pods", false},
		"an old pod is not counted down yet":  {func(d *appsv1.Deployment) { d.Status.Replicas = 2 }, nil, 0, "new pods are available", false},
		"several replicas":                    {func(d *appsv1.Deployment) { d.Spec.Replicas = new(int32(3)) }, nil, 0, "1 of 3 new pods", false},
		"scaled to none": {func(d *appsv1.Deployment) {
			d.Spec.Replicas, d.Status = new(int32(0)), appsv1.DeploymentStatus{ObservedGeneration: 2}
		}, nil, 0, "", false},
		"an old pod":                       {nil, []corev1.Pod{pod("new", nil), pod("old", func(p *corev1.Pod) { p.Annotations = nil })}, 0, "pod old still runs the old configuration", false},
		"an old pod that is ending trades": {nil, []corev1.Pod{pod("old", func(p *corev1.Pod) { p.DeletionTimestamp = new(metav1.NewTime(written)) })}, 0, "still ending", false},
		"an old pod that has ended does not": {nil, []corev1.Pod{pod("old", func(p *corev1.Pod) {
			p.Annotations, p.Status.Phase = nil, corev1.PodFailed
		})}, 0, "", false},
		"left to Reloader, an old pod":      {reloaded, []corev1.Pod{pod("old", func(p *corev1.Pod) { p.CreationTimestamp = metav1.NewTime(written.Add(-time.Hour)) })}, 0, "pod old", false},
		"left to Reloader, a new pod":       {reloaded, []corev1.Pod{pod("new", func(p *corev1.Pod) { p.Annotations = nil })}, 0, "", false},
		"left to Reloader, which does not":  {reloaded, []corev1.Pod{pod("old", func(p *corev1.Pod) { p.CreationTimestamp = metav1.NewTime(written.Add(-time.Hour)) })}, time.Minute, "restarting", true},
		"left to Reloader, which does late": {reloaded, []corev1.Pod{pod("new", func(p *corev1.Pod) { p.Annotations = nil })}, time.Minute, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			d := rolledOut()
			if c.deployment != nil {
				c.deployment(d)
			}
			s := rollout.Scheduler{Deployment: d, Pods: func() []corev1.Pod { return c.pods }, ConfigMap: "core", Written: written, Patience: 30 * time.Second}
			got := s.Look(wanted, written.Add(c.after))
			if got.Restart != c.restart || (got.Waiting == "") != (c.waiting == "") || !strings.Contains(got.Waiting, c.waiting) {
				t.Errorf("got %+v, want %q, restart %t", got, c.waiting, c.restart)
			}
		})
	}
}

// A second restart would stop trading twice.
func TestReloaderIsKnownByItsAnnotations(t *testing.T) {
	for name, c := range map[string]struct {
		annotations map[string]string
		match       bool
		left        bool
	}{
		"none":                     {nil, true, false},
		"auto":                     {map[string]string{"reloader.stakater.com/auto": "true"}, false, true},
		"search and match":         {map[string]string{"reloader.stakater.com/search": "true"}, true, true},
		"search without match":     {map[string]string{"reloader.stakater.com/search": "true"}, false, false},
		"search is off":            {map[string]string{"reloader.stakater.com/search": "false"}, true, false},
		"a name":                   {map[string]string{"configmap.reloader.stakater.com/reload": "a,core"}, false, true},
		"a part of a name":         {map[string]string{"configmap.reloader.stakater.com/reload": "cor,ore,corex"}, false, false},
		"an expression":            {map[string]string{"configmap.reloader.stakater.com/reload": "a, co.*"}, false, true},
		"an expression of another": {map[string]string{"configmap.reloader.stakater.com/reload": "x.*|cor"}, false, false},
		"no expression":            {map[string]string{"configmap.reloader.stakater.com/reload": "(core"}, false, false},
		"nothing":                  {map[string]string{"configmap.reloader.stakater.com/reload": ""}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			d := rolledOut()
			d.Annotations, d.Spec.Template.Annotations = c.annotations, nil
			s := rollout.Scheduler{Deployment: d, Pods: func() []corev1.Pod { return nil }, ConfigMap: "core", Match: c.match, Written: written, Patience: 30 * time.Second}
			if got := s.LeftToReloader(wanted, written); got != c.left {
				t.Errorf("it is left to Reloader: %v", got)
			}
		})
	}
}
