package reading

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"tradeops.dev/strategy-operator/internal/evidence"
)

const key = "trading/2026/11/23/pnl-1-01234567/log/000001.json"

// world is a server on a bucket of files. A token is its user's name; alma may read trading and large, bert nothing.
type world struct {
	*Server
	t     *testing.T
	clock *clocktesting.FakeClock
	files evidence.Bucket
	fails error         // what the bucket and the API server answer
	hangs chan struct{} // until when the bucket gives no answer; nil: it does
	log   strings.Builder
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, clock: clocktesting.NewFakeClock(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC))}
	var err error
	if w.files, err = evidence.Open("file://" + t.TempDir()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.files.Close() })
	for at, text := range map[string]string{key: `{"seq":1}`, "trading/2026/11/23/pnl-1-01234567/checks/a.log": "said", "other/secret.json": `{}`} {
		if err := w.files.Create(t.Context(), at, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	w.Server = New(Options{
		Bucket: bucket{w}, About: func() string { return "a folder" }, Tokens: tokens{w}, Access: access{w}, Clock: w.clock,
		Log: funcr.New(func(_, args string) { w.log.WriteString(args + "\n") }, funcr.Options{}),
	})
	return w
}

type bucket struct{ w *world }

func (b bucket) Get(ctx context.Context, key string) ([]byte, error) {
	if b.w.hangs != nil {
		<-b.w.hangs // whatever ctx says, as a volume does
	}
	if b.w.fails != nil {
		return nil, b.w.fails
	}
	return b.w.files.Get(ctx, key)
}

func (b bucket) List(ctx context.Context, folder, after string, most int) ([]evidence.Object, error) {
	if b.w.fails != nil {
		return nil, b.w.fails
	}
	return b.w.files.List(ctx, folder, after, most)
}

type tokens struct{ w *world }

func (r tokens) Create(_ context.Context, review *authenticationv1.TokenReview, _ metav1.CreateOptions) (*authenticationv1.TokenReview, error) {
	if review.Spec.Token == "away" {
		return nil, errors.New("connection refused")
	}
	review.Status = authenticationv1.TokenReviewStatus{Authenticated: review.Spec.Token != "nobody", User: authenticationv1.UserInfo{Username: review.Spec.Token}}
	return review, nil
}

type access struct{ w *world }

func (r access) Create(_ context.Context, review *authorizationv1.SubjectAccessReview, _ metav1.CreateOptions) (*authorizationv1.SubjectAccessReview, error) {
	asked := *review.Spec.ResourceAttributes
	wanted := authorizationv1.ResourceAttributes{Namespace: asked.Namespace, Verb: "get", Group: "strategy.tradeops.dev", Resource: "strategyincidents", Subresource: "evidence"}
	review.Status.Allowed = asked == wanted && asked.Namespace != "other" && (review.Spec.User == "alma" || review.Spec.User == "anton")
	return review, nil
}

func (w *world) ask(path string, changes ...func(*http.Request)) *httptest.ResponseRecorder {
	request := httptest.NewRequest(http.MethodGet, path, nil)
	request.Header.Set(evidence.HeaderAuthorization, "Bearer alma")
	for _, change := range changes {
		change(request)
	}
	recorder := httptest.NewRecorder()
	w.ServeHTTP(recorder, request)
	return recorder
}

func as(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func TestAnswers(t *testing.T) {
	const list, object = "/v1/namespaces/trading/evidence", "/v1/namespaces/trading/evidence/2026/11/23/pnl-1-01234567/log/000001.json"
	for name, c := range map[string]struct {
		path   string
		change func(*http.Request)
		fails  error
		code   int
		words  string
	}{
		"an object":                     {path: object, code: 200, words: `{"seq":1}`},
		"a list":                        {path: list, code: 200, words: `"bucket":"a folder"`},
		"a list of a folder":            {path: list + "?folder=2026/11/23/pnl-1-01234567/log", code: 200, words: `{"items":[{"key":"` + key + `","bytes":9}]`},
		"a list of nothing":             {path: list + "?folder=2027", code: 200, words: `"items":[]`},
		"with the usual header":         {path: object, change: func(r *http.Request) { r.Header = http.Header{"Authorization": {"Bearer alma"}} }, code: 200, words: "seq"},
		"an object that is not there":   {path: object + "x", code: 404, words: "no such object"},
		"a folder":                      {path: list + "/2026", code: 503, words: "cannot be read"},
		"another path":                  {path: "/metrics", code: 404, words: "/v1/namespaces/NAMESPACE/evidence"},
		"another thing":                 {path: list + "s/x", code: 404},
		"no namespace":                  {path: "/v1/namespaces/a.b/evidence", code: 404},
		"another namespace":             {path: "/v1/namespaces/other/evidence/secret.json", code: 403, words: "alma may not get strategyincidents/evidence in namespace other"},
		"out of the namespace":          {path: list + "/../../other/secret.json", code: 400, words: "begins with a dot"},
		"out of it, escaped":            {path: list + "/%2e%2e/other/secret.json", code: 400, words: "begins with a dot"},
		"out of it, by a folder":        {path: list + "?folder=../other", code: 400, words: "begins with a dot"},
		"the store's own":               {path: list + "/.writing/x", code: 400, words: "begins with a dot"},
		"behind a key out of it":        {path: list + "?after=../x", code: 400, words: "begins with a dot"},
		"a zero byte":                   {path: list + "/a%00b", code: 400, words: "zero byte"},
		"a long key":                    {path: list + "/" + strings.Repeat("a/", 600) + "a", code: 400, words: "at most 1024"},
		"a write":                       {path: object, change: func(r *http.Request) { r.Method = http.MethodPut }, code: 405, words: "only read"},
		"a deletion":                    {path: object, change: func(r *http.Request) { r.Method = http.MethodDelete }, code: 405},
		"no token":                      {path: object, change: func(r *http.Request) { r.Header = http.Header{} }, code: 401, words: "Strategy-Authorization"},
		"nobody's token":                {path: object, change: as(evidence.HeaderAuthorization, "Bearer nobody"), code: 401},
		"somebody who may not":          {path: object, change: as(evidence.HeaderAuthorization, "Bearer bert"), code: 403, words: "strategy-operator-evidence-reader"},
		"in another name":               {path: object, change: as("Impersonate-User", "root"), code: 400, words: "leave out --as"},
		"the API server is away":        {path: object, change: as(evidence.HeaderAuthorization, "Bearer away"), code: 503, words: "does not say whose the token is"},
		"the bucket is away":            {path: object, fails: errors.New("no answer"), code: 503, words: "no answer"},
		"the bucket is away for a list": {path: list, fails: errors.New("no answer"), code: 503, words: "no answer"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.fails = c.fails
			change := func(*http.Request) {}
			if c.change != nil {
				change = c.change
			}
			got := w.ask(c.path, change)
			if got.Code != c.code || !strings.Contains(got.Body.String(), c.words) {
				t.Errorf("%d %s", got.Code, got.Body)
			}
			var status metav1.Status
			if c.code != 200 && (json.Unmarshal(got.Body.Bytes(), &status) != nil || status.Code != int32(c.code) || status.Message == "") {
				t.Errorf("it is not said as the API server says it: %s", got.Body)
			}
		})
	}
}

// Who read what is in the log, and who was not let to.
func TestWhoReadIsLogged(t *testing.T) {
	w := newWorld(t)
	w.ask("/v1/namespaces/trading/evidence/2026/11/23/pnl-1-01234567/log/000001.json")
	w.ask("/v1/namespaces/trading/evidence", as(evidence.HeaderAuthorization, "Bearer anton"))
	w.ask("/v1/namespaces/trading/evidence", as(evidence.HeaderAuthorization, "Bearer bert"))
	for _, line := range []string{
		`"msg"="Evidence was read" "user"="alma" "namespace"="trading" "key"="` + key + `" "bytes"=9`,
		`"msg"="Evidence was listed" "user"="anton" "namespace"="trading" "folder"="trading" "objects"=2`,
		`"msg"="Evidence was refused" "user"="bert" "namespace"="trading"`,
	} {
		if !strings.Contains(w.log.String(), line) {
			t.Errorf("the log has not %s:\n%s", line, w.log.String())
		}
	}
	if strings.Contains(w.log.String(), "Bearer") {
		t.Error("a token is in the log")
	}
}

// A long list comes in parts.
func TestALongListComesInParts(t *testing.T) {
	w := newWorld(t)
	w.Bucket = endless{}
	var page evidence.Page
	if err := json.Unmarshal(w.ask("/v1/namespaces/large/evidence").Body.Bytes(), &page); err != nil || len(page.Items) != maxPage || page.Next != page.Items[maxPage-1].Key {
		t.Errorf("%d objects, next %s, %v", len(page.Items), page.Next, err)
	}
}

type endless struct{ Bucket }

func (endless) List(_ context.Context, folder, _ string, most int) (all []evidence.Object, _ error) {
	for n := range int64(most) {
		all = append(all, evidence.Object{Key: evidence.LogKey(folder+"/", n)})
	}
	return all, nil
}

// One user neither reads faster than may be, nor more at once than their share; others go on.
func TestOneUserIsBounded(t *testing.T) {
	const list = "/v1/namespaces/trading/evidence"
	w := newWorld(t)
	w.wait = time.Nanosecond
	leave := []func(){}
	for range readsOfOne {
		out, entered := w.room.Enter(t.Context(), "alma")
		if !entered {
			t.Fatal("no room")
		}
		leave = append(leave, out)
	}
	if got := w.ask(list); got.Code != http.StatusServiceUnavailable {
		t.Errorf("more at once: %d", got.Code)
	}
	w.wait = waitLimit
	if got := w.ask(list, as(evidence.HeaderAuthorization, "Bearer anton")); got.Code != http.StatusOK {
		t.Errorf("another one: %d", got.Code)
	}
	for _, out := range leave {
		out()
	}
	for range burst - 1 {
		if got := w.ask(list); got.Code != http.StatusOK {
			t.Fatalf("%d %s", got.Code, got.Body)
		}
	}
	got := w.ask(list)
	if got.Code != http.StatusTooManyRequests || got.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	if got := w.ask(list, as(evidence.HeaderAuthorization, "Bearer anton")); got.Code != http.StatusOK {
		t.Errorf("another one: %d", got.Code)
	}
	w.clock.Step(time.Second)
	if got := w.ask(list); got.Code != http.StatusOK {
		t.Errorf("a second later: %d", got.Code)
	}
}

// A volume that hangs ends no call. Whoever asked is told in time, and no more calls hang than one user may make at once.
func TestABucketThatHangs(t *testing.T) {
	const object = "/v1/namespaces/trading/evidence/2026/11/23/pnl-1-01234567/log/000001.json"
	w := newWorld(t)
	w.hangs, w.limit = make(chan struct{}), time.Millisecond
	for _, says := range []string{"it gives no answer", "it gives no answer", "too many read at once"} {
		if says == "too many read at once" {
			w.wait = time.Millisecond
		}
		if answer := w.ask(object); answer.Code != http.StatusServiceUnavailable || !strings.Contains(answer.Body.String(), says) {
			t.Errorf("%d %s; want %s", answer.Code, answer.Body, says)
		}
	}
	close(w.hangs)
	w.limit, w.wait = time.Minute, time.Minute
	if answer := w.ask(object); answer.Code != http.StatusOK || answer.Body.String() != `{"seq":1}` {
		t.Errorf("when it is over: %d %s", answer.Code, answer.Body)
	}
	if log := w.log.String(); strings.Count(log, "Evidence was read") != 1 {
		t.Errorf("who was given nothing has read nothing:\n%s", log)
	}
}
