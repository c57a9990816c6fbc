//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// measures waits until Prometheus itself says that a query's number is right, so that a story does not race with a scrape.
func (s *story) measures(query string, right func(float64) bool) {
	s.Helper()
	query = s.here(query)
	s.eventually("Prometheus measures "+query, 45*time.Second, func(ctx context.Context) error {
		number, err := askPrometheus(ctx, query)
		if err == nil && !right(number) {
			err = fmt.Errorf("it is %g", number)
		}
		return err
	})
	s.trace("Prometheus has measured %s", query)
}

// localPrometheus is where hack/cluster starts it, on the node's bridge.
const localPrometheus = "http://10.99.0.1:9490"

// askPrometheus is a query with one number as its answer.
func askPrometheus(ctx context.Context, query string) (float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, localPrometheus+"/api/v1/query?query="+url.QueryEscape(query), nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return 0, err
	}
	var answer struct {
		Data struct {
			Result []struct {
				Value []any `json:"value"` // the time, and the number as a text
			} `json:"result"`
		} `json:"data"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return 0, err
	}
	if found := answer.Data.Result; len(found) != 1 || len(found[0].Value) != 2 {
		return 0, fmt.Errorf("query %s: %s", query, data)
	}
	return strconv.ParseFloat(fmt.Sprint(answer.Data.Result[0].Value[1]), 64)
}

func is(wanted float64) func(float64) bool {
	return func(number float64) bool { return number == wanted }
}

// Without data there can be no signals, which is no reason to call the lead. With data it is.
func TestTheLeadIsCalledForMissingSignalsOnlyWhileDataComesIn(t *testing.T) {
	needsPrometheus(t)
	s := tell(t)
	playbook := s.sample("silent")
	soon(&playbook.Spec)
	playbook.Spec.Escalation = s.demoPlaybook().Spec.Escalation
	playbook.Spec.Triage.Checks = []strategyv1.StageCheck{{Name: "stage4-audit"}}
	playbook.Spec.Triage.Escalate, playbook.Spec.Triage.FalseAlarm = nil, nil
	playbook.Spec.Diagnosis.Checks = []strategyv1.StageCheck{{Name: "journal"}}
	playbook.Spec.Diagnosis.Causes = nil
	name := s.playbook(playbook)
	s.must(s.setFault(s.ctx, "feed-down"))
	s.measures(`sum(increase(bot_strategy_decisions_total{namespace="trading"}[10s]))`, is(0))
	s.measures(`sum(bot_exchange_health_status{namespace="trading"})`, is(0))

	incident := s.report("alice", name, typed("NoSignals"))
	s.stays("without data nobody calls the lead", 15*time.Second, func(ctx context.Context) error {
		if err := s.refresh(ctx, incident); err != nil {
			return err
		}
		if condition(incident, strategyv1.ConditionLeadCalled).Type != "" {
			return errors.New("it is at:\n" + describe(incident))
		}
		return nil
	})
	for _, signal := range []string{"signals_1m", "active_feeds"} { // other signals have no series while the feeds are dead
		if c := condition(incident, strategyv1.ConditionSignalsKnown); strings.Contains(c.Message, signal) {
			s.Errorf("it is not known that there is no data: %s", c.Message)
		}
	}

	s.must(s.setFault(s.ctx, "flat"))
	s.must(s.call(s.ctx, "DELETE", exchangeName, "/v1/faults/feed-down", nil, nil))
	s.trace("the feeds are back, and their prices stand still")
	s.eventually("the lead is called", 45*time.Second, func(ctx context.Context) error {
		if err := s.refresh(ctx, incident); err != nil {
			return err
		}
		if incident.Status.Level != strategyv1.LevelLead {
			return errors.New("it is at:\n" + describe(incident))
		}
		return nil
	})
	s.says(incident, strategyv1.ConditionLeadCalled, "rule no-signals", "signals_1m = 0", "active_feeds = 2")
	s.reaches(incident, "NeedsPerson", time.Minute)
	s.configIsAsBefore()
}

// The same fault comes back at once: everything is done again but the remedy, which waits for its time.
func TestTheNextRemedyWaitsForItsBackOff(t *testing.T) {
	s := tell(t)
	playbook := s.quick("back-off")
	playbook.Spec.Recovery = &strategyv1.RecoverySpec{BackoffSeconds: new(int32(30))}
	name := s.playbook(playbook)
	first := s.report("alice", name, nil)
	rollback := s.rollbackOf(first, time.Minute)
	s.reaches(rollback, "AwaitingApproval", 30*time.Second)
	s.decides("bob", strategyv1.DecisionApprove, rollback)
	s.reaches(rollback, "Verified", time.Minute)
	s.decides("bob", strategyv1.DecisionRestore, rollback)
	s.reaches(first, "Resolved", time.Minute)

	second := s.report("alice", name, nil)
	s.reaches(second, "BackingOff", 25*time.Second)
	s.says(second, strategyv1.ConditionReady, "cause SignalDegradation", first.Status.NextAllowedTime.UTC().Format(time.RFC3339))
	s.reaches(second, "Mitigating", time.Minute)
	var asked *strategyv1.StrategyRollback
	s.eventually("its rollback", 10*time.Second, func(ctx context.Context) error {
		var list strategyv1.StrategyRollbackList
		if err := admin.List(ctx, &list, client.InNamespace(s.namespace)); err != nil {
			return err
		}
		at := slices.IndexFunc(list.Items, func(r strategyv1.StrategyRollback) bool { return r.Spec.IncidentName == second.Name })
		if at < 0 {
			return errors.New("there is none")
		}
		asked = &list.Items[at]
		return nil
	})
	if asked.CreationTimestamp.Before(first.Status.NextAllowedTime) {
		s.Errorf("it was asked for at %v, before %v", asked.CreationTimestamp, first.Status.NextAllowedTime)
	}
	s.configIsAsBefore()
}
