package reading

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/evidence"
)

const (
	// askLimit bounds the questions who asks and whether they may, waitLimit the wait for room, and bucketLimit that for the bucket.
	askLimit, waitLimit, bucketLimit = 10 * time.Second, 10 * time.Second, 15 * time.Second
	// maxPage is how many objects a part of a list has at most.
	maxPage = 1000
	// maxWords bounds an answer that is a refusal, and maxName a user's name in it and in the log.
	maxWords, maxName = 512, 256
)

// refusal is why there is no evidence in an answer, in the form in which the API server says such things, so that its clients show it.
type refusal struct {
	code   int
	reason metav1.StatusReason
	words  string
}

func refuse(code int, reason metav1.StatusReason, format string, args ...any) *refusal {
	return &refusal{code, reason, bounded.Line(fmt.Sprintf(format, args...), maxWords)}
}

// asked is what a request is about.
type asked struct {
	namespace string
	key       string // empty: a list of
	folder    string // of the whole key, with the namespace
	after     string
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	data, kind, problem := s.handle(request)
	code := http.StatusOK
	header := w.Header()
	if problem != nil {
		code, kind = problem.code, "application/json"
		data, _ = json.Marshal(metav1.Status{ // plain texts
			TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure,
			Code: int32(code), Reason: problem.reason, Message: problem.words,
		})
		header.Set("Connection", "close") // whoever is refused holds none
	}
	requestsTotal.WithLabelValues(strconv.Itoa(code)).Inc()
	header.Set("Content-Type", kind)
	header.Set("Content-Length", strconv.Itoa(len(data)))
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	switch code {
	case http.StatusUnauthorized:
		header.Set("WWW-Authenticate", "Bearer")
	case http.StatusMethodNotAllowed:
		header.Set("Allow", http.MethodGet)
	case http.StatusTooManyRequests:
		header.Set("Retry-After", "1")
	}
	w.WriteHeader(code)
	_, _ = w.Write(data) // whoever went away asks again
}

// handle is the answer to a request, or why there is none.
func (s *Server) handle(request *http.Request) (data []byte, kind string, problem *refusal) {
	what, problem := addressed(request)
	if problem != nil {
		return nil, "", problem
	}
	ctx, cancel := context.WithTimeout(request.Context(), askLimit)
	defer cancel()
	user, problem := s.admitted(ctx, request.Header, what)
	if problem != nil {
		return nil, "", problem
	}
	if !s.inTime(user) {
		return nil, "", refuse(http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests, "%s reads more than %d objects in a second; go on more slowly", bounded.Line(user, maxName), readsPerSecond)
	}
	waiting, cancel := context.WithTimeout(request.Context(), s.wait)
	defer cancel()
	leave, entered := s.room.Enter(waiting, user)
	if !entered {
		return nil, "", refuse(http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable, "too many read at once; try again")
	}
	ctx, cancel = context.WithTimeout(request.Context(), s.limit)
	defer cancel()
	log := s.Log.WithValues("user", bounded.Line(user, maxName), "namespace", what.namespace)
	if what.key == "" {
		return s.list(ctx, leave, what, func(n int) { log.Info("Evidence was listed", "folder", what.folder, "objects", n) })
	}
	return s.get(ctx, leave, what, func(n int) { log.Info("Evidence was read", "key", what.key, "bytes", n) })
}

// addressed says what a request is about. A key is one of its namespace whatever is in it: CheckKey knows no way up.
func addressed(request *http.Request) (asked, *refusal) {
	rest, ours := strings.CutPrefix(request.URL.Path, "/v1/namespaces/")
	namespace, rest, _ := strings.Cut(rest, "/")
	rest, of := strings.CutPrefix(rest, "evidence")
	key, hasKey := strings.CutPrefix(rest, "/")
	what := asked{namespace: namespace, folder: namespace}
	switch {
	case !ours || !of || rest != "" && !hasKey || len(validation.IsDNS1123Label(namespace)) > 0:
		return asked{}, refuse(http.StatusNotFound, metav1.StatusReasonNotFound, "evidence is at /v1/namespaces/NAMESPACE/evidence, and an object of it at .../evidence/KEY")
	case request.Method != http.MethodGet:
		return asked{}, refuse(http.StatusMethodNotAllowed, metav1.StatusReasonMethodNotAllowed, "evidence is only read, with GET")
	case request.Header.Get("Impersonate-User") != "":
		return asked{}, refuse(http.StatusBadRequest, metav1.StatusReasonBadRequest, "evidence is read in one's own name; leave out --as")
	}
	query := request.URL.Query()
	if folder := strings.Trim(query.Get(evidence.ParamFolder), "/"); folder != "" {
		what.folder += "/" + folder
	}
	what.after = query.Get(evidence.ParamAfter)
	check := []string{what.folder}
	if what.after != "" {
		check = append(check, what.after)
	}
	if hasKey {
		what.key = namespace + "/" + key
		check = []string{what.key}
	}
	for _, one := range check {
		if err := evidence.CheckKey(one); err != nil {
			return asked{}, refuse(http.StatusBadRequest, metav1.StatusReasonBadRequest, "%v", err)
		}
	}
	return what, nil
}

// admitted is who asks, if they may. That it is not known is neither a yes nor a no.
func (s *Server) admitted(ctx context.Context, header http.Header, what asked) (string, *refusal) {
	token := header.Get(evidence.HeaderAuthorization)
	if token == "" {
		token = header.Get("Authorization")
	}
	user, err := s.gate.User(ctx, token)
	if err != nil {
		s.Log.Error(err, "Ask the API server whose a token is")
		return "", refuse(http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable, "the API server does not say whose the token is; try again")
	}
	if user == nil {
		return "", refuse(http.StatusUnauthorized, metav1.StatusReasonUnauthorized,
			"the API server does not know the token, or there is none; send one in the header %s", evidence.HeaderAuthorization)
	}
	return s.mayRead(ctx, user, what)
}

func (s *Server) mayRead(ctx context.Context, user *authenticationv1.UserInfo, what asked) (string, *refusal) {
	may, err := s.gate.May(ctx, user, authorizationv1.ResourceAttributes{
		Namespace: what.namespace, Verb: "get", Group: strategyv1.GroupVersion.Group, Resource: evidence.ReadResource, Subresource: evidence.ReadSubresource,
	})
	name := bounded.Line(user.Username, maxName)
	if err != nil {
		s.Log.Error(err, "Ask the API server what somebody may read", "user", name, "namespace", what.namespace)
		return "", refuse(http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable, "the API server does not say what %s may read; try again", name)
	}
	if !may {
		s.Log.Info("Evidence was refused", "user", name, "namespace", what.namespace, "key", what.key)
		return "", refuse(http.StatusForbidden, metav1.StatusReasonForbidden, "%s may not get %s/%s in namespace %s; bind ClusterRole strategy-operator-evidence-reader there",
			name, evidence.ReadResource, evidence.ReadSubresource, what.namespace)
	}
	return user.Username, nil
}

func (s *Server) list(ctx context.Context, leave func(), what asked, told func(objects int)) ([]byte, string, *refusal) {
	found, err := answer(ctx, leave, func() ([]evidence.Object, error) { return s.Bucket.List(ctx, what.folder, what.after, maxPage+1) })
	if err != nil {
		return nil, "", s.unread(err)
	}
	page := evidence.Page{Items: found, Bucket: s.About()}
	if len(found) > maxPage {
		page.Items, page.Next = found[:maxPage], found[maxPage-1].Key
	}
	if page.Items == nil {
		page.Items = []evidence.Object{}
	}
	data, err := json.Marshal(page)
	if err != nil {
		return nil, "", s.unread(err)
	}
	told(len(page.Items))
	return data, "application/json", nil
}

func (s *Server) get(ctx context.Context, leave func(), what asked, told func(bytes int)) ([]byte, string, *refusal) {
	data, err := answer(ctx, leave, func() ([]byte, error) { return s.Bucket.Get(ctx, what.key) })
	if errors.Is(err, evidence.ErrNotFound) {
		return nil, "", refuse(http.StatusNotFound, metav1.StatusReasonNotFound, "%v", err)
	}
	if err != nil {
		return nil, "", s.unread(err)
	}
	told(len(data))
	return data, "application/octet-stream", nil
}

// answer calls the bucket, for as long as ctx lets it, on a goroutine that is left behind if it does not return: a volume that hangs heeds no context.
// The place is given back when the call ends, not when its caller is told: so no more calls hang than there are places.
func answer[T any](ctx context.Context, leave func(), call func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		defer leave()
		value, err := call()
		done <- result{value, err}
	}()
	select {
	case got := <-done:
		return got.value, got.err
	case <-ctx.Done():
		var none T
		return none, fmt.Errorf("it gives no answer: %w", ctx.Err())
	}
}

func (s *Server) unread(err error) *refusal {
	s.Log.Error(err, "Read evidence for somebody")
	return refuse(http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable, "the evidence bucket cannot be read now (%v); try again", err)
}
