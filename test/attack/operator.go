package attack

import (
	"context"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/gitops"
)

// itself: what somebody does who has the operator's token.
func itself() table {
	managed := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "core", Labels: map[string]string{strategyv1.LabelManaged: strategyv1.ManagedValue}, Annotations: map[string]string{"team": "desk", strategyv1.AnnotationEdits: "[]", "fluxcd.controlplane.io/reconcile": "enabled"}},
		Data:       map[string]string{"core.yaml": "a: 1", "other.yaml": "b: 1"}, BinaryData: map[string][]byte{"blob": {1}},
	}
	unpaused := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "unpaused", Labels: managed.Labels}}
	kept := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "strategy-operator-system", Name: Namespace + ".decision-log-key"}}
	private := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "private"}, Data: map[string]string{"a": "1"}}
	scheduler := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "scheduler"}, Spec: appsv1.DeploymentSpec{
		Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "scheduler"}},
		Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "scheduler"}, Annotations: map[string]string{"team": "desk"}},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "scheduler", Image: "scheduler:1"}}},
		},
	}}
	const (
		oneKey   = "changes one key of a ConfigMap's data at a time"
		notes    = "of a ConfigMap's metadata the operator changes the annotation strategy.tradeops.dev/edits, pauses Flux"
		template = "of a Deployment the operator changes its own annotations of the pod template, and nothing else"
		asks     = "a check has its node ask no other host"
		node     = "a check shares nothing of its node"
		mounts   = "a check mounts nothing of its node"
		power    = "a check has no privileges"
		root     = "a check does not run as root"
		profile  = "a check runs with the node's profiles"
	)
	check := func(change func(*corev1.PodSpec)) func(context.Context, client.Client) error {
		return create(job("new", func(j *batchv1.Job) { change(&j.Spec.Template.Spec) }))
	}
	security := func(change func(*corev1.SecurityContext)) func(context.Context, client.Client) error {
		return check(func(s *corev1.PodSpec) { change(s.Containers[0].SecurityContext) })
	}
	rows := []attack{
		{"writes the configuration and its record", operator, update(managed, func(c *corev1.ConfigMap) {
			c.Annotations[strategyv1.AnnotationEdits], c.Data["core.yaml"] = "{}", "a: 2"
		}), ""},
		{"takes the record off", operator, update(managed, func(c *corev1.ConfigMap) { delete(c.Annotations, strategyv1.AnnotationEdits) }), ""},
		{"writes two keys", operator, update(managed, func(c *corev1.ConfigMap) { c.Data["core.yaml"], c.Data["other.yaml"] = "a: 2", "b: 2" }), oneKey},
		{"adds a key", operator, update(managed, func(c *corev1.ConfigMap) { c.Data["evil.yaml"] = "a: 2" }), oneKey},
		{"removes a key", operator, update(managed, func(c *corev1.ConfigMap) { delete(c.Data, "other.yaml") }), oneKey},
		{"writes binary data", operator, update(managed, func(c *corev1.ConfigMap) { c.BinaryData["blob"] = []byte{2} }), oneKey},
		{"freezes a configuration", operator, update(managed, func(c *corev1.ConfigMap) { c.Immutable = new(true) }), oneKey},
		{"opts a configuration out", operator, update(managed, func(c *corev1.ConfigMap) { c.Labels = nil }), notes},
		{"changes somebody's annotation", operator, update(managed, func(c *corev1.ConfigMap) { c.Annotations["team"] = "evil" }), notes},
		{"removes somebody's annotation", operator, update(managed, func(c *corev1.ConfigMap) { delete(c.Annotations, "team") }), notes},
		{"tells a tool something else than to pause", operator, update(managed, func(c *corev1.ConfigMap) { c.Annotations["kustomize.toolkit.fluxcd.io/reconcile"] = "enabled" }), notes},
		{"takes off what somebody told a tool", operator, update(managed, func(c *corev1.ConfigMap) { delete(c.Annotations, "fluxcd.controlplane.io/reconcile") }), notes},
		{"pauses a Kustomization", operator, paused(unpaused, strategyv1.OwnerKustomization), ""},
		{"pauses a ResourceSet", operator, paused(unpaused, strategyv1.OwnerResourceSet), ""},
		{"pauses a HelmRelease", operator, paused(unpaused, strategyv1.OwnerHelmRelease), ""},
		{"adds an annotation", operator, update(managed, func(c *corev1.ConfigMap) { c.Annotations["evil"] = "1" }), notes},
		{"wedges a configuration", operator, update(managed, func(c *corev1.ConfigMap) { c.Finalizers = []string{"evil.example/never"} }), notes},
		{"has a configuration deleted", operator, update(managed, func(c *corev1.ConfigMap) { c.OwnerReferences = owned(aDecision, "").OwnerReferences }), notes},
		{"writes a ConfigMap that is not opted in", operator, update(private, func(c *corev1.ConfigMap) { c.Data["a"] = "2" }), "the operator changes no ConfigMap that is not opted in"},
		{"opts one in", operator, update(private, func(c *corev1.ConfigMap) { c.Labels = managed.Labels }), "the operator changes no ConfigMap that is not opted in"},
		{"creates a ConfigMap", operator, create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "kube-root-ca"}}), "the operator creates no ConfigMap but the copy"},
		{"copies a configuration for a drill", operator, create(copyOf("drill")), ""},
		{"others do with a ConfigMap what they may", tina, update(managed, func(c *corev1.ConfigMap) { c.Data["evil.yaml"] = "a: 2" }), ""},

		{"restarts the scheduler", operator, patch(scheduler, `{"spec":{"template":{"metadata":{"annotations":{"strategy.tradeops.dev/config-sha256":"0","strategy.tradeops.dev/restarted-for":"0"}}}}}`), ""},
		{"runs another image", operator, patch(scheduler, `{"spec":{"template":{"spec":{"containers":[{"name":"scheduler","image":"evil:1"}]}}}}`), template},
		{"runs it on the node's network", operator, patch(scheduler, `{"spec":{"template":{"spec":{"hostNetwork":true}}}}`), template},
		{"stops it", operator, patch(scheduler, `{"spec":{"replicas":0}}`), template},
		{"pauses it", operator, patch(scheduler, `{"spec":{"paused":true}}`), template},
		{"labels its pods", operator, patch(scheduler, `{"spec":{"template":{"metadata":{"labels":{"evil":"1"}}}}}`), template},
		{"annotates its pods", operator, patch(scheduler, `{"spec":{"template":{"metadata":{"annotations":{"evil":"1"}}}}}`), template},
		{"removes an annotation of its pods", operator, patch(scheduler, `{"spec":{"template":{"metadata":{"annotations":{"team":null}}}}}`), template},
		{"labels it", operator, patch(scheduler, `{"metadata":{"labels":{"evil":"1"}}}`), template},
		{"has it deleted", operator, patch(scheduler, `{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"gone","uid":"`+uid+`"}]}}`), template},
		{"others restart it with another image", tina, patch(scheduler, `{"spec":{"template":{"spec":{"containers":[{"name":"scheduler","image":"scheduler:2"}]}}}}`), ""},

		{"runs a check", operator, check(func(*corev1.PodSpec) {}), ""},
		{"runs a Job that is no check", operator, create(job("new", func(j *batchv1.Job) { j.OwnerReferences = nil })), "the operator creates no Job but the checks"},
		{"runs a Job of a playbook", operator, create(job("new", func(j *batchv1.Job) { j.OwnerReferences[0].Kind = strategyv1.KindPlaybook })), "the operator creates no Job but the checks"},
		{"runs a Job that somebody else controls", operator, create(job("new", func(j *batchv1.Job) { j.OwnerReferences[0].Controller = nil })), "the operator creates no Job but the checks"},
		{"on the node's network", operator, check(func(s *corev1.PodSpec) { s.HostNetwork = true }), node},
		{"among the node's processes", operator, check(func(s *corev1.PodSpec) { s.HostPID = true }), node},
		{"with the node's memory", operator, check(func(s *corev1.PodSpec) { s.HostIPC = true }), node},
		{"at the node's port", operator, check(func(s *corev1.PodSpec) {
			s.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 80, HostPort: 80}}
		}), node},
		{"with the node's files", operator, check(func(s *corev1.PodSpec) {
			s.Volumes = []corev1.Volume{{Name: "root", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}}}
		}), mounts},
		{"with a ConfigMap", operator, check(func(s *corev1.PodSpec) {
			s.Volumes = []corev1.Volume{{Name: "c", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "core"}}}}}
		}), ""},
		{"privileged", operator, security(func(s *corev1.SecurityContext) { s.Privileged, s.AllowPrivilegeEscalation = new(true), nil }), power},
		{"with more and more privileges", operator, security(func(s *corev1.SecurityContext) { s.AllowPrivilegeEscalation = nil }), power},
		{"with all capabilities", operator, security(func(s *corev1.SecurityContext) { s.Capabilities = nil }), power},
		{"with one", operator, security(func(s *corev1.SecurityContext) { s.Capabilities.Add = []corev1.Capability{"SYS_ADMIN"} }), power},
		{"with a harmless one", operator, security(func(s *corev1.SecurityContext) { s.Capabilities.Add = []corev1.Capability{"NET_BIND_SERVICE"} }), ""},
		{"privileged before it begins", operator, check(func(s *corev1.PodSpec) {
			s.InitContainers = []corev1.Container{{Name: "init", Image: "evil:1", SecurityContext: &corev1.SecurityContext{Privileged: new(true)}}}
		}), power},
		{"as root", operator, check(func(s *corev1.PodSpec) { s.SecurityContext.RunAsNonRoot = nil }), root},
		{"as root, by number", operator, security(func(s *corev1.SecurityContext) { s.RunAsUser = new(int64(0)) }), root},
		{"as root, by one container", operator, security(func(s *corev1.SecurityContext) { s.RunAsNonRoot = new(false) }), root},
		{"without seccomp", operator, check(func(s *corev1.PodSpec) { s.SecurityContext.SeccompProfile = nil }), profile},
		{"unconfined", operator, security(func(s *corev1.SecurityContext) {
			s.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}
		}), profile},
		{"with another type of SELinux", operator, security(func(s *corev1.SecurityContext) { s.SELinuxOptions = &corev1.SELinuxOptions{Type: "spc_t"} }), profile},
		{"with another type of SELinux for all of it", operator, check(func(s *corev1.PodSpec) { s.SecurityContext.SELinuxOptions = &corev1.SELinuxOptions{Type: "spc_t"} }), profile},
		{"with SELinux as a container has it", operator, security(func(s *corev1.SecurityContext) { s.SELinuxOptions = &corev1.SELinuxOptions{Type: "container_t"} }), ""},
		{"and has the node's kubelet ask another host", operator, check(func(s *corev1.PodSpec) {
			s.Containers[0].LivenessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Host: "169.254.169.254", Port: intstr.FromInt32(80)}}}
		}), asks},
		{"and has it ask when the check begins", operator, check(func(s *corev1.PodSpec) {
			s.Containers[0].Lifecycle = &corev1.Lifecycle{PostStart: &corev1.LifecycleHandler{HTTPGet: &corev1.HTTPGetAction{Host: "169.254.169.254", Port: intstr.FromInt32(80)}}}
		}), asks},
		{"and has it ask by TCP", operator, check(func(s *corev1.PodSpec) {
			s.Containers[0].StartupProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Host: "127.0.0.1", Port: intstr.FromInt32(80)}}}
		}), asks},
		{"and has it ask the check itself", operator, check(func(s *corev1.PodSpec) {
			s.Containers[0].ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Port: intstr.FromInt32(80)}}}
		}), ""},
		{"as a process of a Windows node", operator, security(func(s *corev1.SecurityContext) {
			s.WindowsOptions = &corev1.WindowsSecurityContextOptions{HostProcess: new(true)}
		}), "hostNetwork must be true"},
		{"with a sysctl", operator, check(func(s *corev1.PodSpec) {
			s.SecurityContext.Sysctls = []corev1.Sysctl{{Name: "kernel.msgmax", Value: "1"}}
		}), profile},

		{"as root where the cluster's administrator lets it", operator, create(job("new", func(j *batchv1.Job) {
			j.Namespace, j.Spec.Template.Spec.HostPID, j.Spec.Template.Spec.SecurityContext = exempt, true, nil
		})), ""},
		{"as root where somebody labelled the Job", operator, create(job("new", func(j *batchv1.Job) {
			j.Labels["strategy.tradeops.dev/pod-security-exempt"], j.Spec.Template.Spec.HostPID = "true", true
		})), node},

		{"asks for a rollback where it does not serve", operator, elsewhere(aRollback), `cannot create resource "strategyrollbacks"`},
		{"decides where it does not serve", operator, elsewhere(aDecision), `cannot create resource "strategydecisions"`},
		{"approves", operator, create(deciding(aDecision, operator, strategyv1.DecisionApprove)), operator + " may not Approve"},
		{"reads a Secret", operator, read(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "top-secret"}}), `cannot get resource "secrets"`},
		{"reads its key", operator, read(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "decision-log-key"}}), ""},
		{"reads the key that it keeps", operator, read(kept), ""},
		{"a tenant reads the key that the operator keeps", tina, read(kept), `cannot get resource "secrets"`},
		{"an administrator of the namespace reads it", adam, read(kept), `cannot get resource "secrets"`},
	}
	for i := range rows {
		if rows[i].by == operator {
			rows[i].name = "it " + strings.TrimPrefix(rows[i].name, "it ")
		}
	}
	return table{"itself", func(t *testing.T, server Server) {
		put(t, server, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: exempt, Labels: map[string]string{"strategy.tradeops.dev/pod-security-exempt": "true"}}})
		bindIn(t, server, exempt, operator, "ClusterRole", "strategy-operator-namespace")
		put(t, server, managed)
		put(t, server, private)
		put(t, server, unpaused)
		put(t, server, scheduler)
		put(t, server, kept)
		for _, name := range []string{"top-secret", "decision-log-key"} {
			put(t, server, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}})
		}
	}, rows}
}

// update reads a ConfigMap and writes it changed, as the operator does, which has no right to patch one.
func update(object *corev1.ConfigMap, change func(*corev1.ConfigMap)) func(context.Context, client.Client) error {
	return func(ctx context.Context, as client.Client) error {
		var changed corev1.ConfigMap
		if err := as.Get(ctx, client.ObjectKeyFromObject(sent(object)), &changed); err != nil {
			return err
		}
		change(&changed)
		return as.Update(ctx, &changed, client.DryRunAll)
	}
}

func elsewhere(object client.Object) func(context.Context, client.Client) error {
	return func(ctx context.Context, as client.Client) error {
		copied, _ := object.DeepCopyObject().(client.Object)
		copied.SetNamespace("default")
		return as.Create(ctx, copied, client.DryRunAll)
	}
}

func deciding(decision *strategyv1.StrategyDecision, user string, verdict strategyv1.DecisionVerdict) *strategyv1.StrategyDecision {
	made := by(decision, user)
	made.Spec.Verdict, made.Spec.Digest = verdict, "sha256:"+strings.Repeat("0", 64)
	return made
}

func read(object client.Object) func(context.Context, client.Client) error {
	return func(ctx context.Context, as client.Client) error {
		return as.Get(ctx, client.ObjectKeyFromObject(sent(object)), sent(object))
	}
}

// paused is a ConfigMap with the annotation by which the operator has an owner of that kind leave it alone.
func paused(configMap *corev1.ConfigMap, kind strategyv1.OwnerKind) func(context.Context, client.Client) error {
	key, value := gitops.Paused(gitops.Effect(strategyv1.GitOpsPause, &strategyv1.ConfigOwner{Kind: kind}, nil).Pause)
	return update(configMap, func(c *corev1.ConfigMap) { metav1.SetMetaDataAnnotation(&c.ObjectMeta, key, value) })
}
