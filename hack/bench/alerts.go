package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// What comes: so many alerts, of so many identities, in messages of so many, from so many Alertmanagers, each with so many connections.
const (
	alertsSent       = 100_000
	alertIdentities  = 500
	alertsInMessage  = 10
	alertmanagers    = 3
	connectionsOfOne = 4
	// alertsLimit is how long all of this may take.
	alertsLimit = 4 * time.Minute
	// alertTries is how often a message is sent again, after a pause each time.
	alertTries = 300
	alertPause = 100 * time.Millisecond
	// killedMessages is how many messages say that what is left fires no more, while the manager is killed.
	killedMessages = 1000
)

// alertStorm is what senders saw, and what is left of it.
type alertStorm struct {
	mu             sync.Mutex // of answers and again
	took           time.Duration
	answers        []time.Duration // of messages
	again          int             // messages that were sent again
	lost, doubled  int
	lostByKill     int // of what was said while the manager was killed
	incidents      int // that the alerts opened
	writes, status int // of the operator, by whom the intake writes
	late           time.Duration
	peak           int64
	cpu            time.Duration
}

// runAlerts sends a storm of alerts to the manager as it is shipped, while nobody answers an incident.
func runAlerts(ctx context.Context, root, bin string) error {
	begin := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, alertsLimit, fmt.Errorf("not within %s", alertsLimit))
	defer cancel()
	text, err := os.ReadFile(filepath.Join(root, "config", "manager", "deployment.yaml"))
	if err != nil {
		return err
	}
	memory, env, err := shippedMemory(text)
	if err != nil {
		return err
	}
	r, err := newRig(root, namespace)
	if err != nil {
		return err
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	r.alerts = "127.0.0.1:" + strconv.Itoa(port)
	s := &siege{rig: r, bin: bin, limit: newGroup(memory), env: env, progress: progressSince(begin)}
	defer s.limit.remove()
	defer s.stop()
	result, err := s.alertStorm(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("\n%d alerts of %d identities, from %d senders over TLS, with tokens. %s.\n\n", alertsSent, alertIdentities, alertmanagers, time.Since(begin).Round(time.Second))
	return printRows(os.Stdout, []string{"alerts"}, alertRows(result, memory), func(r row) []string { return []string{number(r.ours[0])} })
}

func alertRows(a *alertStorm, memory int64) []row {
	of := func(what string, value, goal float64) row {
		return row{what: what, ours: []float64{value}, minimum: none, goal: goal}
	}
	slices.Sort(a.answers)
	return []row{
		of("A1 identities whose end is not stored", float64(a.lost), 0),
		of("   identities stored twice", float64(a.doubled), 0),
		of("   not stored after the manager was killed in the middle", float64(a.lostByKill), 0),
		of("   incidents that they opened: 20, and one for the rest", float64(a.incidents), 21),
		of("A2 writes of what was said, per identity", float64(a.writes)/alertIdentities, 3),
		of("   writes of what becomes of it, per identity", float64(a.status)/alertIdentities, none),
		of("   alerts per second", alertsSent/a.took.Seconds(), none),
		of("A3 answer to a message, s: 99 of 100", a.answers[len(a.answers)*99/100].Seconds(), 1),
		of("   ... the median", a.answers[len(a.answers)/2].Seconds(), none),
		of("   messages sent again", float64(a.again), none),
		of("A4 deadline of another incident to its record, s", a.late.Seconds(), 2),
		of("A5 most memory : the shipped limit", float64(a.peak)/float64(memory), 0.9),
		of("   CPU, ms per 1,000 alerts", ms(a.cpu)/(alertsSent/1000), none),
	}
}

func (s *siege) alertStorm(ctx context.Context) (*alertStorm, error) {
	if err := s.up(ctx); err != nil {
		return nil, err
	}
	if err := s.furnish(ctx, 1); err != nil {
		return nil, err
	}
	unanswered := newPlaybook("unanswered")
	unanswered.Spec.Triage.FalseAlarm, unanswered.Spec.Triage.RespondWithinSeconds = nil, respondWithin
	unanswered.Spec.Alerts = &strategyv1.AlertsSpec{Routes: []strategyv1.AlertRoute{{
		Name: "bench", Matchers: []string{`alertname=~"Bench.*"`}, Type: "Latency", Target: &strategyv1.AlertTarget{ScheduleLabel: "alertname"},
	}}}
	if err := s.harness.Create(ctx, unanswered); err != nil {
		return nil, err
	}
	token, err := s.sender(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.startLimited(ctx); err != nil {
		return nil, err
	}
	https := &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: alertmanagers * connectionsOfOne, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // it made its certificate up
	}}
	post := func(status string, first, n int) (int, string, error) {
		return sendAlerts(ctx, https, "https://"+s.alerts+"/v1/namespaces/"+namespace+"/alerts", token, status, first, n)
	}
	if err := poll(ctx, "alerts are taken", 100*time.Millisecond, func() (bool, error) {
		code, _, _ := post("firing", 0, 0)
		return code == http.StatusOK, s.alive()
	}); err != nil {
		return nil, err
	}
	return s.underStorm(ctx, post)
}

// underStorm has the storm come, and counts what is left of it. The last that is said of the first half of the identities is that they are over.
func (s *siege) underStorm(ctx context.Context, post func(status string, first, n int) (int, string, error)) (*alertStorm, error) {
	s.progress("alerts")
	result, began := &alertStorm{}, time.Now()
	before, err := s.operator.usage()
	if err != nil {
		return nil, err
	}
	late := newIncident(0)
	late.Spec.PlaybookName, late.Name = "unanswered", "unanswered"
	if err := s.harness.Create(ctx, late); err != nil {
		return nil, err
	}
	recorded := make(chan error, 1)
	go func() { recorded <- s.recorded(ctx, late.Name, &result.late) }()
	const messages = alertsSent / alertsInMessage
	err = byMany(alertmanagers*connectionsOfOne, messages, func(i int) error {
		first := i * alertsInMessage % alertIdentities
		status := "firing"
		if first < alertIdentities/2 && i > messages/2 {
			status = "resolved"
		}
		return errors.Join(result.untilStored(ctx, func() (int, string, error) { return post(status, first, alertsInMessage) }), s.alive())
	})
	if err != nil {
		return nil, err
	}
	result.took = time.Since(began)
	if err := <-recorded; err != nil {
		return nil, err
	}
	after, err := s.operator.usage()
	if err != nil {
		return nil, err
	}
	result.peak, result.cpu = after.peak, after.cpu-before.cpu
	if result.lost, result.doubled, err = s.leftOf(ctx, alertIdentities/2); err != nil {
		return nil, err
	}
	events, err := readAudit(s.auditLog())
	if err != nil {
		return nil, err
	}
	all := count(events, began, time.Now())
	result.writes = all.sum(by(userOperator), writes, on("strategyalerts", ""))
	result.status = all.sum(by(userOperator), writes, on("strategyalerts", "status"))
	if err := s.killed(ctx, post, result); err != nil {
		return nil, err
	}
	var opened strategyv1.StrategyIncidentList
	if err := s.harness.List(ctx, &opened, client.InNamespace(namespace)); err != nil {
		return nil, err
	}
	result.incidents = len(opened.Items) - 1 // but the one that nobody answers
	return result, s.alive()
}

// killed says that all of it is over, and kills the manager while that is said.
func (s *siege) killed(ctx context.Context, post func(status string, first, n int) (int, string, error), result *alertStorm) (err error) {
	s.progress("killed in the middle")
	var said atomic.Int64
	midst, sent := make(chan struct{}), make(chan error, 1)
	go func() {
		sent <- byMany(alertmanagers*connectionsOfOne, killedMessages, func(i int) error {
			if said.Add(1) == killedMessages/3 {
				close(midst)
			}
			return result.untilStored(ctx, func() (int, string, error) {
				return post("resolved", i*alertsInMessage%alertIdentities, alertsInMessage)
			})
		})
	}()
	select {
	case err := <-sent:
		return errors.Join(err, errors.New("it was over before the manager was killed"))
	case <-midst:
	}
	s.operator.kill()
	s.processes = slices.DeleteFunc(s.processes, func(p *process) bool { return p == s.operator })
	if err := s.startLimited(ctx); err != nil {
		return err
	}
	if err := <-sent; err != nil {
		return err
	}
	result.lostByKill, _, err = s.leftOf(ctx, alertIdentities)
	return err
}

// untilStored sends a message again as long as Alertmanager would: when nobody answers, and after a 5xx.
func (a *alertStorm) untilStored(ctx context.Context, post func() (int, string, error)) error {
	for try := 1; ; try++ {
		sent := time.Now()
		code, words, err := post()
		a.answered(time.Since(sent), code)
		if err == nil && code == http.StatusOK {
			return nil
		}
		if err == nil && code != http.StatusServiceUnavailable || try == alertTries {
			return errors.Join(err, fmt.Errorf("a message was answered with %d: %s", code, words))
		}
		if err := pause(ctx, alertPause); err != nil {
			return err
		}
	}
}

func (a *alertStorm) answered(took time.Duration, code int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answers = append(a.answers, took)
	if code != http.StatusOK {
		a.again++
	}
}

// leftOf compares what is stored with what was said last: that the first of them are over, and the others fire.
func (s *siege) leftOf(ctx context.Context, over int) (lost, doubled int, err error) {
	var list strategyv1.StrategyAlertList
	if err := s.harness.List(ctx, &list, client.InNamespace(namespace)); err != nil {
		return 0, 0, err
	}
	found := map[string]strategyv1.AlertState{}
	for _, one := range list.Items {
		name := string(one.Spec.Labels["alertname"])
		if _, twice := found[name]; twice {
			doubled++
		}
		found[name] = one.Spec.State
	}
	for i := range alertIdentities {
		want := strategyv1.AlertFiring
		if i < over {
			want = strategyv1.AlertResolved
		}
		if found[alertname(i)] != want {
			lost++
		}
	}
	return lost, doubled, nil
}

// sender makes an account that may send alerts, and gives its token.
func (s *siege) sender(ctx context.Context) (string, error) {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "alertmanager"}}
	bound := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "alertmanager"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "strategy-operator-alert-sender"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Name: account.Name, Namespace: namespace}},
	}
	asked := &authenticationv1.TokenRequest{}
	err := errors.Join(s.harness.Create(ctx, account), s.harness.Create(ctx, bound), s.harness.SubResource("token").Create(ctx, account, asked))
	return asked.Status.Token, err
}

func alertname(i int) string { return fmt.Sprintf("Bench%04d", i) }

// alertsBegan is since when they fire.
var alertsBegan = time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)

// sendAlerts sends one message about so many identities, from the first on.
func sendAlerts(ctx context.Context, by *http.Client, url, token, status string, first, n int) (code int, words string, err error) {
	var entries []string
	for i := first; i < first+n; i++ {
		entries = append(entries, fmt.Sprintf(`{"status":%q,"labels":{"alertname":%q,"severity":"warning","instance":"10.0.0.1:9100","job":"scheduler"},`+
			`"annotations":{"summary":"a bench","description":%q},"startsAt":%q,"generatorURL":"http://prometheus.example/graph","fingerprint":"%016x"}`,
			status, alertname(i), strings.Repeat("x", 200), alertsBegan, i))
	}
	body := `{"version":"4","groupKey":"{}","truncatedAlerts":0,"status":"firing","receiver":"operator","alerts":[` + strings.Join(entries, ",") + `]}`
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader([]byte(body)))
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := by.Do(request)
	if err != nil {
		return 0, "", err
	}
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), errors.Join(err, response.Body.Close())
}
