package input

import (
	"testing"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/test/scenarios"
)

// TestTheLossOfOneScheduleIsNobodyElses: a query with $schedule is asked for the schedule of each incident, and the lead is called for one.
func TestTheLossOfOneScheduleIsNobodyElses(t *testing.T) {
	for schedule, want := range map[string]strategyv1.Level{"fast": strategyv1.LevelLead, "slow": strategyv1.LevelL1} {
		t.Run(schedule, func(t *testing.T) {
			t.Parallel()
			s := tell(t, func(p *strategyv1.StrategyPlaybookSpec) {
				scenarios.WithSignals(p)
				p.Signals.Queries = []strategyv1.SignalQuery{{Name: "cpu", Query: "max(cpu{schedule=~$schedule,strategy=~$strategy})"}}
			})
			s.Signals = map[string]float64{
				`max(cpu{schedule=~"fast",strategy=~".*"})`: 90, `max(cpu{schedule=~"slow",strategy=~".*"})`: 10, `max(cpu{schedule=~$schedule,strategy=~$strategy})`: 90,
			}
			s.ReportIncident(func(i *strategyv1.StrategyIncidentSpec) { i.Schedule = schedule })
			s.settle()
			if got := s.Incident().Status.Level; got != want {
				t.Errorf("it is with %s, not %s", got, want)
			}
		})
	}
}
