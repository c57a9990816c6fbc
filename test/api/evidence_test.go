package api_test

import (
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Evidence is a right of its own: the roles of people do not have it, and that of its readers has nothing else. The way to it is one Service by its name.
func TestWhoMayReadEvidence(t *testing.T) {
	const reader, operators = "alma-who-audits", "strategy-operator-system"
	bind := func(namespace, kind, role string) {
		binding := &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "evidence-"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: role},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: reader}},
		}
		must(t, admin.Create(t.Context(), binding))
		t.Cleanup(func() { _ = admin.Delete(t.Context(), binding) })
	}
	const evidence = "strategy.tradeops.dev/strategyincidents/evidence"
	for _, user := range []string{"alice", "bob", reader} {
		if allowed(t, user, "trading", "get", evidence) {
			t.Errorf("%s reads evidence", user)
		}
	}
	bind("trading", "ClusterRole", "strategy-operator-evidence-reader")
	bind(operators, "Role", "strategy-operator-evidence-reach")
	proxies := func(name string) bool {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{User: reader, ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: operators, Verb: "get", Resource: "services", Subresource: "proxy", Name: name,
		}}}
		must(t, admin.Create(t.Context(), review))
		return review.Status.Allowed
	}
	must(t, eventually(t.Context(), func() (bool, error) { // roles are taken up some time later
		return allowed(t, reader, "trading", "get", evidence) && proxies("https:strategy-operator-evidence:evidence"), nil
	}))
	for what, c := range map[string]struct {
		namespace, verb, resource string
		may                       bool
	}{
		"evidence":                       {"trading", "get", evidence, true},
		"of another namespace":           {"default", "get", evidence, false},
		"changing it":                    {"trading", "update", evidence, false},
		"incidents":                      {"trading", "get", "strategy.tradeops.dev/strategyincidents", false},
		"evidence under another name":    {"trading", "get", "strategy.tradeops.dev/strategyrollbacks/evidence", false},
		"any Service":                    {operators, "get", "/services/proxy", false},
		"pods of the operator":           {operators, "create", "/pods/portforward", false},
		"secrets of the operator":        {operators, "get", "/secrets", false},
		"a Service of the own namespace": {"trading", "get", "/services/proxy", false},
	} {
		if got := allowed(t, reader, c.namespace, c.verb, c.resource); got != c.may {
			t.Errorf("%s: %t", what, got)
		}
	}
	for name, may := range map[string]bool{
		"https:strategy-operator-evidence:evidence": true, "https:strategy-operator-alerts:alerts": false, "strategy-operator-evidence": false,
	} {
		if got := proxies(name); got != may {
			t.Errorf("the proxy to %s: %t", name, got)
		}
	}
}
