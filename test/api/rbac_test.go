package api_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"tradeops.dev/strategy-operator/controllers"
	"tradeops.dev/strategy-operator/internal/facts"
)

// allowed asks the API server. A resource is "group/resource[/subresource]", with nothing before the slash for the core group.
func allowed(t *testing.T, user, namespace, verb, resource string) bool {
	t.Helper()
	group, resource, _ := strings.Cut(resource, "/")
	resource, subresource, _ := strings.Cut(resource, "/")
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: user, Groups: []string{"system:authenticated"},
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: namespace, Verb: verb, Group: group, Resource: resource, Subresource: subresource,
		},
	}}
	must(t, admin.Create(t.Context(), review))
	return review.Status.Allowed
}

// TestOperatorsRights: its own kinds everywhere, everything else only where config/namespace is applied (trading).
func TestOperatorsRights(t *testing.T) {
	const kinds = "strategy.tradeops.dev/"
	everywhere := map[string]string{ // resource -> verbs
		kinds + "strategyplaybooks":            "get list watch",
		kinds + "strategyincidents":            "get list watch",
		kinds + "strategyrollbacks":            "get list watch patch",
		kinds + "strategydecisions":            "get list watch",
		kinds + "strategyalerts":               "get list watch",
		kinds + "strategyalerts/status":        "update patch",
		kinds + "strategyplaybooks/status":     "update patch",
		kinds + "strategyincidents/status":     "update patch",
		kinds + "strategyrollbacks/status":     "update patch",
		kinds + "strategydecisions/status":     "update patch",
		kinds + "strategyincidents/finalizers": "update",
		kinds + "strategyrollbacks/finalizers": "update",
		"/namespaces":                          "list watch",
	}
	history := map[string]bool{kinds + "strategyincidents": true, kinds + "strategyrollbacks": true, kinds + "strategydecisions": true, kinds + "strategyalerts": true}
	asks := map[string]bool{kinds + "strategyincidents": true, kinds + "strategyrollbacks": true, kinds + "strategydecisions": true}
	served := map[string]string{
		"/configmaps": "get list watch update create", "/podtemplates": "get list watch", "/pods": "get list watch",
		"/pods/log": "get", "/events": "create patch", "events.k8s.io/events": "create patch", "batch/jobs": "get list watch create delete",
		"apps/deployments": "get list watch patch", "apps/controllerrevisions": "get list watch create delete",
	}
	never := []string{
		"/secrets", // but those with a name: see test/attack
		"/serviceaccounts", "/serviceaccounts/token", "/pods/exec", "/pods/attach", "/pods/portforward", "/nodes",
		"rbac.authorization.k8s.io/roles", "rbac.authorization.k8s.io/rolebindings", "apps/statefulsets", "apps/daemonsets",
		"admissionregistration.k8s.io/validatingadmissionpolicies",
	}
	verbs := []string{
		"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection",
		"respond", "hold", "release", "approve", "restore", "override", "author", "bind", "escalate", "impersonate",
	}
	check := func(namespace, resource, granted string) {
		for _, verb := range verbs {
			want := slices.Contains(strings.Fields(granted), verb)
			if got := allowed(t, operator, namespace, verb, resource); got != want {
				t.Errorf("%s %s in %q: allowed = %v, want %v", verb, resource, namespace, got, want)
			}
		}
	}
	for _, namespace := range []string{"", "default", "trading"} {
		for resource, granted := range everywhere {
			if namespace == "trading" && history[resource] {
				granted += " delete"
			}
			if namespace == "trading" && asks[resource] {
				granted += " create"
			}
			if namespace == "trading" && resource == kinds+"strategyalerts" { // what the alert intake hears
				granted += " create update"
			}
			check(namespace, resource, granted)
		}
		for resource, granted := range served {
			if namespace != "trading" {
				granted = ""
			}
			check(namespace, resource, granted)
		}
		for _, resource := range never {
			check(namespace, resource, "")
		}
	}
	check("strategy-operator-system", "coordination.k8s.io/leases", "get create update")
	check("strategy-operator-system", "/events", "create patch")
	check("strategy-operator-system", "/secrets", "get")       // the signing keys
	check("strategy-operator-system", "/configmaps", "create") // and its own, by name
	check("trading", "coordination.k8s.io/leases", "")
	check("", "authentication.k8s.io/tokenreviews", "create")
	check("", "authorization.k8s.io/subjectaccessreviews", "create")
}

// TestPeoplesRights: each role, and nothing beside it. What is not in a role's table it may not do.
func TestPeoplesRights(t *testing.T) {
	const (
		ours = "strategy.tradeops.dev/"
		sees = "get list watch"
		full = "get list watch create update patch delete"

		playbooks, incidents, rollbacks = ours + "strategyplaybooks", ours + "strategyincidents", ours + "strategyrollbacks"
		decisions, alerts               = ours + "strategydecisions", ours + "strategyalerts"
		revisions, templates            = "apps/controllerrevisions", "/podtemplates"
	)
	type rights map[string]string // resource -> verbs
	with := func(all ...rights) rights {
		together := rights{}
		for _, some := range all {
			maps.Copy(together, some)
		}
		return together
	}
	seeing := rights{playbooks: sees, incidents: sees, rollbacks: sees, decisions: sees, alerts: sees}
	running := rights{"/pods": sees, "/pods/log": "get", "/events": sees, "batch/jobs": sees}
	roles := map[string]rights{
		"strategy-operator-viewer":       seeing,
		"strategy-operator-alert-sender": {alerts: "create"},
		"strategy-operator-auditor":      with(seeing, running, rights{revisions: "get"}),
		"strategy-operator-responder": with(seeing, running, rights{
			playbooks: sees + " hold", incidents: sees + " create respond hold", decisions: sees + " create",
		}),
		"strategy-operator-approver": with(seeing, running, rights{
			playbooks: sees + " hold release approve", incidents: sees + " create respond hold release approve",
			rollbacks: full + " approve override restore", decisions: sees + " create", revisions: "get",
		}),
		"strategy-operator-playbook-editor": with(seeing, rights{playbooks: full + " author", revisions: "get", templates: full}),
		"strategy-operator-admin": with(running, rights{
			playbooks: full + " deletecollection author hold release", incidents: full + " deletecollection respond hold release approve",
			rollbacks: full + " deletecollection approve override restore", decisions: full + " deletecollection", alerts: full + " deletecollection",
			revisions: "get", templates: full,
		}),
	}
	verbs := []string{
		"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection",
		"respond", "hold", "release", "approve", "override", "restore", "author", "bind", "escalate", "impersonate",
	}
	everything := []string{
		playbooks, incidents, rollbacks, decisions, alerts, revisions, templates, "/pods", "/pods/log", "/events", "batch/jobs",
		playbooks + "/status", incidents + "/status", rollbacks + "/status", decisions + "/status", alerts + "/status",
		"/secrets", "/configmaps", "/pods/exec", "/pods/attach", "/serviceaccounts/token", "apps/deployments", "rbac.authorization.k8s.io/rolebindings",
	}
	for role, granted := range roles {
		t.Run(role, func(t *testing.T) {
			binding := bound("user-of-"+role, "ClusterRole", role)
			give(t, &binding)
			must(t, eventually(t.Context(), func() (bool, error) {
				for resource, verbs := range granted {
					if !allowed(t, binding.Name, "trading", strings.Fields(verbs)[0], resource) {
						return false, nil
					}
				}
				return true, nil
			}))
			for _, resource := range everything {
				for _, verb := range verbs {
					want := slices.Contains(strings.Fields(granted[resource]), verb)
					if got := allowed(t, binding.Name, "trading", verb, resource); got != want {
						t.Errorf("%s %s: allowed = %v, want %v", verb, resource, got, want)
					}
				}
				for _, elsewhere := range []string{"default", ""} {
					if allowed(t, binding.Name, elsewhere, "get", resource) || allowed(t, binding.Name, elsewhere, "create", resource) {
						t.Errorf("%s in namespace %q: the role reaches beyond its own", resource, elsewhere)
					}
				}
			}
		})
	}
}

// TestRolesAreNarrow reads the manifests: no wildcard anywhere, nothing of other people's cluster-wide.
func TestRolesAreNarrow(t *testing.T) {
	objects, err := rendered("config/rbac")
	must(t, err)
	clusterWide := map[string]bool{}
	for _, object := range objects {
		if object.GetKind() == "ClusterRoleBinding" {
			binding := rbacv1.ClusterRoleBinding{}
			must(t, runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &binding))
			clusterWide[binding.RoleRef.Name] = true
		}
	}
	if len(clusterWide) == 0 || clusterWide["strategy-operator-namespace"] {
		t.Errorf("bound cluster-wide: %v", clusterWide)
	}
	private := []string{"secrets", "configmaps", "pods", "pods/log", "jobs", "deployments", "podtemplates", "controllerrevisions", "events"}
	for _, object := range objects {
		if object.GetKind() != "ClusterRole" && object.GetKind() != "Role" {
			continue
		}
		role := rbacv1.ClusterRole{}
		must(t, runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &role))
		for label := range role.Labels {
			if strings.HasPrefix(label, "rbac.authorization.k8s.io/aggregate-to-") && role.Name != "strategy-operator-viewer" {
				t.Errorf("%s: %s gives more than seeing to whoever has a built-in role", role.Name, label)
			}
		}
		if role.AggregationRule != nil || len(role.Rules) == 0 {
			t.Errorf("%s: a role lists its rules itself", role.Name)
		}
		for _, r := range role.Rules {
			for _, word := range slices.Concat(r.APIGroups, r.Resources, r.Verbs, r.NonResourceURLs) {
				if strings.Contains(word, "*") {
					t.Errorf("%s has the wildcard %q", role.Name, word)
				}
			}
			for _, resource := range r.Resources {
				if clusterWide[role.Name] && slices.Contains(private, resource) {
					t.Errorf("%s is bound cluster-wide and has %s", role.Name, resource)
				}
			}
		}
	}
}

// TestAlertSender: whoever sends alerts to a namespace sees nothing of it.
func TestAlertSender(t *testing.T) {
	binding := bound("alertmanager", "ClusterRole", "strategy-operator-alert-sender")
	give(t, &binding)
	const alerts = "strategy.tradeops.dev/strategyalerts"
	must(t, eventually(t.Context(), func() (bool, error) { return allowed(t, binding.Name, "trading", "create", alerts), nil }))
	for _, verb := range []string{"get", "list", "watch", "update", "patch", "delete"} {
		if allowed(t, binding.Name, "trading", verb, alerts) {
			t.Errorf("a sender may %s alerts", verb)
		}
	}
	if allowed(t, binding.Name, "default", "create", alerts) || allowed(t, binding.Name, "trading", "create", "strategy.tradeops.dev/strategyincidents") {
		t.Error("the role reaches beyond its namespace, or its kind")
	}
}

// TestMetricsReader: the role for Prometheus reads metrics and nothing else.
func TestMetricsReader(t *testing.T) {
	give(t, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "prometheus"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "strategy-operator-metrics-reader"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "prometheus"}},
	})
	may := func(verb, path string) bool {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User: "prometheus", NonResourceAttributes: &authorizationv1.NonResourceAttributes{Verb: verb, Path: path},
		}}
		must(t, admin.Create(t.Context(), review))
		return review.Status.Allowed
	}
	must(t, eventually(t.Context(), func() (bool, error) { return may("get", "/metrics"), nil }))
	if may("post", "/metrics") || may("get", "/debug/pprof") || allowed(t, "prometheus", "trading", "get", "/pods") {
		t.Error("the metrics reader may do more than read metrics")
	}
}

// TestManagersPod: the API server admits it under the restricted Pod Security standard, which is in force there.
func TestManagersPod(t *testing.T) {
	deployment := &appsv1.Deployment{}
	must(t, admin.Get(t.Context(), client.ObjectKey{Namespace: "strategy-operator-system", Name: "strategy-operator"}, deployment))
	pod := func(change func(*corev1.PodSpec)) *corev1.Pod {
		spec := deployment.Spec.Template.Spec.DeepCopy()
		change(spec)
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: deployment.Namespace, GenerateName: "strategy-operator-"}, Spec: *spec}
	}
	refused(t, admin.Create(t.Context(), pod(func(*corev1.PodSpec) {}), client.DryRunAll), "")
	refused(t, admin.Create(t.Context(), pod(func(s *corev1.PodSpec) { s.HostNetwork = true }), client.DryRunAll), "violates PodSecurity")

	spec := deployment.Spec.Template.Spec
	security := spec.Containers[0].SecurityContext
	if deployment.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType {
		t.Error("a rolling update waits forever for a volume that one pod at a time can have")
	}
	if security.ReadOnlyRootFilesystem == nil || !*security.ReadOnlyRootFilesystem || len(spec.Containers) != 1 {
		t.Error("one container, with a read-only root file system")
	}
	if spec.Containers[0].LivenessProbe == nil || spec.Containers[0].ReadinessProbe == nil || spec.Containers[0].Resources.Limits.Memory().IsZero() {
		t.Error("probes and limits are missing")
	}
	claim := &corev1.PersistentVolumeClaim{}
	must(t, admin.Get(t.Context(), client.ObjectKey{Namespace: deployment.Namespace, Name: spec.Volumes[0].PersistentVolumeClaim.ClaimName}, claim))
}

// TestPeopleOnCallAreAskedAbout: a name has what it has as a user or as a group, and nothing that it has elsewhere. With the operator's own rights.
func TestPeopleOnCallAreAskedAbout(t *testing.T) {
	clientset, err := kubernetes.NewForConfig(impersonating(operator, "system:authenticated"))
	must(t, err)
	access := controllers.AccessReviews{Clientset: clientset}
	user, group := bound("on-call-user", "ClusterRole", "strategy-operator-approver"), bound("on-call-group", "ClusterRole", "strategy-operator-responder")
	group.Subjects[0].Kind = rbacv1.GroupKind
	give(t, &user)
	give(t, &group)
	may := func(namespace, name, verb, resource string) bool {
		answer, err := access.May(t.Context(), namespace, facts.Right{Name: name, Verb: verb, Resource: resource})
		must(t, err)
		return answer
	}
	must(t, eventually(t.Context(), func() (bool, error) {
		return may("trading", user.Name, "approve", "strategyrollbacks") && may("trading", group.Name, "respond", "strategyincidents"), nil
	}))
	for _, test := range []struct {
		namespace, name, verb, resource string
		want                            bool
	}{
		{"trading", user.Name, "create", "strategydecisions", true},
		{"trading", group.Name, "create", "strategydecisions", true},
		{"trading", group.Name, "approve", "strategyrollbacks", false},
		{"trading", "on-call-nobody", "create", "strategydecisions", false},
		{"default", user.Name, "create", "strategydecisions", false},
	} {
		if got := may(test.namespace, test.name, test.verb, test.resource); got != test.want {
			t.Errorf("%+v: %v", test, got)
		}
	}
}
