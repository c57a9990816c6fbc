// Package tool is what the demo's Jobs run: each function measures a running process over HTTP and gives the report that
// is printed. An error means that nothing could be measured, which is not the same as a bad report.
package tool

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tradeops.dev/strategy-operator/hack/demo/internal/engine"
	"tradeops.dev/strategy-operator/hack/demo/internal/web"
)

// Scheduler is the running scheduler at an address.
type Scheduler struct {
	base string
	http *http.Client
}

// NewScheduler talks to the scheduler; how long a call may take is up to the context.
func NewScheduler(address string) *Scheduler {
	return &Scheduler{base: strings.TrimRight(address, "/"), http: &http.Client{}}
}

// Plan is what the running process has in force.
func (s *Scheduler) Plan(ctx context.Context) (engine.Plan, error) {
	var plan engine.Plan
	return plan, web.Do(ctx, s.http, http.MethodGet, s.base+"/v1/plan", nil, &plan)
}

// AwaitPlan asks for the plan until the process runs the configuration with that hash, or the wait is over; then the plan is as it is. Right
// after a restart a Service may still lead to nobody, or to the process that is ending. An empty hash is that of any configuration.
func (s *Scheduler) AwaitPlan(ctx context.Context, sha256 string, wait, pause time.Duration) (engine.Plan, error) {
	over := time.After(wait)
	for {
		plan, err := s.Plan(ctx)
		if err == nil && (sha256 == "" || plan.ConfigSHA256 == sha256) {
			return plan, nil
		}
		select {
		case <-time.After(pause):
		case <-over:
			return plan, err
		case <-ctx.Done():
			return plan, errors.Join(err, ctx.Err())
		}
	}
}

// LoadTest makes the running process evaluate its schedules and measures it.
func (s *Scheduler) LoadTest(ctx context.Context, request engine.LoadRequest) (engine.LoadReport, error) {
	var report engine.LoadReport
	return report, web.Do(ctx, s.http, http.MethodPost, s.base+"/v1/loadtest", request, &report)
}

// Smoke watches the running process for some cycles.
func (s *Scheduler) Smoke(ctx context.Context, cycles int) (engine.Smoke, error) {
	var report engine.Smoke
	request := map[string]int{"cycles": cycles}
	return report, web.Do(ctx, s.http, http.MethodPost, s.base+"/v1/smoke", request, &report)
}

// Failing are the schedules whose last run failed in a smoke report.
func Failing(report engine.Smoke) []string {
	var failing []string
	for name, figures := range report.Telemetry {
		if figures["consecutive_failures"] > 0 {
			failing = append(failing, name)
		}
	}
	slices.Sort(failing)
	return failing
}

func (s *Scheduler) journal(ctx context.Context, limit int) ([]json.RawMessage, error) {
	var lines []json.RawMessage
	query := url.Values{"limit": {strconv.Itoa(limit)}}
	return lines, web.Do(ctx, s.http, http.MethodGet, s.base+"/v1/journal?"+query.Encode(), nil, &lines)
}
