package api_test

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
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

// TestPeoplesRights: each role, and what the built-in roles get of it.
func TestPeoplesRights(t *testing.T) {
	const group = "strategy.tradeops.dev/"
	verbs := []string{"get", "list", "watch", "create", "update", "patch", "delete", "respond", "hold", "release", "approve", "override", "restore", "author"}
	sees := "get list watch"
	full := "get list watch create update patch delete"
	roles := map[string]map[string]string{
		"strategy-operator-viewer": {"strategyplaybooks": sees, "strategyincidents": sees, "strategyrollbacks": sees, "strategydecisions": sees},
		"strategy-operator-responder": {
			"strategyplaybooks": sees + " hold", "strategyincidents": sees + " create respond hold", "strategyrollbacks": sees, "strategydecisions": sees + " create",
		},
		"strategy-operator-approver": {
			"strategyplaybooks": sees + " hold release approve", "strategyincidents": sees + " respond hold release approve", "strategyrollbacks": full + " approve override restore", "strategydecisions": sees + " create",
		},
		"strategy-operator-playbook-editor": {
			"strategyplaybooks": full + " author", "strategyincidents": sees, "strategyrollbacks": sees, "strategydecisions": sees,
		},
		"strategy-operator-admin": {
			"strategyplaybooks": full + " author hold release", "strategyincidents": full + " respond hold release approve", "strategyrollbacks": full + " approve override restore", "strategydecisions": full,
		},
	}
	none := map[string]string{"strategyplaybooks/status": "", "strategyincidents/status": "", "strategyrollbacks/status": "", "strategydecisions/status": ""}
	for role, granted := range roles {
		t.Run(role, func(t *testing.T) {
			binding := bound("user-of-"+role, "ClusterRole", role)
			give(t, &binding)
			must(t, eventually(t.Context(), func() (bool, error) {
				return allowed(t, binding.Name, "trading", "get", group+"strategyplaybooks"), nil
			}))
			for _, table := range []map[string]string{granted, none} {
				for resource, granted := range table {
					for _, verb := range verbs {
						want := slices.Contains(strings.Fields(granted), verb)
						if got := allowed(t, binding.Name, "trading", verb, group+resource); got != want {
							t.Errorf("%s %s: allowed = %v, want %v", verb, resource, got, want)
						}
					}
				}
			}
			templates := role == "strategy-operator-playbook-editor" || role == "strategy-operator-admin"
			if got := allowed(t, binding.Name, "trading", "update", "/podtemplates"); got != templates {
				t.Errorf("update podtemplates: allowed = %v, want %v", got, templates)
			}
			reviews := templates || role == "strategy-operator-approver"
			if got := allowed(t, binding.Name, "trading", "get", "apps/controllerrevisions"); got != reviews {
				t.Errorf("get controllerrevisions: allowed = %v, want %v", got, reviews)
			}
			if allowed(t, binding.Name, "default", "get", group+"strategyplaybooks") {
				t.Error("the role reaches beyond its namespace")
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
