package attack

import (
	"context"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

const uid = "99999999-2222-3333-4444-555555555555"

// whose are the labels of a check.
func whose() map[string]string {
	return map[string]string{
		strategyv1.LabelOwnerUID: uid, strategyv1.LabelStage: "Triage", strategyv1.LabelCheck: "audit", strategyv1.LabelAttempt: "1",
	}
}

func podSpec(image string) corev1.PodSpec {
	return corev1.PodSpec{
		RestartPolicy:   corev1.RestartPolicyNever,
		SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
		Containers: []corev1.Container{{
			Name: "tool", Image: image, Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("20m")}},
			SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			},
		}},
	}
}

// job of a check, as the operator makes it; change makes something else of it.
func job(name string, change func(*batchv1.Job)) *batchv1.Job {
	made := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Labels: whose(), Annotations: map[string]string{strategyv1.AnnotationContainer: "tool"},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: strategyv1.GroupVersion.String(), Kind: strategyv1.KindIncident, Name: "loss", UID: uid, Controller: new(true), BlockOwnerDeletion: new(true),
			}},
		},
		Spec: batchv1.JobSpec{BackoffLimit: new(int32(0)), Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: whose()}, Spec: podSpec("tools:1")}},
	}
	if change != nil {
		change(made)
	}
	return made
}

// pod of a check, as the Job controller makes it.
func pod(name string, change func(*corev1.Pod)) *corev1.Pod {
	made := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Labels: whose(), Finalizers: []string{batchv1.JobTrackingFinalizer},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "batch/v1", Kind: "Job", Name: "check", UID: "88888888-2222-3333-4444-555555555555", Controller: new(true), BlockOwnerDeletion: new(true),
			}},
		},
		Spec: podSpec("tools:1"),
	}
	if change != nil {
		change(made)
	}
	return made
}

// workload of a tenant, whose pods would count as the operator's.
func workload() *appsv1.Deployment {
	return &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "tenant"}, Spec: appsv1.DeploymentSpec{
		Selector: &metav1.LabelSelector{MatchLabels: whose()},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: whose()}, Spec: corev1.PodSpec{Containers: podSpec("tools:1").Containers}},
	}}
}

// runs: who may do what to the Jobs and pods of checks.
func runs() table {
	const (
		notCreate = " may not create jobs with the label strategy.tradeops.dev/owner-uid"
		notPod    = " may not create pods with the label strategy.tradeops.dev/owner-uid"
		notSpec   = " may not change what runs in the check "
		notWhose  = " may not change the labels strategy.tradeops.dev/... or the owners"
		template  = " whose template has the label strategy.tradeops.dev/owner-uid"
	)
	check, running := job("check", nil), pod("check-1", nil)
	plain := func(p *corev1.Pod) { p.Labels, p.OwnerReferences = nil, nil }
	noLabel := func(j *batchv1.Job) { j.Labels, j.Spec.Template.Labels = nil, nil }
	owner := `{"apiVersion":"strategy.tradeops.dev/v1alpha1","kind":"StrategyIncident","name":"loss","uid":"` + uid + `","controller":true}`
	bare := pod("bare", plain)
	cron := &batchv1.CronJob{ObjectMeta: metav1.ObjectMeta{Name: "tenant"}, Spec: batchv1.CronJobSpec{
		Schedule: "* * * * *", JobTemplate: batchv1.JobTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: whose()}, Spec: job("", noLabel).Spec},
	}}
	set := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Name: "tenant"}, Spec: appsv1.ReplicaSetSpec{Selector: workload().Spec.Selector, Template: workload().Spec.Template}}
	rows := []attack{
		{"the operator runs a check", operator, create(job("new", nil)), ""},
		{"the Job controller makes its pod", jobController, create(pod("new", nil)), ""},
		{"so do controllers without service accounts", controllers, create(pod("new", nil)), ""},
		{"a tenant forges a check", tina, create(job("new", nil)), tina + notCreate},
		{"the administrator of the namespace does", adam, create(job("new", nil)), adam + notCreate},
		{"without the label, by the owner", tina, create(job("new", noLabel)), tina + notCreate},
		{"without the owner, by the label", tina, create(job("new", func(j *batchv1.Job) { j.OwnerReferences = nil })), tina + notCreate},
		{"a Job of its own, whose pods have the label", tina, create(job("new", func(j *batchv1.Job) { j.OwnerReferences, j.Labels = nil, map[string]string{"a": "b"} })), "tina may not create jobs" + template},
		{"a Job of its own", tina, create(job("new", func(j *batchv1.Job) { noLabel(j); j.OwnerReferences = nil })), ""},
		{"a tenant forges a pod", tina, create(pod("new", nil)), tina + notPod},
		{"another controller makes a pod with the label", replicaSets, create(pod("new", nil)), replicaSets + notPod},
		{"the Job controller makes one that no Job controls", jobController, create(pod("new", func(p *corev1.Pod) { p.OwnerReferences = nil })), jobController + notPod},
		{"a pod of its own", tina, create(pod("new", plain)), ""},
		{"a Deployment whose pods have the label", tina, create(workload()), "tina may not create deployments" + template},
		{"a ReplicaSet whose pods have it", tina, create(set), "tina may not create replicasets" + template},
		{"a CronJob whose Jobs have it", tina, create(cron), "tina may not create cronjobs" + template},
		{"the copy of a drill", tina, create(copyOf("drill")), "tina may not create configmaps"},

		{"another image in a running check", tina, patch(running, `{"spec":{"containers":[{"name":"tool","image":"evil:1"}]}}`), tina + notSpec},
		{"a container put into a running check", gil, ephemeral(running), gil + notSpec},
		{"a container put into another pod", gil, ephemeral(bare), ""},
		{"no resources for a running check", gil, resize(running), gil + notSpec},
		{"another image in a pod of its own", tina, patch(bare, `{"spec":{"containers":[{"name":"tool","image":"evil:1"}]}}`), ""},
		{"a pod becomes one of a check", tina, patch(bare, `{"metadata":{"labels":{"`+strategyv1.LabelOwnerUID+`":"`+uid+`"}}}`), tina + notWhose},
		{"the pod of a check becomes another attempt's", tina, patch(running, `{"metadata":{"labels":{"`+strategyv1.LabelAttempt+`":"2"}}}`), tina + notWhose},
		{"the pod of a check becomes nobody's", tina, patch(running, `{"metadata":{"labels":null}}`), tina + notWhose},
		{"a Job stops", tina, patch(check, `{"spec":{"suspend":true}}`), tina + notSpec},
		{"a Job becomes another attempt's", tina, patch(check, `{"metadata":{"labels":{"`+strategyv1.LabelAttempt+`":"2"}}}`), tina + notWhose},
		{"another container of it counts", tina, patch(check, `{"metadata":{"annotations":{"`+strategyv1.AnnotationContainer+`":"evil"}}}`), tina + notWhose},
		{"a pod gets the incident as its owner", tina, patch(bare, `{"metadata":{"ownerReferences":[`+owner+`]}}`), tina + notWhose},

		{"the Job controller has counted the pod", jobController, patch(running, `{"metadata":{"finalizers":null}}`), ""},
		{"the garbage collector lets a Job go", garbage, patch(check, `{"metadata":{"ownerReferences":null}}`), ""},
		{"somebody labels the pod for a dashboard", tina, patch(running, `{"metadata":{"labels":{"desk":"crypto"}}}`), ""},
		{"a tenant deletes a check, which is tried again", tina, remove(running), ""},
		{"the operator deletes a Job", operator, remove(check), ""},
		{"the Job controller writes its status", jobController, counted(check), ""},
		{"a viewer deletes nothing", victor, remove(check), "cannot delete resource"},
	}
	return table{"runs", func(t *testing.T, server Server) {
		bind(t, server, controllers, "ClusterRole", "system:controller:job-controller") // what it is given where it has no service accounts
		put(t, server, &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "debugs"}, Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{""}, Resources: []string{"pods/ephemeralcontainers", "pods/resize"}, Verbs: []string{"patch"},
		}}})
		bind(t, server, gil, "Role", "debugs")
		until(t, func(ctx context.Context) bool { return server.As(operator).Create(ctx, sent(check)) == nil })
		must(t, server.As(jobController).Create(t.Context(), sent(running)))
		put(t, server, bare)
	}, rows}
}

func copyOf(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Labels: map[string]string{strategyv1.LabelManaged: strategyv1.ManagedValue, strategyv1.LabelDrill: strategyv1.ManagedValue},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: strategyv1.GroupVersion.String(), Kind: strategyv1.KindRollback, Name: "pause", UID: "77777777-2222-3333-4444-555555555555", Controller: new(true),
			}},
		},
		Data: map[string]string{"core.yaml": "a: 1"},
	}
}

// counted is what the Job controller writes.
func counted(job *batchv1.Job) func(context.Context, client.Client) error {
	return func(ctx context.Context, as client.Client) error {
		var counted batchv1.Job
		if err := as.Get(ctx, client.ObjectKeyFromObject(sent(job)), &counted); err != nil {
			return err
		}
		counted.Status.Active = 1
		return as.Status().Update(ctx, &counted, client.DryRunAll)
	}
}

func ephemeral(object *corev1.Pod) func(context.Context, client.Client) error {
	return changing(object, "ephemeralcontainers", `{"spec":{"ephemeralContainers":[{"name":"shell","image":"evil:1"}]}}`)
}

func resize(object *corev1.Pod) func(context.Context, client.Client) error {
	return changing(object, "resize", `{"spec":{"containers":[{"name":"tool","resources":{"requests":{"cpu":"1m"}}}]}}`)
}

func changing(object *corev1.Pod, part, text string) func(context.Context, client.Client) error {
	return func(ctx context.Context, as client.Client) error {
		return as.SubResource(part).Patch(ctx, sent(object), patchOf(object, text), client.DryRunAll)
	}
}
