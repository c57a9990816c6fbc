package lifecycle

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

var (
	at    = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	until = at.Add(4 * time.Hour)
	limit = at.Add(15 * time.Minute)
)

func with(kind string, status metav1.ConditionStatus) metav1.Condition {
	return metav1.Condition{Type: kind, Status: status, Reason: "AnyWordAtAll"}
}

const (
	yes     = metav1.ConditionTrue
	no      = metav1.ConditionFalse
	unknown = metav1.ConditionUnknown
)

func TestWhereARollbackIs(t *testing.T) {
	type facts struct {
		plan       bool
		claim      strategyv1.ClaimState
		restore    *strategyv1.RestoreStatus
		end        strategyv1.Ending
		conditions []metav1.Condition
	}
	planned, approved := with("Planned", yes), with("Approved", yes)
	for name, c := range map[string]struct {
		facts facts
		phase strategyv1.RollbackPhase
		who   strategyv1.Who
		until time.Time
	}{
		"nothing is known of it":                   {facts{}, "Planning", "Machine", time.Time{}},
		"its input is wrong":                       {facts{conditions: []metav1.Condition{with("Stalled", yes)}}, "Planning", "L2", time.Time{}},
		"a feed is probed before anyone is asked":  {facts{plan: true, conditions: []metav1.Condition{planned}}, "Planning", "Machine", until},
		"it cannot be planned any more":            {facts{plan: true, conditions: []metav1.Condition{with("Planned", no), approved, with("Stalled", yes)}}, "Planning", "L2", until},
		"it may be approved":                       {facts{plan: true, conditions: []metav1.Condition{planned, with("Approved", unknown)}}, "AwaitingApproval", "Approver", limit},
		"it is planned anew":                       {facts{plan: true, conditions: []metav1.Condition{planned, with("Approved", no)}}, "Planning", "Machine", until},
		"it is approved":                           {facts{plan: true, conditions: []metav1.Condition{planned, approved}}, "Waiting", "Machine", until},
		"it has asked for its edits":               {facts{plan: true, claim: "Hold", conditions: []metav1.Condition{planned, approved}}, "Applying", "Machine", until},
		"its edits are in effect, and not checked": {facts{plan: true, claim: "Hold", conditions: []metav1.Condition{with("InEffect", yes)}}, "Applying", "Machine", until},
		"it is verified":                           {facts{plan: true, claim: "Hold", conditions: []metav1.Condition{with("InEffect", yes), with("Verified", yes)}}, "InForce", "Nobody", until},
		"it is kept though a check failed":         {facts{plan: true, claim: "Hold", conditions: []metav1.Condition{with("Verified", no), with("Stalled", yes)}}, "InForce", "L2", until},
		"its gate is asked":                        {facts{plan: true, claim: "Hold", restore: &strategyv1.RestoreStatus{}, conditions: []metav1.Condition{with("Verified", yes)}}, "Restoring", "Machine", until},
		"its gate failed": {facts{plan: true, claim: "Hold", restore: &strategyv1.RestoreStatus{Result: strategyv1.RestoreGateFailed},
			conditions: []metav1.Condition{with("Verified", yes), with("Stalled", yes)}}, "InForce", "Approver", until},
		"it was renewed meanwhile": {facts{plan: true, claim: "Hold", restore: &strategyv1.RestoreStatus{Result: strategyv1.RestoreSuperseded},
			conditions: []metav1.Condition{with("Verified", yes)}}, "InForce", "Nobody", until},
		"its edits are being undone":           {facts{plan: true, claim: "Release", restore: &strategyv1.RestoreStatus{}}, "Restoring", "Machine", until},
		"what was written by mistake, as well": {facts{plan: true, claim: "Release"}, "Restoring", "Machine", until},
		"it is not proved that they are undone": {facts{plan: true, claim: "Release", restore: &strategyv1.RestoreStatus{Result: strategyv1.RestoreNotInEffect},
			conditions: []metav1.Condition{with("Stalled", yes)}}, "Restoring", "L2", until},
		"deleted, and its edits stay": {facts{plan: true, claim: "Forget"}, "Leaving", "Machine", until},
		"it has ended":                {facts{plan: true, claim: "Release", end: strategyv1.EndRestored, conditions: []metav1.Condition{with("Stalled", yes)}}, "Ended", "Nobody", time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			status := strategyv1.StrategyRollbackStatus{Conditions: c.facts.conditions, Restore: c.facts.restore}
			if c.facts.plan {
				status.Plan = &strategyv1.RollbackPlan{Until: new(metav1.NewTime(until))}
			}
			if c.facts.claim != "" {
				status.Config = &strategyv1.ConfigClaim{Claim: c.facts.claim}
			}
			if c.facts.end != "" {
				status.End = &strategyv1.RollbackEnd{How: c.facts.end}
			}
			if got := RollbackPhase(status); got != c.phase {
				t.Errorf("state: got %s, want %s", got, c.phase)
			}
			if got := RollbackTurn(status, limit); got.Who != c.who || !got.Until.Equal(c.until) {
				t.Errorf("turn: got %s until %v, want %s until %v", got.Who, got.Until, c.who, c.until)
			}
		})
	}
}

func TestWhereAnIncidentIs(t *testing.T) {
	started := func(change func(*strategyv1.StrategyIncidentStatus)) strategyv1.StrategyIncidentStatus {
		status := strategyv1.StrategyIncidentStatus{PlaybookRevision: "r1", Deadlines: []strategyv1.Deadline{
			{Level: strategyv1.LevelL1, Time: metav1.NewTime(at)}, {Level: strategyv1.LevelL2, Time: metav1.NewTime(limit)},
		}}
		if change != nil {
			change(&status)
		}
		return status
	}
	stalled := with("Stalled", yes)
	for name, c := range map[string]struct {
		status strategyv1.StrategyIncidentStatus
		phase  strategyv1.IncidentPhase
		level  strategyv1.Level
		who    strategyv1.Who
		until  time.Time
	}{
		"it could not start": {strategyv1.StrategyIncidentStatus{Conditions: []metav1.Condition{stalled}}, "New", "", "L1", time.Time{}},
		"it is with L1":      {started(nil), "Triage", "L1", "Machine", at},
		"it is with L2, which has not answered": {started(func(s *strategyv1.StrategyIncidentStatus) {
			s.Conditions, s.Deadlines[0].AnsweredTime = []metav1.Condition{with("Escalated", yes)}, new(metav1.NewTime(at))
		}), "Diagnosis", "L2", "Machine", limit},
		"L1 missed its deadline": {started(func(s *strategyv1.StrategyIncidentStatus) {
			s.Conditions, s.Deadlines[0].BreachTime = []metav1.Condition{with("Escalated", yes)}, new(metav1.NewTime(at))
		}), "Diagnosis", "L2", "Machine", limit},
		"nobody knows what to do": {started(func(s *strategyv1.StrategyIncidentStatus) {
			s.Conditions, s.Cause = []metav1.Condition{with("Escalated", yes), stalled}, &strategyv1.CauseStatus{Name: "Unknown"}
		}), "Mitigation", "L2", "L2", at},
		"the lead was called": {started(func(s *strategyv1.StrategyIncidentStatus) {
			s.Conditions, s.Cause, s.Deadlines = []metav1.Condition{with("LeadCalled", yes), stalled}, &strategyv1.CauseStatus{Name: "Unknown"}, nil
		}), "Mitigation", "TechLead", "TechLead", time.Time{}},
		"its change is undone": {started(func(s *strategyv1.StrategyIncidentStatus) {
			s.Cause, s.RestoredTime, s.Deadlines = &strategyv1.CauseStatus{Name: "X"}, new(metav1.NewTime(at)), nil
		}), "Recovery", "L1", "Machine", time.Time{}},
		"it is closed": {started(func(s *strategyv1.StrategyIncidentStatus) { s.ClosedTime = new(metav1.NewTime(at)) }), "Closed", "L1", "Nobody", time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			turn := IncidentTurn(c.status)
			if phase, level := IncidentPhase(c.status), Level(c.status); phase != c.phase || level != c.level || turn.Who != c.who || !turn.Until.Equal(c.until) {
				t.Errorf("got %s at %q, %s until %v; want %s at %q, %s until %v", phase, level, turn.Who, turn.Until, c.phase, c.level, c.who, c.until)
			}
		})
	}
}

// TestWhoWaitsForWhom: of several incidents on one scheduler only one changes it at a time.
func TestWhoWaitsForWhom(t *testing.T) {
	claimed := func(claim strategyv1.ClaimState, conditions ...metav1.Condition) strategyv1.StrategyRollbackStatus {
		return strategyv1.StrategyRollbackStatus{Config: &strategyv1.ConfigClaim{Claim: claim}, Conditions: conditions}
	}
	ended := claimed(strategyv1.ClaimRelease)
	ended.End = &strategyv1.RollbackEnd{How: strategyv1.EndReverted}
	for name, c := range map[string]struct {
		status strategyv1.StrategyRollbackStatus
		busy   bool
	}{
		"not asked for":     {strategyv1.StrategyRollbackStatus{}, false},
		"asked for":         {claimed(strategyv1.ClaimHold), true},
		"in effect":         {claimed(strategyv1.ClaimHold, with("InEffect", yes)), true},
		"verified":          {claimed(strategyv1.ClaimHold, with("InEffect", yes), with("Verified", yes)), false},
		"waits for someone": {claimed(strategyv1.ClaimHold, with("Stalled", yes)), false},
		"being undone":      {claimed(strategyv1.ClaimRelease, with("Verified", yes)), true},
		"left":              {claimed(strategyv1.ClaimForget), false},
		"ended":             {ended, false},
	} {
		if got := Busy(c.status); got != c.busy {
			t.Errorf("%s: busy = %t", name, got)
		}
	}
}
