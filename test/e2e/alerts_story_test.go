//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// listens lets alerts open incidents in this world, by the routes of the demo's playbook. Nothing may fire at the start.
func (s *story) listens() {
	s.Helper()
	s.eventually("nothing fires", 30*time.Second, func(ctx context.Context) error {
		all, err := s.alerts(ctx)
		if err != nil {
			return err
		}
		for _, alert := range all {
			if alert.Spec.State == strategyv1.AlertFiring && alert.Spec.Labels["alertname"] != "DemoHeartbeat" {
				return fmt.Errorf("%s fires: %v", alert.Name, alert.Spec.Labels)
			}
		}
		return nil
	})
	var sample struct {
		Spec struct{ Alerts any }
	}
	s.must(yaml.Unmarshal([]byte(repositoryFile("config/samples/demo/playbook.yaml")), &sample))
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"alerts": sample.Spec.Alerts}})
	s.must(err)
	playbook := &strategyv1.StrategyPlaybook{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: samplePlaybook}}
	s.must(admin.Patch(s.ctx, playbook, client.RawPatch("application/merge-patch+json", patch)))
	s.eventually("the playbook is ready", 30*time.Second, func(ctx context.Context) error { return s.playbookReady(ctx, samplePlaybook, s.original) })
}

// alerts of this world.
func (s *story) alerts(ctx context.Context) ([]strategyv1.StrategyAlert, error) {
	var list strategyv1.StrategyAlertList
	err := admin.List(ctx, &list, client.InNamespace(s.namespace))
	return list.Items, err
}

// hears waits for an alert of a rule that has come to an outcome and a state.
func (s *story) hears(name string, outcome strategyv1.AlertOutcome, state strategyv1.AlertState, within time.Duration) *strategyv1.StrategyAlert {
	s.Helper()
	var found strategyv1.StrategyAlert
	s.eventually(fmt.Sprintf("alert %s is %s and %s", name, outcome, state), within, func(ctx context.Context) error {
		all, err := s.alerts(ctx)
		if err != nil {
			return err
		}
		var others []string
		for _, alert := range all {
			if string(alert.Spec.Labels["alertname"]) == name && alert.Status.Outcome == outcome && alert.Spec.State == state {
				found = alert
				return nil
			}
			others = append(others, fmt.Sprintf("%s %s %s\n%s", alert.Spec.Labels["alertname"], alert.Spec.State, alert.Status.Outcome, describe(&alert)))
		}
		return fmt.Errorf("there are %s", others)
	})
	s.trace("alert %s: %s", name, condition(&found, strategyv1.ConditionReady).Message)
	return &found
}

// losses are the incidents of type PnL of this world.
func (s *story) losses(ctx context.Context) ([]strategyv1.StrategyIncident, error) {
	var list strategyv1.StrategyIncidentList
	err := admin.List(ctx, &list, client.InNamespace(s.namespace))
	return slices.DeleteFunc(list.Items, func(i strategyv1.StrategyIncident) bool { return i.Spec.Type != "PnL" }), err
}

// TestTheAlertComesFirst: a fault begins, a rule of Prometheus fires, Alertmanager sends it, and the playbook says what it becomes. Nobody applies an
// incident; people approve the remedy, and undo it.
func TestTheAlertComesFirst(t *testing.T) {
	needsPrometheus(t)
	s := tell(t)
	s.listens()
	s.losingMoney()
	alert := s.hears("DemoPnlDrawdown", strategyv1.AlertOpened, strategyv1.AlertFiring, time.Minute)
	incident := &strategyv1.StrategyIncident{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: alert.Status.IncidentName}}
	s.must(s.refresh(s.ctx, incident))
	if spec := incident.Spec; spec.Type != "PnL" || spec.Severity != "Critical" || spec.Schedule != "cross_exchange_watch" || spec.PlaybookName != samplePlaybook {
		s.Errorf("the incident is of type %s, severity %s, schedule %s, playbook %s", spec.Type, spec.Severity, spec.Schedule, spec.PlaybookName)
	}
	rollback := s.eventualRollback("disable-schedule", 90*time.Second)
	s.reaches(rollback, "AwaitingApproval", time.Minute)
	s.decides("bob", strategyv1.DecisionApprove, rollback)
	s.reaches(rollback, "Verified", 2*time.Minute)
	s.reaches(incident, "Contained", 20*time.Second)

	s.hears("DemoPnlDrawdown", strategyv1.AlertOpened, strategyv1.AlertResolved, time.Minute)
	s.eventually("the incident hears that its alert is over", 20*time.Second, func(ctx context.Context) error {
		if err := s.refresh(ctx, incident); err != nil {
			return err
		}
		if incident.Status.FiringCount != 0 || incident.Status.AlertCount < 1 {
			return fmt.Errorf("%d of %d fire", incident.Status.FiringCount, incident.Status.AlertCount)
		}
		return nil
	})
	s.must(s.clearFaults(s.ctx))
	s.decides("bob", strategyv1.DecisionRestore, rollback)
	s.reaches(rollback, "Restored", 2*time.Minute)
	s.reaches(incident, "Resolved", time.Minute)
	s.configIsAsBefore()
	s.logVerifies(incident)
	if all, err := s.losses(s.ctx); err != nil || len(all) != 1 {
		s.Errorf("the loss has %d incidents: %v", len(all), err)
	}

	s.hears("DemoHeartbeat", strategyv1.AlertHeartbeat, strategyv1.AlertFiring, 90*time.Second)
	s.measures(`time() - max(strategy_heartbeat_time_seconds{namespace="trading"})`, func(age float64) bool { return age < 60 })
	s.measures(`sum(strategy_intake_alerts_total{result="created"})`, func(n float64) bool { return n > 0 })
	s.queriesAreAnswered()
}

// A message comes, the operator is killed, and Alertmanager, which may not know that it was taken, sends it again: it is one alert, and one incident.
func TestAMessageThatIsSentTwiceOpensOneIncident(t *testing.T) {
	needsPrometheus(t)
	s := tell(t, alone)
	s.listens()
	message := s.here(`{"version":"4","groupKey":"{}:{}","status":"firing","receiver":"trading","alerts":[{"status":"firing","labels":` +
		`{"alertname":"MultiStrategyPnlDrawdown","severity":"critical","schedule":"cross_exchange_watch","team":"trading-ops"},"annotations":{"summary":"a loss"},` +
		`"startsAt":"` + time.Now().UTC().Format(time.RFC3339) + `","endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":"3c9a8f2b1d0e4f67"}]}`)
	send := s.sender()
	s.eventually("the message is taken", time.Minute, func(ctx context.Context) error { return send(ctx, message) })
	s.trace("the operator is killed: %s", s.kill())
	s.eventually("it is taken again", 2*time.Minute, func(ctx context.Context) error { return send(ctx, message) })
	alert := s.hears("MultiStrategyPnlDrawdown", strategyv1.AlertOpened, strategyv1.AlertFiring, time.Minute)
	s.stays("there is one incident", 5*time.Second, func(ctx context.Context) error {
		open, err := s.losses(ctx)
		if err == nil && (len(open) != 1 || open[0].Name != alert.Status.IncidentName) {
			err = fmt.Errorf("there are %d, and the alert is with %s", len(open), alert.Status.IncidentName)
		}
		return err
	})
}

// sender speaks to the alert intake as Alertmanager does, from outside of the cluster: over TLS, with the token of its service account.
func (s *story) sender() func(context.Context, string) error {
	s.Helper()
	authority, err := os.ReadFile(filepath.Join(repository, ".cluster/pki/ca.crt"))
	s.must(err)
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(authority) {
		s.Fatal("the cluster's authority has no certificate")
	}
	token, err := clientset.CoreV1().ServiceAccounts("monitoring").CreateToken(s.ctx, "alertmanager", &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	s.must(err)
	sending := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}, DisableKeepAlives: true}}
	return func(ctx context.Context, message string) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://10.97.0.90:9443/v1/namespaces/"+s.namespace+"/alerts", bytes.NewBufferString(message))
		if err != nil {
			return err
		}
		request.Header.Set("Authorization", "Bearer "+token.Status.Token)
		request.Header.Set("Content-Type", "application/json")
		response, err := sending.Do(request)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		if response.StatusCode/100 != 2 {
			words, _ := io.ReadAll(io.LimitReader(response.Body, 1000))
			return errors.New(response.Status + ": " + string(words))
		}
		return nil
	}
}

// A storm: hundreds of alerts come through the intake while the operator is killed in the middle, and what was not taken is sent again, as
// Alertmanager does. Each is stored once, none is lost, and there are no more incidents than the playbook allows, and the one that holds the rest.
func TestAStormOfAlertsLosesAndDoublesNothing(t *testing.T) {
	needsPrometheus(t)
	s := tell(t, alone, long("hundreds of alerts are sent while the operator is killed"))
	s.listens()
	const messages, each = 20, 20
	send, starts := s.sender(), time.Now().UTC().Format(time.RFC3339)
	for n := range messages {
		var entries []string
		for i := range each {
			entries = append(entries, fmt.Sprintf(`{"status":"firing","labels":{"alertname":"MultiStrategyPnlDrawdown","severity":"critical","schedule":"storm-%d","team":"trading-ops"},"startsAt":%q}`,
				n*each+i, starts))
		}
		message := s.here(`{"version":"4","groupKey":"{}:{}","status":"firing","receiver":"trading","alerts":[` + strings.Join(entries, ",") + `]}`)
		if n == messages/2 {
			s.trace("the operator is killed: %s", s.kill())
		}
		s.eventually(fmt.Sprintf("message %d is taken", n), 2*time.Minute, func(ctx context.Context) error { return send(ctx, message) })
	}
	s.eventually("each alert is with one incident", 3*time.Minute, func(ctx context.Context) error { return s.stormIsHeld(ctx, messages*each) })
	s.stays("nothing more comes of it", 10*time.Second, func(ctx context.Context) error { return s.stormIsHeld(ctx, messages*each) })
}

// stormIsHeld: so many alerts are stored, each once and with an incident, and no two incidents are about the same.
func (s *story) stormIsHeld(ctx context.Context, want int) error {
	all, err := s.alerts(ctx)
	if err != nil {
		return err
	}
	var incidents strategyv1.StrategyIncidentList
	if err := admin.List(ctx, &incidents, client.InNamespace(s.namespace)); err != nil {
		return err
	}
	about := map[string]string{}
	for _, incident := range incidents.Items {
		same := fmt.Sprint(incident.Spec.Type, incident.Spec.Schedule)
		if other, found := about[same]; found {
			return fmt.Errorf("incidents %s and %s are about the same: %s", incident.Name, other, same)
		}
		about[same] = incident.Name
	}
	seen := map[strategyv1.AlertText]bool{}
	for _, alert := range all {
		schedule := alert.Spec.Labels["schedule"]
		if !strings.HasPrefix(string(schedule), "storm-") {
			continue
		}
		if seen[schedule] || alert.Status.IncidentUID == "" {
			return fmt.Errorf("alert %s of schedule %s is stored twice, or has no incident: %s", alert.Name, schedule, alert.Status.Outcome)
		}
		seen[schedule] = true
	}
	if len(seen) != want {
		return fmt.Errorf("%d alerts are stored, not %d", len(seen), want)
	}
	return nil
}
