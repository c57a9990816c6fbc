package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
)

// What a request is refused for, as the metric has it. Each of these is a loss for the sender, who does not send it again.
const (
	notFound        = "not_found"
	wrongMethod     = "method"
	wrongType       = "content_type"
	unauthenticated = "unauthenticated"
	forbidden       = "forbidden"
	malformed       = "malformed"
	tooLarge        = "too_large"
)

var reasons = []string{notFound, wrongMethod, wrongType, unauthenticated, forbidden, malformed, tooLarge}

const (
	// askLimit bounds the questions who sends and whether they may, and waitLimit the wait for room.
	askLimit, waitLimit = 10 * time.Second, 10 * time.Second
	// storeLimit bounds the work on one message. What is stored by then is not stored again when it is sent again.
	storeLimit = 20 * time.Second
	// bodyLimit is how long a message may take to arrive once it has a place.
	bodyLimit = 5 * time.Second
	// retryAfter is when a sender may try again, in seconds.
	retryAfter = "10"
	// maxWords bounds an answer.
	maxWords = 512
)

// answer is what the sender is told: a code and, for people, what to do.
type answer struct {
	code   int
	reason string // of a refusal
	words  string
}

func refuse(code int, reason, words string) *answer { return &answer{code, reason, words} }

// later503 is for what may go well later. Alertmanager sends again after a 5xx, and after nothing else.
func later503(format string, args ...any) *answer {
	return &answer{code: http.StatusServiceUnavailable, words: fmt.Sprintf(format, args...)}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	begin := s.clock.Now()
	said := s.handle(w, request)
	requestsTotal.WithLabelValues(strconv.Itoa(said.code)).Inc()
	requestSeconds.Observe(s.clock.Since(begin).Seconds())
	header := w.Header()
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("X-Content-Type-Options", "nosniff")
	switch said.code {
	case http.StatusUnauthorized:
		header.Set("WWW-Authenticate", "Bearer")
	case http.StatusMethodNotAllowed:
		header.Set("Allow", http.MethodPost)
	case http.StatusServiceUnavailable:
		header.Set("Retry-After", retryAfter)
	}
	if said.reason != "" {
		refusedTotal.WithLabelValues(said.reason).Inc()
		header.Set("Connection", "close") // whoever is refused holds none
	}
	w.WriteHeader(said.code)
	_, _ = io.WriteString(w, bounded.Line(said.words, maxWords)+"\n")
}

// handle takes a message, or says why not. Who is not known has no body read.
func (s *Server) handle(w http.ResponseWriter, request *http.Request) *answer {
	namespace, problem := addressed(request)
	if problem != nil {
		return problem
	}
	ctx, cancel := context.WithTimeout(request.Context(), askLimit)
	defer cancel()
	user, problem := s.admitted(ctx, request.Header, namespace)
	if problem != nil {
		return problem
	}
	if why := s.notServed(ctx, namespace); why != "" {
		return later503("nothing is stored: %s", why)
	}
	waiting, cancel := context.WithTimeout(request.Context(), s.wait)
	defer cancel()
	leave, entered := s.room.Enter(waiting, namespace)
	if !entered {
		return later503("too many messages at once; send it again")
	}
	defer leave()
	body, problem := s.readBody(w, request)
	if problem != nil {
		return problem
	}
	m, problem := decode(body)
	if problem != nil {
		return problem
	}
	return s.keep(request.Context(), namespace, user.Username, m)
}

// addressed says which namespace a request is for.
func addressed(request *http.Request) (namespace string, problem *answer) {
	rest, ours := strings.CutPrefix(request.URL.Path, "/v1/namespaces/")
	namespace, ours2 := strings.CutSuffix(rest, "/alerts")
	switch kind, _, err := mime.ParseMediaType(request.Header.Get("Content-Type")); {
	case !ours || !ours2 || len(validation.IsDNS1123Label(namespace)) > 0:
		return "", refuse(http.StatusNotFound, notFound, "send alerts to /v1/namespaces/NAMESPACE/alerts")
	case request.Method != http.MethodPost:
		return "", refuse(http.StatusMethodNotAllowed, wrongMethod, "send alerts with POST")
	case err != nil || kind != "application/json":
		return "", refuse(http.StatusUnsupportedMediaType, wrongType, "send alerts as application/json")
	case request.Header.Get("Content-Encoding") != "":
		return "", refuse(http.StatusUnsupportedMediaType, wrongType, "send alerts without a Content-Encoding")
	}
	return namespace, nil
}

// admitted is who sends, if they may. That it is not known is neither a yes nor a no.
func (s *Server) admitted(ctx context.Context, header http.Header, namespace string) (*authenticationv1.UserInfo, *answer) {
	user, err := s.gate.User(ctx, header.Get("Authorization"))
	if err != nil {
		s.log.Error(err, "Ask the API server whose a token is")
		return nil, later503("the API server does not say whose the token is; send it again")
	}
	if user == nil {
		return nil, refuse(http.StatusUnauthorized, unauthenticated,
			"the API server does not know the token; send that of a service account with authorization.credentials_file")
	}
	may, err := s.gate.May(ctx, user, authorizationv1.ResourceAttributes{
		Namespace: namespace, Verb: "create", Group: strategyv1.GroupVersion.Group, Resource: "strategyalerts",
	})
	name := bounded.Line(user.Username, maxSender/2)
	if err != nil {
		s.log.Error(err, "Ask the API server what a sender may do", "sender", name, "namespace", namespace)
		return nil, later503("the API server does not say what %s may do; send it again", name)
	}
	if !may {
		return nil, refuse(http.StatusForbidden, forbidden, fmt.Sprintf(
			"%s may not create strategyalerts in namespace %s; bind ClusterRole strategy-operator-alert-sender there", name, namespace))
	}
	if s.person(user.Username) { // what follows from an alert was asked for by nobody, and nobody could tell who ended one
		return nil, refuse(http.StatusForbidden, forbidden, fmt.Sprintf(
			"%s is a person as far as the name tells, and alerts come from machines; report with kubectl strategy report, or name the machine in the manager's --machine-users", name))
	}
	return user, nil
}

func (s *Server) readBody(w http.ResponseWriter, request *http.Request) ([]byte, *answer) {
	var body bytes.Buffer
	err := s.within(w, func() error {
		_, err := body.ReadFrom(http.MaxBytesReader(w, request.Body, maxBody))
		return err
	})
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		return nil, refuse(http.StatusRequestEntityTooLarge, tooLarge,
			fmt.Sprintf("the message has more than %d MiB; group alerts by more labels", maxBody>>20))
	}
	if err != nil { // it was cut off: nobody hears this, or it is sent again
		return nil, later503("the body could not be read to its end; send it again")
	}
	return body.Bytes(), nil
}

// within gives a body so long to arrive: whoever sends one slowly has a place that others wait for. Afterwards the connection waits again as long
// as it did: its end would end the work on the message.
func (s *Server) within(w http.ResponseWriter, read func() error) error {
	connection := http.NewResponseController(w)
	deadline := time.Now().Add(bodyLimit) //nolint:forbidigo // a connection knows the clock of the machine alone
	if err := connection.SetReadDeadline(deadline); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	defer func() { _ = connection.SetReadDeadline(time.Time{}) }()
	return read()
}

// keep stores a message, and answers that it is safe only if all of it is.
func (s *Server) keep(ctx context.Context, namespace, sender string, m message) *answer {
	log := s.log.WithValues("namespace", namespace, "sender", bounded.Line(sender, maxSender))
	if m.truncated > 0 {
		truncatedTotal.Add(float64(m.truncated))
		log.Info("A sender left alerts out; raise max_alerts of its receiver, or group by more labels", "alerts", m.truncated)
	}
	if m.refused > 0 {
		alertsTotal.WithLabelValues(string(refused)).Add(float64(m.refused))
		log.Info("Alerts are no objects, so nothing is stored of them", "alerts", m.refused)
	}
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	var all []heard
	for _, one := range m.alerts {
		all = append(all, fit(one, sender))
	}
	results, err := s.store.all(ctx, namespace, all)
	for what, n := range results {
		alertsTotal.WithLabelValues(string(what)).Add(float64(n))
	}
	if err != nil {
		log.Error(err, "Store alerts")
		return later503("%v; send it again", err)
	}
	if n := results[again]; n > 0 {
		return later503("%d of %d alerts were resolved less than %s ago and are said to fire since before; all else is stored. Send it again: what fires then is stored",
			n, len(all), peerDelay)
	}
	return &answer{code: http.StatusOK, words: whatBecame(len(all), results[late], m.refused)}
}

// whatBecame says what became of a message.
func whatBecame(alerts, old, unreadable int) string {
	words := fmt.Sprintf("%d alerts are stored", alerts-old)
	if old > 0 {
		words += fmt.Sprintf("; %d are older than what is stored, and change nothing", old)
	}
	if unreadable > 0 {
		words += fmt.Sprintf("; of %d nothing can be stored: they are no objects", unreadable)
	}
	return words
}
