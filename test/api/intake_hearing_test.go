package api_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/decide"
	"tradeops.dev/strategy-operator/internal/intake"
)

// hearing is a server of alerts on the real API server, with the rights and the cache of the operator.
type hearing struct {
	url    string
	https  *http.Client
	counts *requests
	away   *switchable
}

// switchable is a way to the API server that can be cut.
type switchable struct {
	sync.Mutex
	cut bool
}

func (s *switchable) set(cut bool) {
	s.Lock()
	defer s.Unlock()
	s.cut = cut
}

func (s *switchable) transport(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(request *http.Request) (*http.Response, error) {
		s.Lock()
		cut := s.cut
		s.Unlock()
		if cut {
			return nil, errors.New("connect: connection refused")
		}
		return next.RoundTrip(request)
	})
}

// hears starts one, as cmd/manager does, for a namespace that is made for it.
func hears(t *testing.T, namespace string) *hearing {
	t.Helper()
	h := &hearing{counts: &requests{Namespace: namespace}, away: &switchable{}}
	access := rest.CopyConfig(server)
	access.QPS = -1
	access.Impersonate = rest.ImpersonationConfig{UserName: operator, Groups: []string{"system:authenticated"}}
	access.Wrap(h.counts.Transport)
	access.Wrap(h.away.transport)
	seen, err := cache.New(access, cache.Options{Scheme: scheme, Mapper: admin.RESTMapper(), DefaultNamespaces: map[string]cache.Config{namespace: {}}})
	must(t, err)
	live, err := client.New(access, client.Options{Scheme: scheme, Mapper: admin.RESTMapper()})
	must(t, err)
	cached, err := client.New(access, client.Options{Scheme: scheme, Mapper: admin.RESTMapper(), Cache: &client.CacheOptions{Reader: seen}})
	must(t, err)
	reviews, err := kubernetes.NewForConfig(access)
	must(t, err)
	_, err = seen.GetInformer(t.Context(), &strategyv1.StrategyAlert{}, cache.BlockUntilSynced(false))
	must(t, err)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	intakes := intake.New(intake.Options{
		Person: decide.Machines(nil).MayBePerson,
		Client: cached, Live: live, Tokens: reviews.AuthenticationV1().TokenReviews(), Access: reviews.AuthorizationV1().SubjectAccessReviews(),
		NotServed: func(context.Context, string) string { return "" }, Clock: clock.RealClock{}, Log: logr.Discard(),
	})
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = seen.Start(ctx) })
	running.Go(func() {
		if err := intakes.Serve(ctx, listener); err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	t.Cleanup(func() {
		h.https.CloseIdleConnections()
		stop()
		running.Wait()
	})
	if !seen.WaitForCacheSync(t.Context()) {
		t.Fatal("the cache is not in sync")
	}
	h.url = "https://" + listener.Addr().String()
	h.https = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} // it made its certificate up
	return h
}

// post sends a message, and says what the answer is.
func (h *hearing) post(ctx context.Context, token, namespace, body string) (code int, words string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url+"/v1/namespaces/"+namespace+"/alerts", bytes.NewReader([]byte(body)))
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := h.https.Do(request)
	if err != nil {
		return 0, "", err
	}
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), errors.Join(err, response.Body.Close())
}

// sending makes a served namespace, and a service account that may send alerts there, with its token.
func sending(t *testing.T, name string) (namespace, token string) {
	t.Helper()
	namespace = name
	must(t, admin.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace, Labels: map[string]string{strategyv1.LabelServe: "false"}}}))
	for role, subject := range map[string]rbacv1.Subject{
		"strategy-operator-namespace":    {APIGroup: rbacv1.GroupName, Kind: "User", Name: operator},
		"strategy-operator-alert-sender": {Kind: "ServiceAccount", Name: "alertmanager", Namespace: namespace},
	} {
		must(t, admin.Create(t.Context(), &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: role}, Subjects: []rbacv1.Subject{subject},
			RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		}))
	}
	token = tokenOf(t, namespace, "alertmanager")
	must(t, eventually(t.Context(), func() (bool, error) {
		return allowed(t, operator, namespace, "update", "strategy.tradeops.dev/strategyalerts") &&
			allowed(t, "system:serviceaccount:"+namespace+":alertmanager", namespace, "create", "strategy.tradeops.dev/strategyalerts"), nil
	}))
	return namespace, token
}

func tokenOf(t *testing.T, namespace, name string) string {
	t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	must(t, admin.Create(t.Context(), account))
	asked := &authenticationv1.TokenRequest{}
	must(t, admin.SubResource("token").Create(t.Context(), account, asked))
	return asked.Status.Token
}

func alertMessage(status string, starts time.Time, alertnames ...string) string {
	var entries []string
	for _, name := range alertnames {
		entries = append(entries, fmt.Sprintf(`{"status":%q,"labels":{"alertname":%q,"severity":"warning"},"startsAt":%q,"annotations":{"summary":"x"}}`, status, name, starts.UTC().Format(time.RFC3339)))
	}
	return `{"version":"4","alerts":[` + strings.Join(entries, ",") + `]}`
}

// alertsIn are the alerts of a namespace by alertname.
func alertsIn(t *testing.T, namespace string) map[string]strategyv1.StrategyAlert {
	t.Helper()
	var list strategyv1.StrategyAlertList
	must(t, admin.List(t.Context(), &list, client.InNamespace(namespace)))
	all := map[string]strategyv1.StrategyAlert{}
	for _, one := range list.Items {
		name := string(one.Spec.Labels["alertname"])
		if _, double := all[name]; double {
			t.Errorf("%s is there twice", name)
		}
		all[name] = one
	}
	return all
}
