//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"time"

	"sigs.k8s.io/yaml"
)

// servedMetric is one of the operator, or of what it is built on.
var servedMetric = regexp.MustCompile(`\b(?:strategy_[a-z_]+|leader_election_master_status|workqueue_longest_running_processor_seconds)\b`)

// notInAStory have series only once that happened.
var notInAStory = []string{"strategy_held", "strategy_escalations_total", "strategy_log_checkpoint_problem"}

// queriesAreAnswered: the real Prometheus takes each query of the rules and of the dashboard that are shipped, and has each series that they
// ask for.
func (s *story) queriesAreAnswered() {
	s.Helper()
	queries := shippedQueries()
	for _, query := range queries {
		if _, err := resultOf(s.ctx, query); err != nil {
			s.Errorf("%s: %v", query, err)
		}
	}
	names := map[string]bool{`leader_election_master_status{name="strategy-operator.tradeops.dev"} == 1`: true}
	for _, query := range queries {
		for _, name := range servedMetric.FindAllString(query, -1) {
			names[name] = !slices.Contains(notInAStory, name)
		}
	}
	for name, wanted := range names {
		if !wanted {
			continue
		}
		s.eventually("Prometheus has "+name, 20*time.Second, func(ctx context.Context) error {
			if found, err := resultOf(ctx, name); err != nil || len(found) == 0 {
				return fmt.Errorf("no series: %w", err)
			}
			return nil
		})
	}
	s.trace("Prometheus answers %d queries", len(queries))
}

// shippedQueries are those of the rules and of the dashboard.
func shippedQueries() (queries []string) {
	for _, path := range []string{"config/prometheus/operator-rules.yaml", "config/prometheus/bot-core-rules.yaml", "hack/demo/local/rules.yaml"} {
		var rules struct {
			Groups []struct{ Rules []struct{ Expr string } }
		}
		if err := yaml.Unmarshal([]byte(repositoryFile(path)), &rules); err != nil {
			panic(err) // it is part of this repository
		}
		for _, group := range rules.Groups {
			for _, rule := range group.Rules {
				queries = append(queries, rule.Expr)
			}
		}
	}
	var dashboard struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal([]byte(repositoryFile("config/prometheus/dashboard.json")), &dashboard); err != nil {
		panic(err)
	}
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			queries = append(queries, target.Expr)
		}
	}
	return queries
}

// resultOf is what Prometheus answers, series by series.
func resultOf(ctx context.Context, query string) ([]any, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, localPrometheus+"/api/v1/query?query="+url.QueryEscape(query), nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Status, Error string
		Data          struct{ Result []any }
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, 8<<20)).Decode(&answer); err != nil {
		return nil, err
	}
	if answer.Status != "success" {
		return nil, fmt.Errorf("%s", answer.Error)
	}
	return answer.Data.Result, nil
}
