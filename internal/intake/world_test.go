package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/sim/apiserver"
)

const (
	namespace = "trading"
	sender    = "system:serviceaccount:monitoring:alertmanager"
	person    = "mallory"
)

var kinds = sync.OnceValues(apiserver.NewKinds)

// world is an API server, and a server that stores alerts there. What is in the cache is what was there when it was last synced.
type world struct {
	t      *testing.T
	clock  *clocktesting.FakeClock
	server *Server

	mu       sync.Mutex
	api      *apiserver.Server
	cache    *apiserver.Server
	requests map[string]int
	before   func(verb, name string) error // of each request; an error is its answer

	tokens, access int
	down           error // what the reviews answer
	unserved       string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	known, err := kinds()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, clock: clocktesting.NewFakeClock(noon), requests: map[string]int{}}
	w.api = apiserver.New(known, w.clock.Now)
	w.sync()
	w.server = w.replica()
	return w
}

// replica is another server on the same API server.
func (w *world) replica() *Server {
	api := w.api.As(apiserver.Operator)
	return New(Options{
		Client: asked{api, w, true}, Live: asked{api, w, false}, Tokens: tokens{w}, Access: access{w}, Clock: w.clock, Log: logr.Discard(),
		NotServed: func(context.Context, string) string { return w.unserved },
		Person:    func(user string) bool { return !strings.HasPrefix(user, "system:") },
	})
}

// sync brings the cache up to date.
func (w *world) sync() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cache = w.api.Fork()
}

func (w *world) request(ctx context.Context, verb, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w.requests[verb]++
	if w.before != nil {
		return w.before(verb, name)
	}
	return nil
}

// asked is a client that is safe for many, counts, and reads from the cache if it is cached.
type asked struct {
	client.Client
	w      *world
	cached bool
}

func (a asked) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	a.w.mu.Lock()
	defer a.w.mu.Unlock()
	if a.cached {
		return a.w.cache.As(apiserver.Operator).Get(ctx, key, object, options...)
	}
	if err := a.w.request(ctx, "get", key.Name); err != nil {
		return err
	}
	return a.Client.Get(ctx, key, object, options...)
}

func (a asked) Create(ctx context.Context, object client.Object, options ...client.CreateOption) error {
	a.w.mu.Lock()
	defer a.w.mu.Unlock()
	if err := a.w.request(ctx, "create", object.GetName()); err != nil {
		return err
	}
	return a.Client.Create(ctx, object, options...)
}

func (a asked) Update(ctx context.Context, object client.Object, options ...client.UpdateOption) error {
	a.w.mu.Lock()
	defer a.w.mu.Unlock()
	if err := a.w.request(ctx, "update", object.GetName()); err != nil {
		return err
	}
	return a.Client.Update(ctx, object, options...)
}

// tokens knows three tokens: one may send to trading, one to nothing, and one is a person's who may send, too.
type tokens struct{ w *world }

func (r tokens) Create(_ context.Context, review *authenticationv1.TokenReview, _ metav1.CreateOptions) (*authenticationv1.TokenReview, error) {
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	r.w.tokens++
	if r.w.down != nil {
		return nil, r.w.down
	}
	users := map[string]string{"good": sender, "weak": "system:serviceaccount:monitoring:default", "human": person}
	if user, found := users[review.Spec.Token]; found {
		review.Status = authenticationv1.TokenReviewStatus{Authenticated: true, User: authenticationv1.UserInfo{
			Username: user, UID: "1", Groups: []string{"system:serviceaccounts"}, Extra: map[string]authenticationv1.ExtraValue{"pod": {"x"}},
		}}
	} else {
		review.Status.Error = "invalid bearer token"
	}
	return review, nil
}

type access struct{ w *world }

func (r access) Create(_ context.Context, review *authorizationv1.SubjectAccessReview, _ metav1.CreateOptions) (*authorizationv1.SubjectAccessReview, error) {
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	r.w.access++
	if r.w.down != nil {
		return nil, r.w.down
	}
	asked := review.Spec.ResourceAttributes
	review.Status.Allowed = (review.Spec.User == sender || review.Spec.User == person) && review.Spec.UID == "1" && len(review.Spec.Groups) == 1 && len(review.Spec.Extra) == 1 && *asked == authorizationv1.ResourceAttributes{
		Namespace: namespace, Verb: "create", Group: "strategy.tradeops.dev", Resource: "strategyalerts",
	}
	return review, nil
}

var errDown = errors.New("connection refused")

// sent is a request with what it must have; each change makes it another one.
func sent(body []byte, changes ...func(*http.Request)) *http.Request {
	request := httptest.NewRequest(http.MethodPost, "/v1/namespaces/"+namespace+"/alerts", bytes.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer good")
	for _, change := range changes {
		change(request)
	}
	return request
}

func (w *world) answer(server *Server, request *http.Request) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	server.ServeHTTP(recorder, request)
	return recorder
}

// send sends a message, and wants it stored.
func (w *world) send(body string) {
	w.t.Helper()
	if got := w.answer(w.server, sent([]byte(body))); got.Code != http.StatusOK {
		w.t.Errorf("%d %s", got.Code, got.Body)
	}
}

// alerts are all that are stored, by alertname.
func (w *world) alerts() map[string]strategyv1.StrategyAlert {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	var list strategyv1.StrategyAlertList
	if err := w.api.As(apiserver.Operator).List(context.Background(), &list, client.InNamespace(namespace)); err != nil {
		w.t.Fatal(err)
	}
	all := map[string]strategyv1.StrategyAlert{}
	for _, one := range list.Items {
		name := string(one.Spec.Labels["alertname"])
		if _, double := all[name]; double {
			w.t.Errorf("%s is stored twice", name)
		}
		all[name] = one
	}
	return all
}

// one is a message with one alert.
func one(alertname, status string, starts time.Time) string {
	return whole(entry(alertname, status, starts))
}

func entry(alertname, status string, starts time.Time) string {
	return fmt.Sprintf(`{"status":%q,"labels":{"alertname":%q},"startsAt":%q}`, status, alertname, starts.Format(time.RFC3339))
}

func whole(entries ...string) string {
	list := ""
	for i, text := range entries {
		if i > 0 {
			list += ","
		}
		list += text
	}
	return `{"version":"4","alerts":[` + list + `]}`
}
