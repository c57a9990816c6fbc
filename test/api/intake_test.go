package api_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// TestWhoMaySendAlerts: tokens of service accounts and the shipped roles, asked for at the real API server.
func TestWhoMaySendAlerts(t *testing.T) {
	namespace, token := sending(t, "alerts-who")
	stranger := tokenOf(t, namespace, "stranger")
	gone := tokenOf(t, namespace, "gone")
	must(t, admin.Delete(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "gone"}}))
	h := hears(t, namespace)
	message := alertMessage("firing", time.Now().Add(-time.Minute), "A")
	for name, c := range map[string]struct {
		token, namespace string
		code             int
		words            string
	}{
		"a sender":                   {token, namespace, 200, "1 alerts are stored"},
		"a sender, elsewhere":        {token, "default", 403, "may not create strategyalerts in namespace default"},
		"another account":            {stranger, namespace, 403, "system:serviceaccount:alerts-who:stranger may not"},
		"no token":                   {"", namespace, 401, "does not know the token"},
		"no token of this cluster":   {"eyJhbGciOiJSUzI1NiJ9.e30.c2ln", namespace, 401, "does not know the token"},
		"an account that is gone":    {gone, namespace, 401, "does not know the token"},
		"a token with another claim": {token[:len(token)-8] + "AAAAAAAA", namespace, 401, "does not know the token"},
	} {
		code, words, err := h.post(t.Context(), c.token, c.namespace, message)
		must(t, err)
		if code != c.code || !strings.Contains(words, c.words) {
			t.Errorf("%s: %d %s", name, code, words)
		}
	}
	stored := alertsIn(t, namespace)
	if len(stored) != 1 || stored["A"].Spec.Sender != "system:serviceaccount:alerts-who:alertmanager" {
		t.Errorf("%+v", stored)
	}
	if plain, err := http.Post("http"+strings.TrimPrefix(h.url, "https")+"/v1/namespaces/default/alerts", "application/json", nil); err == nil { // it is refused at once
		if must(t, plain.Body.Close()); plain.StatusCode == http.StatusOK {
			t.Error("without TLS")
		}
	}
}

// TestAlertsAreSafeOrSentAgain: what keeps an alert from being stored is a 503, whatever it is.
func TestAlertsAreSafeOrSentAgain(t *testing.T) {
	namespace, token := sending(t, "alerts-safe")
	h := hears(t, namespace)
	starts := time.Now().Add(-time.Minute)
	post := func(want int, message string) {
		t.Helper()
		code, words, err := h.post(t.Context(), token, namespace, message)
		must(t, err)
		if code != want {
			t.Errorf("%d %s", code, words)
		}
	}
	h.away.set(true)
	post(503, alertMessage("firing", starts, "A"))
	h.away.set(false)
	post(200, alertMessage("firing", starts, "A"))
	h.away.set(true) // who sends is remembered, and what changes is not stored
	post(503, alertMessage("resolved", starts, "A"))
	h.away.set(false)

	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "few"}, Spec: corev1.ResourceQuotaSpec{
		Hard: corev1.ResourceList{"count/strategyalerts.strategy.tradeops.dev": resource.MustParse("1")},
	}}
	must(t, admin.Create(t.Context(), quota))
	quota.Status.Hard, quota.Status.Used = quota.Spec.Hard, quota.Spec.Hard // no controller manager runs
	must(t, admin.Status().Update(t.Context(), quota))
	must(t, eventually(t.Context(), func() (bool, error) { // it is taken up some time later
		another := alertsIn(t, namespace)["A"]
		another.ObjectMeta = metav1.ObjectMeta{Namespace: namespace, Name: "another"}
		err := bare(operator).Create(t.Context(), &another, client.DryRunAll)
		return err != nil && strings.Contains(err.Error(), "exceeded quota"), err
	}))
	post(503, alertMessage("firing", starts, "B", "C"))
	if code, words, err := h.post(t.Context(), token, namespace, alertMessage("resolved", starts, "A", "B")); err != nil || code != 503 || !strings.Contains(words, "exceeded quota") {
		t.Errorf("%d %s %v", code, words, err)
	}
	if stored := alertsIn(t, namespace); len(stored) != 1 || stored["A"].Spec.State != strategyv1.AlertResolved {
		t.Errorf("what could be stored is not: %+v", stored)
	}
	must(t, admin.Delete(t.Context(), quota))
	must(t, eventually(t.Context(), func() (bool, error) {
		code, words, err := h.post(t.Context(), token, namespace, alertMessage("firing", starts, "B", "C"))
		return code == 200, errors.Join(err, errors.New(words))
	}))
	if stored := alertsIn(t, namespace); len(stored) != 3 {
		t.Errorf("%+v", stored)
	}
}

// TestAStormOfAlerts: three Alertmanagers tell two replicas the same, thousands of times, and each sends again what was not taken. Nothing is
// lost, nothing is there twice, and the API server is asked no more than twice for each change.
func TestAStormOfAlerts(t *testing.T) {
	const identities, inMessage, messages, peers = 100, 10, 1000, 3
	namespace, token := sending(t, "alerts-storm")
	replicas := []*hearing{hears(t, namespace), hears(t, namespace)}
	starts := time.Now().Add(-10 * time.Minute)
	var group sync.WaitGroup
	for peer := range peers {
		group.Go(func() {
			for n := range messages {
				var names []string
				for i := range inMessage {
					names = append(names, fmt.Sprintf("Storm%03d", (n*inMessage+i)%identities))
				}
				status := "firing"
				if n >= messages/2 && n%10 < 5 { // the alerts of the first half are over in the end
					status = "resolved"
				}
				for attempt := 0; ; attempt++ {
					code, words, err := replicas[(peer+n+attempt)%len(replicas)].post(t.Context(), token, namespace, alertMessage(status, starts, names...))
					if code == 200 || strings.Contains(words, "were resolved less than") { // the peer is late: what it sends next says so, too
						break
					}
					if err != nil || code != 503 || attempt > 50 {
						t.Errorf("%d %s %v", code, words, err)
						return
					}
				}
			}
		})
	}
	group.Wait()
	stored := alertsIn(t, namespace)
	for n := range identities {
		want := strategyv1.AlertFiring
		if n < identities/2 {
			want = strategyv1.AlertResolved
		}
		if spec := stored[fmt.Sprintf("Storm%03d", n)].Spec; spec.State != want || spec.Occurrence != 1 {
			t.Errorf("%d: %+v", n, spec)
		}
	}
	writes := map[asked]int{}
	for _, one := range replicas {
		for kind, n := range one.counts.Counts() {
			if kind.Resource == "strategyalerts" && kind.Verb != http.MethodGet {
				writes[kind] += n
			}
		}
	}
	took := 0
	for kind, n := range writes {
		if kind.Code/100 == 2 && (kind.Verb == http.MethodPost || kind.Verb == http.MethodPut) {
			took += n
		}
	}
	logCounts(t, "of the storm", writes)
	if took != identities+identities/2 {
		t.Errorf("%d writes for %d changes", took, identities+identities/2)
	}
}
