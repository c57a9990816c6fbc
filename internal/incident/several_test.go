package incident_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// other is an open incident that began so long after T0.
func other(name string, began time.Duration, change func(*strategyv1.StrategyIncident)) strategyv1.StrategyIncident {
	object := strategyv1.StrategyIncident{
		ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name), CreationTimestamp: metav1.NewTime(testkit.T0.Add(began))},
		Spec:       strategyv1.StrategyIncidentSpec{Severity: strategyv1.SeverityCritical},
		Status:     strategyv1.StrategyIncidentStatus{PlaybookRevision: "multi-strategy-1"},
	}
	if change != nil {
		change(&object)
	}
	return object
}

func ready(object *strategyv1.StrategyIncident, status metav1.ConditionStatus, reason string) {
	conditions.Set(&object.Status.Conditions, testkit.T0, 1, strategyv1.ConditionReady, status, reason, "as it is")
	if status == metav1.ConditionTrue {
		object.Status.ClosedTime = new(metav1.NewTime(testkit.T0))
	}
}

func TestOneIncidentOfAnIdentityAtATime(t *testing.T) {
	closed := func(object *strategyv1.StrategyIncident) {
		ready(object, metav1.ConditionTrue, strategyv1.ReasonResolved)
	}
	for name, c := range map[string]struct {
		given func(*story)
		same  []strategyv1.StrategyIncident
		ready string
	}{
		"an older open one: this is a duplicate":      {nil, []strategyv1.StrategyIncident{other("first", -time.Minute, nil)}, "True/Duplicate"},
		"a younger one: that is the duplicate":        {nil, []strategyv1.StrategyIncident{other("later", time.Minute, nil)}, "False/Triaging"},
		"created in the same second: one goes on":     {nil, []strategyv1.StrategyIncident{other("zzz", 0, nil)}, "False/Triaging"},
		"created in the same second: the other stops": {nil, []strategyv1.StrategyIncident{other("000", 0, nil)}, "True/Duplicate"},
		"an older closed one is no reason":            {nil, []strategyv1.StrategyIncident{other("first", -time.Minute, closed)}, "False/Triaging"},
		"an older one that is being deleted neither": {nil, []strategyv1.StrategyIncident{other("first", -time.Minute, func(object *strategyv1.StrategyIncident) {
			object.DeletionTimestamp = new(metav1.NewTime(testkit.T0))
		})}, "False/Triaging"},
		"one with a rollback is never closed so": {(*story).mitigating, []strategyv1.StrategyIncident{other("first", -time.Minute, nil)}, "False/Mitigating"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			if c.given != nil {
				c.given(s)
			}
			s.same = c.same
			s.quiet()
			expect(t, "Ready", s.condition(strategyv1.ConditionReady), c.ready)
			if c.ready == "True/Duplicate" {
				expect(t, "where to look", s.incident.Status.ParentName, c.same[0].Name)
				expect(t, "the log", s.events(), "incident closed")
			}
		})
	}
}

func TestIdentity(t *testing.T) {
	identity := func(change func(*strategyv1.StrategyIncidentSpec)) string {
		spec := strategyv1.StrategyIncidentSpec{PlaybookName: "p", Type: "PnL", Schedule: "fast", Severity: "Critical", Mode: strategyv1.IncidentLive}
		change(&spec)
		return lifecycle.Identity(spec)
	}
	same := identity(func(*strategyv1.StrategyIncidentSpec) {})
	for name, c := range map[string]struct {
		change func(*strategyv1.StrategyIncidentSpec)
		same   bool
	}{
		"another severity":                 {func(s *strategyv1.StrategyIncidentSpec) { s.Severity = "Info" }, true},
		"another summary":                  {func(s *strategyv1.StrategyIncidentSpec) { s.Summary = "x" }, true},
		"no mode is live":                  {func(s *strategyv1.StrategyIncidentSpec) { s.Mode = "" }, true},
		"another type":                     {func(s *strategyv1.StrategyIncidentSpec) { s.Type = "Risk" }, false},
		"another playbook":                 {func(s *strategyv1.StrategyIncidentSpec) { s.PlaybookName = "q" }, false},
		"another schedule":                 {func(s *strategyv1.StrategyIncidentSpec) { s.Schedule = "slow" }, false},
		"a strategy of the same name":      {func(s *strategyv1.StrategyIncidentSpec) { s.Schedule, s.Strategy = "", "fast" }, false},
		"a drill is none of the live ones": {func(s *strategyv1.StrategyIncidentSpec) { s.Mode = strategyv1.IncidentDrill }, false},
	} {
		if got := identity(c.change); (got == same) != c.same {
			t.Errorf("%s: %s against %s", name, got, same)
		}
	}
}

// The older incident has the cause SignalDegradation and its remedy, which disables schedules.
func TestACommonCause(t *testing.T) {
	parent := func(began time.Duration, schedules []string, state func(*strategyv1.StrategyIncident)) strategyv1.StrategyIncident {
		return other("first", began, func(object *strategyv1.StrategyIncident) {
			object.Status.Cause = &strategyv1.CauseStatus{Name: "SignalDegradation", Remediation: "disable", Schedules: schedules}
			ready(object, metav1.ConditionFalse, strategyv1.ReasonMitigating)
			if state != nil {
				state(object)
			}
		})
	}
	covering := []string{"slow", "fast"}
	for name, c := range map[string]struct {
		parent strategyv1.StrategyIncident
		ready  string
		linked bool
	}{
		"its remedy covers this one: nothing is done twice":      {parent(-time.Minute, covering, nil), "False/FollowsParent", true},
		"its remedy is for another schedule: linked, own remedy": {parent(-time.Minute, []string{"slow"}, nil), "False/Mitigating", true},
		"it began later: it follows, not this one":               {parent(time.Minute, covering, nil), "False/Mitigating", false},
		"another cause: no link":                                 {parent(-time.Minute, covering, func(o *strategyv1.StrategyIncident) { o.Status.Cause.Name = "Slow" }), "False/Mitigating", false},
		"no cause yet: no link":                                  {parent(-time.Minute, covering, func(o *strategyv1.StrategyIncident) { o.Status.Cause = nil }), "False/Mitigating", false},
		"it is closed: no link":                                  {parent(-time.Minute, covering, func(o *strategyv1.StrategyIncident) { ready(o, metav1.ConditionTrue, strategyv1.ReasonResolved) }), "False/Mitigating", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.neighbours = []strategyv1.StrategyIncident{c.parent}
			s.parent = &c.parent
			s.diagnosed(reports{"load": testkit.OK(), "smoke": testkit.Fail()})
			expect(t, "Ready", s.condition(strategyv1.ConditionReady), c.ready)
			if c.linked != (s.incident.Status.ParentName == "first") {
				t.Errorf("parent %q", s.incident.Status.ParentName)
			}
			if follows := c.ready == "False/FollowsParent"; follows == (len(s.Rollbacks) == 1) {
				t.Errorf("rollbacks: %v", sortedNames(s.Rollbacks))
			}
		})
	}
}

func TestAChildIsContainedAndRecoversWithItsParent(t *testing.T) {
	for name, c := range map[string]struct {
		end       func(*story, *strategyv1.StrategyIncident)
		ready     string
		rollbacks int
	}{
		"resolved with it": {func(_ *story, parent *strategyv1.StrategyIncident) {
			ready(parent, metav1.ConditionTrue, strategyv1.ReasonResolved)
			parent.Status.ClosedTime = new(metav1.NewTime(testkit.T0))
		}, "True/Resolved", 0},
		"a false alarm of the parent is not the child's": {func(_ *story, parent *strategyv1.StrategyIncident) {
			ready(parent, metav1.ConditionTrue, strategyv1.ReasonFalseAlarm)
		}, "False/Mitigating", 1},
		"another incident is made under the name of its parent, and is contained, too": {func(_ *story, parent *strategyv1.StrategyIncident) {
			parent.UID = "another"
		}, "False/Mitigating", 1},
		"another one is made under the name of its parent, and is resolved": {func(_ *story, parent *strategyv1.StrategyIncident) {
			parent.UID = "another"
			ready(parent, metav1.ConditionTrue, strategyv1.ReasonResolved)
		}, "False/Mitigating", 1},
		"a parent that is deleted leaves it its own remedy": {func(s *story, _ *strategyv1.StrategyIncident) { s.parent = nil }, "False/Mitigating", 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			parent := other("first", -time.Minute, func(object *strategyv1.StrategyIncident) {
				object.Status.Cause = &strategyv1.CauseStatus{Name: "SignalDegradation", Remediation: "disable", Schedules: []string{"fast"}}
				ready(object, metav1.ConditionFalse, strategyv1.ReasonContained)
				conditions.Set(&object.Status.Conditions, testkit.T0, 1, strategyv1.ConditionContained, metav1.ConditionTrue, strategyv1.ReasonVerified, "verified")
			})
			s.neighbours, s.parent = []strategyv1.StrategyIncident{parent}, &parent
			s.diagnosed(reports{"load": testkit.OK(), "smoke": testkit.Fail()})
			expect(t, "Contained", s.condition(strategyv1.ConditionContained), "True/FollowsParent")
			s.neighbours = nil
			c.end(s, s.parent)
			s.quiet()
			expect(t, "Ready", s.condition(strategyv1.ConditionReady), c.ready)
			if len(s.Rollbacks) != c.rollbacks {
				t.Errorf("rollbacks: %v", sortedNames(s.Rollbacks))
			}
		})
	}
}

func TestTheLadder(t *testing.T) {
	ladder := func(s *story) {
		s.Spec.Remediations[0].OnFailedAfter, s.Spec.Remediations[0].Then = strategyv1.FailedAfterNext, "keep"
	}
	for name, c := range map[string]struct {
		given     func(*story)
		ends      string
		ready     string
		rollbacks string
	}{
		"reverted: the next remedy is asked for":         {ladder, strategyv1.ReasonReverted, "False/Mitigating", "pnl-12345678 pnl-12345678-keep"},
		"the probe of its feed failed: the next one":     {ladder, strategyv1.ReasonProbeFailed, "False/Mitigating", "pnl-12345678 pnl-12345678-keep"},
		"denied: a person said no, and a person goes on": {ladder, strategyv1.ReasonDenied, "False/NeedsPerson", "pnl-12345678"},
		"nobody approved: a person goes on":              {ladder, strategyv1.ReasonApprovalExpired, "False/NeedsPerson", "pnl-12345678"},
		"reverted without a next one: a person":          {func(*story) {}, strategyv1.ReasonReverted, "False/NeedsPerson", "pnl-12345678"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			c.given(s)
			s.mitigating()
			s.rollbackIs(c.ends, metav1.ConditionFalse, metav1.ConditionTrue)
			s.quiet()
			expect(t, "rollbacks", strings.Join(sortedNames(s.Rollbacks), " "), c.rollbacks)
			expect(t, "Ready", s.condition(strategyv1.ConditionReady), c.ready)
		})
	}
}

func TestARungIsAskedForOnceAlsoAfterItsRollbackIsGone(t *testing.T) {
	s := newStory(t)
	s.Spec.Remediations[0].OnFailedAfter, s.Spec.Remediations[0].Then = strategyv1.FailedAfterNext, "keep"
	s.mitigating()
	s.rollbackIs(strategyv1.ReasonReverted, metav1.ConditionFalse, metav1.ConditionTrue)
	s.quiet()
	delete(s.Rollbacks, "pnl-12345678-keep")
	s.quiet()
	expect(t, "rollbacks", strings.Join(sortedNames(s.Rollbacks), " "), "pnl-12345678")
	expect(t, "Ready", s.condition(strategyv1.ConditionReady), "False/NeedsPerson")
}

// follower is contained with an older incident, which then changes.
func follower(t *testing.T, change func(*story, *strategyv1.StrategyIncident)) *story {
	t.Helper()
	s := newStory(t)
	s.Spec.Recovery = &strategyv1.RecoverySpec{QuietSeconds: 120}
	parent := other("first", -time.Minute, func(object *strategyv1.StrategyIncident) {
		object.Status.Cause = &strategyv1.CauseStatus{Name: "SignalDegradation", Remediation: "disable", Schedules: []string{"fast"}}
		object.Status.Rollbacks = []strategyv1.IncidentRollback{{Name: "less", UID: "uid-less", Edits: []strategyv1.StandingEdit{{Path: trend, To: "0.5"}}}}
		ready(object, metav1.ConditionFalse, strategyv1.ReasonContained)
		conditions.Set(&object.Status.Conditions, testkit.T0, 1, strategyv1.ConditionContained, metav1.ConditionTrue, strategyv1.ReasonVerified, "verified")
	})
	s.neighbours, s.parent = []strategyv1.StrategyIncident{parent}, &parent
	s.Rollbacks["less"] = &strategyv1.StrategyRollback{ObjectMeta: metav1.ObjectMeta{Name: "less", UID: "uid-less", CreationTimestamp: metav1.NewTime(testkit.T0)}}
	s.writes("less", strategyv1.PlannedEdit{Path: trend, From: new("1.0"), To: "0.5"})
	s.theirs = "less"
	s.diagnosed(reports{"load": testkit.OK(), "smoke": testkit.Fail()})
	expect(t, "Contained", s.condition(strategyv1.ConditionContained), "True/FollowsParent")
	s.neighbours = nil
	change(s, s.parent)
	s.quiet()
	return s
}

// TestAChildWaitsForItsParentsChangeToBeUndone: closed is not undone, and nothing is quiet only because a strategy is held back.
func TestAChildWaitsForItsParentsChangeToBeUndone(t *testing.T) {
	resolved := func(_ *story, parent *strategyv1.StrategyIncident) {
		ready(parent, metav1.ConditionTrue, strategyv1.ReasonResolved)
	}
	s := follower(t, resolved)
	s.At(time.Hour)
	s.quiet()
	expect(t, "Ready", s.condition(strategyv1.ConditionReady), "False/NeedsPerson")
	expect(t, "Contained", s.condition(strategyv1.ConditionContained), "False/Retained")
	if message := s.message(strategyv1.ConditionReady); !strings.Contains(message, "rollback less of it is still in force") {
		t.Errorf("it does not name it: %s", message)
	}
	s.undoes("less")
	s.quiet()
	expect(t, "when it is undone", s.condition(strategyv1.ConditionReady), "False/Recovering")
	s.At(time.Hour + 2*time.Minute)
	s.quiet()
	expect(t, "quiet since", s.condition(strategyv1.ConditionReady), "True/Resolved")

	s = follower(t, func(s *story, parent *strategyv1.StrategyIncident) {
		resolved(s, parent)
		s.leaves("less")
	})
	s.At(time.Hour)
	s.quiet()
	if message := s.message(strategyv1.ConditionReady); !strings.Contains(message, "nothing undoes them") {
		t.Errorf("it was deleted, and its edits stay: %s", message)
	}

	s = follower(t, func(s *story, parent *strategyv1.StrategyIncident) {
		resolved(s, parent)
		s.configProblem = &facts.Problem{Reason: strategyv1.ReasonConfigInvalid, Message: "no YAML"}
	})
	s.At(time.Hour)
	s.quiet()
	expect(t, "where nobody can see it", s.condition(strategyv1.ConditionReady), "False/NeedsPerson")
}

// TestAChildDoesNotSleepWithItsParent: where nothing is done about the older one any more, and nothing contains it, the younger one has its own remedy.
func TestAChildDoesNotSleepWithItsParent(t *testing.T) {
	lost := func(parent *strategyv1.StrategyIncident) {
		conditions.Set(&parent.Status.Conditions, testkit.T0, 1, strategyv1.ConditionContained, metav1.ConditionFalse, strategyv1.ReasonMitigating, "not any more")
	}
	for name, c := range map[string]struct {
		change func(*story, *strategyv1.StrategyIncident)
		ready  string
	}{
		"it waits for people": {func(_ *story, parent *strategyv1.StrategyIncident) {
			lost(parent)
			conditions.Set(&parent.Status.Conditions, testkit.T0, 1, strategyv1.ConditionStalled, metav1.ConditionTrue, strategyv1.ReasonNeedsPerson, "look")
		}, "False/Mitigating"},
		"it is on hold": {func(_ *story, parent *strategyv1.StrategyIncident) {
			lost(parent)
			conditions.Set(&parent.Status.Conditions, testkit.T0, 1, strategyv1.ConditionOnHold, metav1.ConditionTrue, strategyv1.ReasonIncidentHeld, "wait")
		}, "False/Mitigating"},
		"it recovers": {func(s *story, parent *strategyv1.StrategyIncident) {
			lost(parent)
			parent.Status.RestoredTime = new(metav1.NewTime(s.Now))
		}, "False/FollowsParent"},
		"it is at work": {func(_ *story, parent *strategyv1.StrategyIncident) { lost(parent) }, "False/FollowsParent"},
		"it is on hold, and contained": {func(_ *story, parent *strategyv1.StrategyIncident) {
			conditions.Set(&parent.Status.Conditions, testkit.T0, 1, strategyv1.ConditionOnHold, metav1.ConditionTrue, strategyv1.ReasonIncidentHeld, "wait")
		}, "False/FollowsParent"},
	} {
		t.Run(name, func(t *testing.T) {
			s := follower(t, c.change)
			expect(t, "Ready", s.condition(strategyv1.ConditionReady), c.ready)
		})
	}
}

// TestAnIncidentWithoutASchedule: a remedy that disables the incident's schedules does nothing for one that names none.
func TestAnIncidentWithoutASchedule(t *testing.T) {
	s := newStory(t)
	s.incident.Spec.Schedule = ""
	parent := other("first", -time.Minute, func(object *strategyv1.StrategyIncident) {
		object.Status.Cause = &strategyv1.CauseStatus{Name: "SignalDegradation", Remediation: "disable", Schedules: []string{"slow"}}
		ready(object, metav1.ConditionFalse, strategyv1.ReasonMitigating)
	})
	s.neighbours, s.parent = []strategyv1.StrategyIncident{parent}, &parent
	s.diagnosed(reports{"load": testkit.OK(), "smoke": testkit.Fail()})
	expect(t, "Ready", s.condition(strategyv1.ConditionReady), "False/NeedsPerson")
}

// TestNoRuleClosesWhatSomebodyHolds: not as a false alarm, not as a duplicate, not after a recovery, until it is released.
func TestNoRuleClosesWhatSomebodyHolds(t *testing.T) {
	for name, c := range map[string]struct {
		given func(*story) // until it is held
		then  func(*story) // what would close it
		ends  string
	}{
		"a false alarm": {func(s *story) { s.incident.Spec.RequestedBy = intake; s.pass() },
			func(s *story) { s.reports(reports{"audit": testkit.OK(), "load": testkit.OK(), "smoke": testkit.OK()}) }, "True/FalseAlarm"},
		"a duplicate": {func(s *story) { s.quiet() },
			func(s *story) { s.same = []strategyv1.StrategyIncident{other("first", -time.Minute, nil)} }, "True/Duplicate"},
		"a recovery": {func(s *story) { s.mitigating(); s.verified() },
			func(s *story) { s.restored(); s.At(time.Hour) }, "True/Resolved"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.Spec.Recovery = &strategyv1.RecoverySpec{QuietSeconds: 120}
			c.given(s)
			for s.Step() { // Jobs that run when it is held end
			}
			s.decide(strategyv1.DecisionHold, "dave")
			c.then(s)
			s.quiet()
			if s.incident.Status.ClosedTime != nil {
				t.Fatalf("it is closed: %s", s.message(strategyv1.ConditionReady))
			}
			s.Now = s.Now.Add(time.Second)
			s.decide(strategyv1.DecisionRelease, "carol")
			s.quiet()
			expect(t, "when it is released", s.condition(strategyv1.ConditionReady), c.ends)
		})
	}
}
