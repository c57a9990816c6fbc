package api_test

import (
	"net/http"
	"runtime/pprof"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	served "tradeops.dev/strategy-operator/controllers/namespaces"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/sim"
)

// These tests run the operator with the rights of config/rbac, and no others.

// TestANamespaceWithoutRightsConcernsNobodyElse: one missing RoleBinding used to keep the manager from working at all.
func TestANamespaceWithoutRightsConcernsNobodyElse(t *testing.T) {
	healthy, other := onRealServer(t, nil), onRealServer(t, nil)
	healthy.Report, healthy.People = sim.Losing, sim.People(sim.Approve, sim.Restore)
	letIn(t, healthy)
	readers := runManager(t, asOperator(), []string{healthy.Namespace, other.Namespace}, healthy, other)

	says := []string{`cannot list resource "configmaps"`, other.Namespace, "bind ClusterRole strategy-operator-namespace there"}
	untilPlaybook(other, "NamespaceNotServed", says...)
	healthy.ReportIncident(nil)
	until(healthy, "the incident is resolved", func() bool { return readyReason(healthy.Incident().Status.Conditions) == "Resolved" })
	other.ReportIncident(nil)
	until(other, "the incident says that it is not served", func() bool {
		return isNotServed(other.Incident().Status.Conditions, says...)
	})
	if one := readers.Count(); one[served.Served] != 1 || one[served.Refused] != 1 {
		t.Errorf("namespaces by state: %v", one)
	}
	if got := gauge(t, "Refused"); got != 1 {
		t.Errorf("strategy_namespaces{state=Refused} = %v", got)
	}

	letIn(t, other)
	untilPlaybook(other, "Valid")
	until(other, "the incident goes on", func() bool { return readyReason(other.Incident().Status.Conditions) == "LooksLikeFalseAlarm" })
	if got := gauge(t, "Refused"); got != 0 {
		t.Errorf("strategy_namespaces{state=Refused} = %v", got)
	}
}

// TestASlowNamespaceIsWaitedFor: what is not read yet must not be said to be not served, and nobody else waits for it.
func TestASlowNamespaceIsWaitedFor(t *testing.T) {
	healthy, slow := onRealServer(t, nil), onRealServer(t, nil)
	letIn(t, healthy)
	letIn(t, slow)
	access, held := asOperator(), make(chan struct{})
	access.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(request *http.Request) (*http.Response, error) {
			if strings.Contains(request.URL.Path, "/namespaces/"+slow.Namespace+"/configmaps") {
				select {
				case <-held:
				case <-request.Context().Done():
					return nil, request.Context().Err()
				}
			}
			return next.RoundTrip(request)
		})
	})
	runManager(t, access, []string{healthy.Namespace, slow.Namespace}, healthy, slow)
	untilPlaybook(healthy, "Valid")
	healthy.ReportIncident(nil)
	until(healthy, "the other namespace works", func() bool { return readyReason(healthy.Incident().Status.Conditions) == "LooksLikeFalseAlarm" })
	refresh(slow)
	var playbook strategyv1.StrategyPlaybook
	if slow.Get(sim.Playbook, &playbook); len(playbook.Status.Conditions) != 0 {
		t.Errorf("a playbook whose namespace is not read yet says %+v", playbook.Status.Conditions)
	}
	close(held)
	untilPlaybook(slow, "Valid")
}

// TestALabelServesANamespace begins and ends the service while the manager runs, and leaves nothing running behind.
func TestALabelServesANamespace(t *testing.T) {
	w := onRealServer(t, nil)
	letIn(t, w)
	readers := runManager(t, asOperator(), nil, w)
	untilPlaybook(w, "NamespaceNotServed", "does not serve namespace "+w.Namespace, "kubectl label namespace "+w.Namespace+" strategy.tradeops.dev/serve=true")
	before := caching()
	for range 2 {
		label(t, w, `"true"`)
		untilPlaybook(w, "Valid")
		if during := caching(); during <= before {
			t.Errorf("%d goroutines of caches while a namespace is served, %d before", during, before)
		}
		label(t, w, `"false"`)
		untilPlaybook(w, "NamespaceNotServed", "does not serve namespace")
		must(t, eventually(t.Context(), func() (bool, error) { return caching() <= before, nil }))
	}
	if counts := readers.Count(); counts[served.Served]+counts[served.Starting]+counts[served.Refused] != 0 {
		t.Errorf("namespaces by state: %v", counts)
	}
}

// TestALostRightIsNoticed: by a pass at once, and by an idle namespace as soon as a watch is renewed.
func TestALostRightIsNoticed(t *testing.T) {
	healthy, busy, idle := onRealServer(t, nil), onRealServer(t, nil), onRealServer(t, nil)
	healthy.Report, healthy.People = sim.Losing, sim.People(sim.Approve, sim.Restore)
	worlds, listed := []*sim.World{healthy, busy, idle}, []string{healthy.Namespace, busy.Namespace, idle.Namespace}
	for _, w := range worlds {
		letIn(t, w)
	}
	access := asOperator()
	access.Wrap(shortWatches(idle.Namespace))
	readers := runManager(t, access, listed, worlds...)
	for _, w := range worlds {
		untilPlaybook(w, "Valid")
	}

	shutOut(t, busy)
	shutOut(t, idle)
	busy.ReportIncident(nil)
	untilPlaybook(idle, "NamespaceNotServed", "bind ClusterRole")
	untilPlaybook(busy, "NamespaceNotServed", "bind ClusterRole")
	until(busy, "the incident says so", func() bool { return isNotServed(busy.Incident().Status.Conditions) })
	healthy.ReportIncident(nil)
	until(healthy, "the other namespace goes on", func() bool { return readyReason(healthy.Incident().Status.Conditions) == "Resolved" })
	if counts := readers.Count(); counts[served.Served] != 1 || counts[served.Refused] != 2 {
		t.Errorf("namespaces by state: %v", counts)
	}
}

// TestADeletedNamespaceIsLeft: a rollback in force must not keep a namespace from going, whatever goes first in it.
func TestADeletedNamespaceIsLeft(t *testing.T) {
	w := onRealServer(t, nil)
	w.Report, w.People = sim.Losing, sim.People(sim.Approve)
	letIn(t, w)
	readers := runManager(t, asOperator(), []string{w.Namespace}, w)
	untilPlaybook(w, "Valid")
	w.AskRollback("less", func(spec *strategyv1.StrategyRollbackSpec) { spec.DeletionPolicy = strategyv1.DeletionRestore })
	until(w, "the rollback is in force", func() bool { return readyReason(w.Rollback().Status.Conditions) == "Verified" })

	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.Namespace}}
	must(t, admin.Delete(t.Context(), namespace))
	shutOut(t, w)
	rollback := w.Rollback() // everything in the namespace is deleted, in any order
	must(t, as(namespaces).Delete(t.Context(), rollback))
	must(t, eventually(t.Context(), func() (bool, error) {
		err := admin.Get(t.Context(), client.ObjectKeyFromObject(rollback), rollback)
		return apierrors.IsNotFound(err), err
	}))
	untilPlaybook(w, "NamespaceNotServed", "namespace "+w.Namespace+" is being deleted")

	must(t, admin.Get(t.Context(), client.ObjectKeyFromObject(namespace), namespace))
	namespace.Spec.Finalizers = nil // there is no namespace controller
	must(t, admin.SubResource("finalize").Update(t.Context(), namespace))
	must(t, eventually(t.Context(), func() (bool, error) {
		reader, problem := readers.For(w.Namespace)
		return reader == nil && problem == nil, nil
	}))
}

// asOperator is the access that the operator has in a cluster.
func asOperator() *rest.Config {
	config := rest.CopyConfig(server)
	config.QPS = -1
	config.Impersonate = rest.ImpersonationConfig{UserName: operator, Groups: []string{"system:authenticated", "system:serviceaccounts"}}
	return config
}

func binding(w *sim.World) *rbacv1.RoleBinding {
	binding := bound(operator, "ClusterRole", "strategy-operator-namespace")
	binding.Namespace, binding.Name = w.Namespace, "strategy-operator"
	return &binding
}

func letIn(t *testing.T, w *sim.World) {
	t.Helper()
	must(t, admin.Create(t.Context(), binding(w)))
	must(t, admin.Create(t.Context(), &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: secrets},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: []string{sim.Secret}, Verbs: []string{"get"}}},
	}))
	named := bound(operator, "Role", secrets)
	named.Namespace, named.Name = w.Namespace, secrets
	must(t, admin.Create(t.Context(), &named))
}

// secrets is the Role of config/namespace that says which Secrets the operator reads.
const secrets = "strategy-operator-secrets"

func shutOut(t *testing.T, w *sim.World) {
	t.Helper()
	must(t, admin.Delete(t.Context(), binding(w)))
}

func label(t *testing.T, w *sim.World, value string) {
	t.Helper()
	patch := `{"metadata":{"labels":{"strategy.tradeops.dev/serve":` + value + `}}}`
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.Namespace}}
	must(t, admin.Patch(t.Context(), namespace, client.RawPatch("application/merge-patch+json", []byte(patch))))
}

// untilPlaybook waits for what the playbook says.
func untilPlaybook(w *sim.World, reason string, says ...string) {
	w.T.Helper()
	until(w, "the playbook is "+reason, func() bool {
		var playbook strategyv1.StrategyPlaybook
		w.Get(sim.Playbook, &playbook)
		return readyReason(playbook.Status.Conditions) == reason && contains(conditions.Message(playbook.Status.Conditions, strategyv1.ConditionReady), says)
	})
}

func isNotServed(all []metav1.Condition, says ...string) bool {
	return readyReason(all) == "NamespaceNotServed" && contains(conditions.Message(all, strategyv1.ConditionReady), says)
}

func contains(text string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// gauge is how many namespaces the metric says there are in a state; -1: it says nothing.
func gauge(t *testing.T, state string) float64 {
	t.Helper()
	families, err := metrics.Registry.Gather()
	must(t, err)
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			if family.GetName() == "strategy_namespaces" && metric.GetLabel()[0].GetValue() == state {
				return metric.GetGauge().GetValue()
			}
		}
	}
	return -1
}

// caching is how many goroutines work for caches.
func caching() int {
	var stacks strings.Builder
	_ = pprof.Lookup("goroutine").WriteTo(&stacks, 2) // a Builder takes everything
	n := 0
	for stack := range strings.SplitSeq(stacks.String(), "\n\n") {
		if strings.Contains(stack, "client-go/tools/cache") || strings.Contains(stack, "controller-runtime/pkg/cache") || strings.Contains(stack, "internal/source.(*Kind") {
			n++
		}
	}
	return n
}

// shortWatches has the API server end the watches of a namespace after seconds, not minutes.
func shortWatches(namespace string) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(request *http.Request) (*http.Response, error) {
			query := request.URL.Query()
			if query.Get("watch") != "" && strings.Contains(request.URL.Path, "/namespaces/"+namespace+"/") {
				request = request.Clone(request.Context())
				query.Set("timeoutSeconds", "2")
				request.URL.RawQuery = query.Encode()
			}
			return next.RoundTrip(request)
		})
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTrip) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }
