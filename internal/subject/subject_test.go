package subject

import (
	"reflect"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/config/botcore"
)

func incident(change func(*strategyv1.StrategyIncidentSpec)) *strategyv1.StrategyIncident {
	made := &strategyv1.StrategyIncident{ObjectMeta: metav1.ObjectMeta{Name: "loss"}, Spec: strategyv1.StrategyIncidentSpec{
		Type: "PnL", Severity: "Critical", Schedule: "fast", Mode: strategyv1.IncidentLive,
	}}
	change(&made.Spec)
	return made
}

func TestVariables(t *testing.T) {
	as := func(more map[string]any) map[string]any {
		all := map[string]any{"name": "loss", "type": "PnL", "severity": "Critical", "schedule": "fast", "strategy": "", "mode": "Live"}
		for name, value := range more {
			all[name] = value
		}
		return all
	}
	for name, c := range map[string]struct {
		name     string
		incident *strategyv1.StrategyIncident
		want     map[string]any
	}{
		"about a schedule":              {"loss", incident(func(*strategyv1.StrategyIncidentSpec) {}), as(nil)},
		"about a strategy":              {"loss", incident(func(s *strategyv1.StrategyIncidentSpec) { s.Schedule, s.Strategy = "", "arb" }), as(map[string]any{"schedule": "", "strategy": "arb"})},
		"a drill":                       {"loss", incident(func(s *strategyv1.StrategyIncidentSpec) { s.Mode = strategyv1.IncidentDrill }), as(map[string]any{"mode": "Drill"})},
		"older than the mode":           {"loss", incident(func(s *strategyv1.StrategyIncidentSpec) { s.Mode = "" }), as(nil)},
		"of a rollback, and deleted":    {"loss", nil, map[string]any{"name": "loss"}},
		"of a rollback that names none": {"", nil, map[string]any{"name": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Variables(c.name, c.incident); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestContext(t *testing.T) {
	scheduler := strategyv1.SchedulerSpec{Name: "main", Environment: "paper"}
	want := checks.Context{Incident: "loss", Type: "PnL", Severity: "Critical", Schedule: "fast", Scheduler: "main", Environment: "paper"}
	if got := Context("loss", incident(func(*strategyv1.StrategyIncidentSpec) {}), scheduler); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	want = checks.Context{Incident: "loss", Scheduler: "main", Environment: "paper"}
	if got := Context("loss", nil, scheduler); got != want {
		t.Errorf("of a deleted one: got %+v, want %+v", got, want)
	}
}

func TestMetadata(t *testing.T) {
	created := metav1.NewTime(time.Date(2026, 11, 23, 11, 0, 0, 0, time.FixedZone("CET", 3600)))
	want := map[string]string{"schedule_run_id": "fast:2026-11-23T10:00:00Z", "primary_exchange": "kraken_spot", "risk_budget_bucket": "unknown"}
	if got := Metadata("fast", created, botcore.Summary{Exchange: "kraken_spot"}, ""); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
