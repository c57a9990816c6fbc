package alerts_test

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/config/crd"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/alerts"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/decide"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/routes"
	"tradeops.dev/strategy-operator/internal/testkit"
)

var t0 = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

const operator = "system:serviceaccount:strategy-operator-system:strategy-operator"

func at(after time.Duration) metav1.Time { return metav1.NewTime(t0.Add(after)) }

// playbook has losses become incidents of their schedule, two an hour.
func playbook(name string) alerts.Playbook {
	table, problems := routes.Compile(&strategyv1.AlertsSpec{Routes: []strategyv1.AlertRoute{
		{Name: "watchdog", Matchers: []string{`alertname="Watchdog"`}, Action: strategyv1.AlertActionHeartbeat},
		{Name: "noise", Matchers: []string{`alertname="Noise"`}, Action: strategyv1.AlertActionIgnore},
		{Name: "loss", Matchers: []string{`alertname="Loss"`}, Type: "PnL", Target: &strategyv1.AlertTarget{ScheduleLabel: "schedule"}},
	}})
	if len(problems) > 0 {
		panic(problems)
	}
	return alerts.Playbook{Name: name, Table: table, MaxPerHour: 2, Reopen: 10 * time.Minute}
}

// unserved is a playbook that nobody approved.
func unserved(playbook alerts.Playbook) alerts.Playbook {
	playbook.Unserved = "nobody approved it"
	return playbook
}

// catchAll has every alert become an incident.
func catchAll(name string) alerts.Playbook {
	table, problems := routes.Compile(&strategyv1.AlertsSpec{Routes: []strategyv1.AlertRoute{{Name: "all", Matchers: []string{`alertname=~".+"`}, Type: "Latency"}}})
	if len(problems) > 0 {
		panic(problems)
	}
	return alerts.Playbook{Name: name, Table: table, MaxPerHour: 2, Reopen: 10 * time.Minute}
}

// ignoreAll lets no alert become anything.
func ignoreAll(name string) alerts.Playbook {
	table, problems := routes.Compile(&strategyv1.AlertsSpec{Routes: []strategyv1.AlertRoute{{Name: "all", Matchers: []string{`alertname=~".+"`}, Action: strategyv1.AlertActionIgnore}}})
	if len(problems) > 0 {
		panic(problems)
	}
	return alerts.Playbook{Name: name, Table: table}
}

// alert fires since t0.
func alert(name, alertname, schedule, severity string) *strategyv1.StrategyAlert {
	return &strategyv1.StrategyAlert{
		ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: name, UID: types.UID("uid-" + name), Generation: 1, CreationTimestamp: at(0)},
		Spec: strategyv1.StrategyAlertSpec{
			Labels: map[string]strategyv1.AlertText{"alertname": strategyv1.AlertText(alertname), "schedule": strategyv1.AlertText(schedule), "severity": strategyv1.AlertText(severity)},
			Sender: "alertmanager", State: strategyv1.AlertFiring, StartTime: at(0), ChangedTime: at(0), HeardTime: at(0), Occurrence: 1, Heard: 1,
		},
	}
}

// incident that alerts opened so long after t0.
func incident(name, kind, schedule string, after time.Duration) strategyv1.StrategyIncident {
	return strategyv1.StrategyIncident{
		ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: name, UID: types.UID("uid-" + name), CreationTimestamp: at(after)},
		Spec: strategyv1.StrategyIncidentSpec{
			PlaybookName: "desk", Type: strategyv1.IncidentType(kind), Severity: "Warning", Schedule: schedule, Mode: strategyv1.IncidentLive, RequestedBy: operator,
		},
	}
}

func closed(incident strategyv1.StrategyIncident, after time.Duration) strategyv1.StrategyIncident {
	incident.Status.ClosedTime = new(at(after))
	return incident
}

func duplicate(incident strategyv1.StrategyIncident) strategyv1.StrategyIncident {
	conditions.Set(&incident.Status.Conditions, t0, 1, strategyv1.ConditionResolved, metav1.ConditionTrue, strategyv1.ReasonDuplicate, "look there")
	return incident
}

func stalled(incident strategyv1.StrategyIncident) strategyv1.StrategyIncident {
	conditions.Set(&incident.Status.Conditions, t0, 1, strategyv1.ConditionStalled, metav1.ConditionTrue, "NeedsPerson", "look")
	return incident
}

// with is an alert that was given to an incident.
func with(alert *strategyv1.StrategyAlert, incident string) *strategyv1.StrategyAlert {
	alert.Status = strategyv1.StrategyAlertStatus{
		Outcome: strategyv1.AlertOpened, PlaybookName: "desk", Route: "loss", Severity: "Warning", IncidentName: incident, IncidentUID: "uid-" + incident, Occurrence: 1,
	}
	return alert
}

func ended(alert *strategyv1.StrategyAlert, after time.Duration) *strategyv1.StrategyAlert {
	alert.Spec.State, alert.Spec.EndTime, alert.Spec.ChangedTime, alert.Spec.HeardTime = strategyv1.AlertResolved, new(at(after)), at(after), at(after)
	return alert
}

func heard(alert *strategyv1.StrategyAlert, after time.Duration) *strategyv1.StrategyAlert {
	alert.Spec.HeardTime, alert.Spec.Heard = at(after), alert.Spec.Heard+1
	return alert
}

// again fires anew.
func again(alert *strategyv1.StrategyAlert, after time.Duration) *strategyv1.StrategyAlert {
	alert.Spec.State, alert.Spec.EndTime, alert.Spec.StartTime, alert.Spec.ChangedTime, alert.Spec.HeardTime = strategyv1.AlertFiring, nil, at(after), at(after), at(after)
	alert.Spec.Occurrence++
	return alert
}

// started says that it began at another time than it was heard.
func started(alert *strategyv1.StrategyAlert, after time.Duration) *strategyv1.StrategyAlert {
	alert.Spec.StartTime = at(after)
	return alert
}

// ignores has the alerts of a team be nobody's incident.
func ignores(name, team string) alerts.Playbook {
	table, problems := routes.Compile(&strategyv1.AlertsSpec{Routes: []strategyv1.AlertRoute{
		{Name: "team", Matchers: []string{"team=" + team}, Action: strategyv1.AlertActionIgnore},
	}})
	if len(problems) > 0 {
		panic(problems)
	}
	return alerts.Playbook{Name: name, Table: table, MaxPerHour: 2, Reopen: 10 * time.Minute}
}

// knows is an incident that has an alert that fires.
func knows(incident strategyv1.StrategyIncident, alert string) strategyv1.StrategyIncident {
	incident.Status.Alerts = []strategyv1.IncidentAlert{{ObjectName: alert, Name: "Loss", Severity: "Warning", State: strategyv1.AlertFiring, Occurrences: 1}}
	return incident
}

func loss() *strategyv1.StrategyAlert { return alert("loss", "Loss", "fast", "warning") }

type row struct {
	alert     *strategyv1.StrategyAlert
	playbooks []alerts.Playbook // nil: desk
	incidents []strategyv1.StrategyIncident
	others    []strategyv1.StrategyAlert
	unserved  *facts.Problem
	person    bool
	refused   *facts.Refusal
	after     time.Duration // of the pass

	rule    string
	outcome strategyv1.AlertOutcome
	ready   string // reason of Ready
	says    string // part of its message
	given   string // the incident
	opens   string // type, severity, target and detectedTime of the incident that is asked for
	deletes bool
	next    time.Duration // after t0; 0: none, or far away
}

var desk = []alerts.Playbook{playbook("desk")}

func manyOf(n int, kind string) (all []strategyv1.StrategyIncident) {
	for i := range n {
		all = append(all, incident(fmt.Sprintf("old-%d", i), kind, fmt.Sprintf("s%d", i), 0))
	}
	return all
}

var rows = map[string]row{
	"opens an incident whose clock starts when the alert did": {
		alert: loss(), after: time.Minute, rule: "open", opens: "PnL Warning fast 10:00:00", next: time.Minute,
	},
	"the clock starts with the earliest alert about the same": {
		alert: loss(), others: []strategyv1.StrategyAlert{*again(alert("early", "Loss", "fast", "critical"), -time.Minute), *again(alert("else", "Loss", "slow", ""), -time.Hour)},
		rule: "open", opens: "PnL Warning fast 09:59:00", next: 0,
	},
	"not with one that an incident had": {
		alert: loss(), others: []strategyv1.StrategyAlert{*with(again(alert("early", "Loss", "fast", ""), -time.Minute), "old")}, incidents: []strategyv1.StrategyIncident{closed(incident("old", "PnL", "fast", -time.Hour), -time.Minute)},
		rule: "open", opens: "PnL Warning fast 09:59:00",
	},
	"joins the incident that was opened for it": {
		alert: loss(), incidents: []strategyv1.StrategyIncident{incident("first", "PnL", "fast", 0)}, rule: "join", outcome: "Opened", ready: "Opened", given: "first",
	},
	"joins what began before": {
		alert: loss(), incidents: []strategyv1.StrategyIncident{incident("first", "PnL", "fast", -time.Hour)}, rule: "join", outcome: "Joined", ready: "Joined", given: "first",
	},
	"of two it joins the older one": {
		alert: loss(), incidents: []strategyv1.StrategyIncident{incident("second", "PnL", "fast", -time.Minute), incident("first", "PnL", "fast", -time.Hour)},
		rule: "join", outcome: "Joined", ready: "Joined", given: "first",
	},
	"another target is another incident": {
		alert: loss(), incidents: []strategyv1.StrategyIncident{incident("slow", "PnL", "slow", -time.Hour)}, rule: "open", opens: "PnL Warning fast 10:00:00",
	},
	"an exercise is none": {
		alert: loss(), incidents: []strategyv1.StrategyIncident{func() strategyv1.StrategyIncident {
			drill := incident("drill", "PnL", "fast", -time.Hour)
			drill.Spec.Mode = strategyv1.IncidentDrill
			return drill
		}()}, rule: "open", opens: "PnL Warning fast 10:00:00",
	},
	"one that has just begun to wait for people has it": {
		alert: loss(), incidents: []strategyv1.StrategyIncident{stalled(incident("stuck", "PnL", "fast", -time.Hour))}, after: 9 * time.Minute,
		rule: "join", outcome: "Joined", ready: "Joined", given: "stuck",
	},
	"a storm has one incident, however long that waits for people": {
		alert: loss(), incidents: append(manyOf(2, "Latency"), stalled(incident("storm", "AlertFatigue", "", 0))), after: 50 * time.Minute,
		rule: "collect", outcome: "Collected", ready: "Collected", given: "storm",
	},
	"one that has waited for people for long swallows no news": {
		alert: loss(), after: 10 * time.Minute, next: 10 * time.Minute, incidents: []strategyv1.StrategyIncident{stalled(incident("stuck", "PnL", "fast", -time.Hour))}, rule: "open", opens: "PnL Warning fast 10:00:00",
	},
	"what it was given to keeps it, also where that waits for people": {
		alert: with(loss(), "stuck"), incidents: []strategyv1.StrategyIncident{stalled(incident("stuck", "PnL", "fast", -time.Hour))},
		rule: "withIncident", outcome: "Opened", ready: "Opened", given: "stuck",
	},
	"resolved, it stays with its incident": {
		alert: ended(with(loss(), "first"), time.Minute), incidents: []strategyv1.StrategyIncident{incident("first", "PnL", "fast", 0)}, after: time.Minute,
		rule: "withIncident", outcome: "Opened", ready: "Opened", given: "first", says: "closes and restores nothing",
	},
	"resolved, and its incident is over": {
		alert: ended(with(loss(), "first"), time.Minute), incidents: []strategyv1.StrategyIncident{closed(incident("first", "PnL", "fast", 0), time.Hour)}, after: 2 * time.Hour,
		rule: "over", outcome: "Opened", ready: "Opened", given: "first", says: "is over", next: 25 * time.Hour,
	},
	"resolved before anybody looked": {
		alert: ended(loss(), time.Minute), after: time.Minute, rule: "over", outcome: "NotOpened", ready: "NotOpened", next: 24*time.Hour + time.Minute,
	},
	"over for a day, it goes": {
		alert: ended(with(loss(), "first"), time.Minute), incidents: []strategyv1.StrategyIncident{closed(incident("first", "PnL", "fast", 0), time.Hour)}, after: 25 * time.Hour,
		rule: "forget", deletes: true, outcome: "Opened", given: "first",
	},
	"what belongs to an open incident stays": {
		alert: ended(with(loss(), "first"), time.Minute), incidents: []strategyv1.StrategyIncident{incident("first", "PnL", "fast", 0)}, after: 1000 * time.Hour,
		rule: "withIncident", outcome: "Opened", ready: "Opened", given: "first",
	},
	"nobody has spoken of it for a week": {
		alert: alert("odd", "Odd", "", ""), after: 7 * 24 * time.Hour, rule: "forget", deletes: true,
	},
	"no route": {
		alert: alert("odd", "Odd", "", ""), rule: "unroutable", outcome: "Unroutable", ready: "Unroutable", says: `Add a route for alertname="Odd"`, next: 7 * 24 * time.Hour,
	},
	"no playbook": {
		alert: loss(), playbooks: []alerts.Playbook{}, rule: "unroutable", outcome: "Unroutable", ready: "Unroutable", says: "there is no StrategyPlaybook in namespace trading", next: 7 * 24 * time.Hour,
	},
	"no playbook says anything of alerts": {
		alert: loss(), playbooks: []alerts.Playbook{{Name: "desk"}}, rule: "unroutable", outcome: "Unroutable", ready: "Unroutable", says: "has spec.alerts", next: 7 * 24 * time.Hour,
	},
	"the first playbook by name has it": {
		alert: loss(), playbooks: []alerts.Playbook{{Name: "a"}, playbook("desk"), playbook("other")}, rule: "open", opens: "PnL Warning fast 10:00:00",
	},
	"what nobody approved is asked after all that serve": {
		alert: alert("noise", "Noise", "", ""), playbooks: []alerts.Playbook{unserved(playbook("a")), catchAll("z")}, rule: "open", opens: "Latency Warning  10:00:00",
	},
	"what nobody approved may call people": {
		alert: loss(), playbooks: []alerts.Playbook{unserved(playbook("desk"))}, rule: "open", opens: "PnL Warning fast 10:00:00",
	},
	"it is said by whose route an incident has it": {
		alert: loss(), playbooks: []alerts.Playbook{unserved(playbook("desk"))}, incidents: []strategyv1.StrategyIncident{incident("first", "PnL", "fast", 0)},
		rule: "join", outcome: "Opened", ready: "Opened", given: "first", says: "StrategyPlaybook desk, which does not serve: nobody approved it",
	},
	"it is still said when its incident runs": {
		alert: with(loss(), "first"), playbooks: []alerts.Playbook{unserved(playbook("desk"))}, incidents: []strategyv1.StrategyIncident{incident("first", "PnL", "fast", 0)},
		rule: "withIncident", outcome: "Opened", ready: "Opened", given: "first", says: "which does not serve: nobody approved it",
	},
	"what nobody approved ignores nothing": {
		alert: alert("noise", "Noise", "", ""), playbooks: []alerts.Playbook{unserved(playbook("desk"))}, rule: "unroutable", outcome: "Unroutable", ready: "Unroutable",
		says: "route noise of StrategyPlaybook desk says Ignore, which does not count while the playbook does not serve: nobody approved it",
	},
	"what nobody approved has no heartbeat, which is looked at all the same": {
		alert: alert("dog", "Watchdog", "", ""), playbooks: []alerts.Playbook{unserved(playbook("desk"))}, rule: "unroutable", outcome: "Unroutable", ready: "Unroutable",
		says: "says Heartbeat, which does not count", next: 30 * time.Second,
	},
	"of several that nobody approved the one that hears a heartbeat counts": {
		alert: alert("dog", "Watchdog", "", ""), playbooks: []alerts.Playbook{unserved(ignoreAll("before")), unserved(playbook("desk"))}, rule: "unroutable", outcome: "Unroutable", ready: "Unroutable",
		says: "StrategyPlaybook desk says Heartbeat, which does not count", next: 30 * time.Second,
	},
	"a heartbeat opens nothing, and is looked at again soon": {
		alert: alert("dog", "Watchdog", "", ""), after: time.Second, rule: "aside", outcome: "Heartbeat", ready: "Heartbeat", next: 31 * time.Second,
	},
	"what is ignored opens nothing": {
		alert: alert("noise", "Noise", "", "critical"), rule: "aside", outcome: "Ignored", ready: "Ignored", says: "route noise of StrategyPlaybook desk", next: 7 * 24 * time.Hour,
	},
	"it still fires when its incident is closed": {
		alert: with(loss(), "first"), incidents: []strategyv1.StrategyIncident{closed(incident("first", "PnL", "fast", 0), time.Minute)}, after: 2 * time.Minute,
		rule: "stillFires", outcome: "Opened", ready: "Opened", given: "first", says: "after 2026-11-23T10:11:00Z", next: 11 * time.Minute,
	},
	"its incident was closed as a duplicate: it joins the other one": {
		alert: with(loss(), "second"), incidents: []strategyv1.StrategyIncident{incident("first", "PnL", "fast", -time.Hour), duplicate(closed(incident("second", "PnL", "fast", 0), time.Minute))}, after: 2 * time.Minute,
		rule: "join", outcome: "Joined", ready: "Joined", given: "first",
	},
	"its incident was closed as a duplicate, and the other one is over: another one": {
		alert: with(loss(), "second"), incidents: []strategyv1.StrategyIncident{closed(incident("first", "PnL", "fast", -time.Hour), time.Minute), duplicate(closed(incident("second", "PnL", "fast", 0), time.Minute))}, after: 2 * time.Minute,
		rule: "open", opens: "PnL Warning fast 10:00:00", outcome: "Opened", given: "second", next: 2 * time.Minute,
	},
	"nobody repeats it: it may have ended unheard": {
		alert: with(loss(), "first"), incidents: []strategyv1.StrategyIncident{closed(incident("first", "PnL", "fast", 0), time.Minute)}, after: time.Hour,
		rule: "stillFires", outcome: "Opened", ready: "Opened", given: "first",
	},
	"it is heard long after: another incident, with a clock of its own": {
		alert: heard(with(loss(), "first"), time.Hour), incidents: []strategyv1.StrategyIncident{closed(incident("first", "PnL", "fast", 0), time.Minute)}, after: time.Hour,
		rule: "open", opens: "PnL Warning fast -", outcome: "Opened", given: "first", next: time.Hour,
	},
	"it fires anew: another incident at once": {
		alert: again(with(loss(), "first"), 2*time.Minute), incidents: []strategyv1.StrategyIncident{closed(incident("first", "PnL", "fast", 0), time.Minute)}, after: 3 * time.Minute,
		rule: "open", opens: "PnL Warning fast 10:02:00", outcome: "Opened", given: "first", next: 3 * time.Minute,
	},
	"its incident was deleted, and it still fires: another one at once, whose clocks go on": {
		alert: with(loss(), "first"), others: []strategyv1.StrategyAlert{*with(again(alert("early", "Loss", "fast", ""), -time.Minute), "first")},
		after: time.Minute, rule: "open", outcome: "Opened", given: "first", opens: "PnL Warning fast 09:59:00", next: time.Minute,
	},
	"its incident is being deleted, and it still fires": {
		alert: with(loss(), "first"), incidents: []strategyv1.StrategyIncident{func() strategyv1.StrategyIncident {
			gone := incident("first", "PnL", "fast", 0)
			gone.DeletionTimestamp = new(at(0))
			return gone
		}()}, after: time.Minute, rule: "open", outcome: "Opened", given: "first", opens: "PnL Warning fast 10:00:00", next: time.Minute,
	},
	"its incident was closed, and is forgotten since": {
		alert: func() *strategyv1.StrategyAlert {
			fires := with(loss(), "first")
			fires.Status.NextTime = new(at(11 * time.Minute))
			return fires
		}(), after: 2 * time.Minute, rule: "stillFires", outcome: "Opened", ready: "Opened", given: "first", says: "after 2026-11-23T10:11:00Z", next: 11 * time.Minute,
	},
	"a start long before it was heard is not believed": {
		alert: started(loss(), -50*365*24*time.Hour), rule: "open", opens: "PnL Warning fast 09:00:00",
	},
	"nor that of another alert": {
		alert: loss(), others: []strategyv1.StrategyAlert{*started(alert("early", "Loss", "fast", ""), -50*365*24*time.Hour)}, rule: "open", opens: "PnL Warning fast 09:00:00",
	},
	"nor one that has not come": {
		alert: started(loss(), 4*time.Minute), after: time.Minute, rule: "open", opens: "PnL Warning fast 10:01:00",
	},
	"nor what a person says": {
		alert: loss(), others: []strategyv1.StrategyAlert{func() strategyv1.StrategyAlert {
			by := started(alert("early", "Loss", "fast", ""), -time.Minute)
			by.Spec.Sender = "mallory"
			return *by
		}()}, rule: "open", opens: "PnL Warning fast 10:00:00",
	},
	"an alert that another playbook has says nothing of this one": {
		alert: loss(), playbooks: []alerts.Playbook{ignores("a", "early"), playbook("desk")}, others: []strategyv1.StrategyAlert{func() strategyv1.StrategyAlert {
			other := started(alert("early", "Loss", "fast", ""), -time.Minute)
			other.Spec.Labels["team"] = "early"
			return *other
		}()}, rule: "open", opens: "PnL Warning fast 10:00:00",
	},
	"another incident has the name of its own": {
		alert: with(loss(), "first"), incidents: []strategyv1.StrategyIncident{func() strategyv1.StrategyIncident {
			other := incident("first", "Latency", "fast", 0)
			other.UID = "uid-other"
			return other
		}()}, after: time.Minute, rule: "open", opens: "PnL Warning fast 10:00:00", outcome: "Opened", given: "first", next: time.Minute,
	},
	"too many within an hour: one incident for the rest": {
		alert: alert("loss", "Loss", "fast", "critical"), incidents: manyOf(2, "Latency"), after: time.Minute, rule: "collect", opens: "AlertFatigue Critical  -", next: time.Minute,
	},
	"what comes beyond is held by it": {
		alert: loss(), incidents: append(manyOf(2, "Latency"), incident("storm", "AlertFatigue", "", 0)), after: time.Minute,
		rule: "collect", outcome: "Collected", ready: "Collected", given: "storm",
	},
	"the same as before still joins": {
		alert: loss(), incidents: append(manyOf(2, "Latency"), incident("first", "PnL", "fast", 0)), after: time.Minute, rule: "join", outcome: "Opened", ready: "Opened", given: "first",
	},
	"an hour later there is room": {
		alert: loss(), incidents: manyOf(2, "Latency"), after: time.Hour, rule: "open", opens: "PnL Warning fast 10:00:00", next: time.Hour,
	},
	"what people report takes no room": {
		alert: loss(), incidents: func() []strategyv1.StrategyIncident {
			all := manyOf(2, "Latency")
			all[0].Spec.RequestedBy = "alice"
			return all
		}(), after: time.Minute, rule: "open", opens: "PnL Warning fast 10:00:00", next: time.Minute,
	},
	"people report in their own name": {
		alert: loss(), person: true, rule: "byPerson", outcome: "Unroutable", ready: "Unroutable", says: "alertmanager sent it, who is a person", next: 7 * 24 * time.Hour,
	},
	"the operator has no rights": {
		alert: loss(), unserved: &facts.Problem{Reason: "NamespaceNotServed", Message: "no rights"}, rule: "notServed", ready: "NamespaceNotServed", says: "no rights", next: 30 * time.Second,
	},
	"the API server refuses the incident": {
		alert: loss(), refused: &facts.Refusal{Effect: "action.CreateIncident", Message: "exceeded quota"}, rule: "open", opens: "PnL Warning fast 10:00:00",
		ready: "EffectRefused", says: "exceeded quota", next: 7 * 24 * time.Hour,
	},
	"it is kept on its way out by a finalizer of somebody": {alert: func() *strategyv1.StrategyAlert {
		kept := loss()
		kept.DeletionTimestamp, kept.Finalizers = new(at(0)), []string{"example.com/keep"}
		return kept
	}(), rule: "deleted", ready: "NeedsPerson", says: "finalizers that the operator did not set: example.com/keep"},
	"it was deleted while it fired, and is over: its incident hears of it": {
		alert: ended(loss(), time.Minute), incidents: []strategyv1.StrategyIncident{incident("other", "PnL", "slow", 0), knows(incident("first", "PnL", "fast", 0), "loss")},
		after: time.Minute, rule: "returned", outcome: "Joined", ready: "Joined", given: "first", says: "had it before its object was deleted",
	},
	"so it does where no route has it any more": {
		alert: ended(loss(), time.Minute), playbooks: []alerts.Playbook{}, incidents: []strategyv1.StrategyIncident{knows(incident("first", "PnL", "fast", 0), "loss")},
		after: time.Minute, rule: "returned", outcome: "Joined", ready: "Joined", given: "first",
	},
	"what is closed hears of nothing": {
		alert: ended(loss(), time.Minute), incidents: []strategyv1.StrategyIncident{closed(knows(incident("first", "PnL", "fast", 0), "loss"), 0)},
		after: time.Minute, rule: "over", outcome: "NotOpened", ready: "NotOpened",
	},
	"it was deleted while it fired, and is heard again: its incident has it however long it waits": {
		alert: loss(), incidents: []strategyv1.StrategyIncident{knows(stalled(incident("first", "PnL", "fast", -time.Hour)), "loss")},
		after: time.Hour, rule: "join", outcome: "Joined", ready: "Joined", given: "first",
	},
	"on its way out": {alert: func() *strategyv1.StrategyAlert {
		gone := loss()
		gone.DeletionTimestamp = new(at(0))
		return gone
	}(), rule: "deleted"},
}

var seen sync.Map

func TestWhatBecomesOfAnAlert(t *testing.T) {
	for name, c := range rows {
		t.Run(name, func(t *testing.T) {
			playbooks := c.playbooks
			if playbooks == nil {
				playbooks = desk
			}
			observed := alerts.Observed{
				Alert: c.alert, NotServed: c.unserved, Machines: decide.Machines{"alertmanager"}, Refused: c.refused, User: operator, Playbooks: playbooks,
				Incidents: facts.Known(c.incidents), Others: facts.Known(append(slices.Clone(c.others), *c.alert)),
			}
			if c.person {
				observed.Machines = nil
			}
			before := fmt.Sprint(observed)
			got := alerts.Plan(observed, t0.Add(c.after))
			seen.Store(got.Rule, true)
			if again := alerts.Plan(observed, t0.Add(c.after)); !reflect.DeepEqual(got, again) || fmt.Sprint(observed) != before {
				t.Error("the plan is not a function of what it sees, or changes it")
			}
			message := conditions.Message(got.Status.Conditions, strategyv1.ConditionReady)
			opens, deletes := asked(got.Actions)
			for what, pair := range map[string][2]any{
				"rule": {got.Rule, c.rule}, "outcome": {got.Status.Outcome, c.outcome}, "ready": {conditions.Reason(got.Status.Conditions, strategyv1.ConditionReady), c.ready},
				"incident": {got.Status.IncidentName, c.given}, "opens": {opens, c.opens}, "deletes": {deletes, c.deletes},
			} {
				if pair[0] != pair[1] {
					t.Errorf("%s: %v, want %v", what, pair[0], pair[1])
				}
			}
			if !strings.Contains(message, c.says) {
				t.Errorf("it says %q, not %q", message, c.says)
			}
			if next := got.NextAt.Sub(t0); c.next > 0 && next != c.next {
				t.Errorf("next after %s, want %s", next, c.next)
			}
			stored := c.alert.DeepCopy()
			stored.Status = got.Status
			testkit.New(t).APITakes(crd.Alert, stored)
		})
	}
}

// asked is what the actions ask for.
func asked(actions []action.Action) (opens string, deletes bool) {
	for _, one := range actions {
		switch a := one.(type) {
		case action.CreateIncident:
			detected := "-"
			if a.Incident.Spec.DetectedTime != nil {
				detected = a.Incident.Spec.DetectedTime.UTC().Format(time.TimeOnly)
			}
			opens = fmt.Sprintf("%s %s %s %s", a.Incident.Spec.Type, a.Incident.Spec.Severity, a.Incident.Spec.Schedule, detected)
		case action.DeleteObject:
			deletes = true
		}
	}
	return opens, deletes
}

// TestNames: all alerts about the same ask for one name, until the incident that has it is over.
func TestNames(t *testing.T) {
	name := func(alert *strategyv1.StrategyAlert, incidents ...strategyv1.StrategyIncident) string {
		for _, one := range alerts.Plan(alerts.Observed{
			Alert: alert, Machines: decide.Machines{"alertmanager"}, User: operator, Playbooks: desk, Incidents: facts.Known(incidents), Others: facts.Known([]strategyv1.StrategyAlert{*alert}),
		}, t0.Add(time.Hour)).Actions {
			if creates, ok := one.(action.CreateIncident); ok {
				return creates.Incident.Name
			}
		}
		return ""
	}
	first := name(loss())
	if other := name(alert("another", "Loss", "fast", "critical")); other != first {
		t.Errorf("%s and %s are about the same", first, other)
	}
	if other := name(alert("another", "Loss", "slow", "")); other == first {
		t.Error("another target has the same name")
	}
	was := closed(incident(first, "PnL", "fast", -2*time.Hour), -time.Hour)
	second := name(loss(), was)
	if second == first || second == "" {
		t.Errorf("after %s was closed it is %q", first, second)
	}
	if again := name(loss(), was, closed(incident(second, "PnL", "fast", -time.Hour), -time.Minute)); again == first || again == second {
		t.Errorf("the third is %s", again)
	}
	taken := incident(first, "Latency", "slow", 0) // somebody took the name for something else
	taken.Spec.RequestedBy = "mallory"
	if other := name(loss(), taken); other == first || other == "" {
		t.Errorf("a taken name leads to %q", other)
	}
}

// TestReadsWhatItNeeds: what opens no incident is decided without those that there are, and only what opens one looks at other alerts. Without a fact
// that is needed nothing is decided.
func TestReadsWhatItNeeds(t *testing.T) {
	for name, c := range map[string]struct {
		alert     *strategyv1.StrategyAlert
		incidents []strategyv1.StrategyIncident
		all       alerts.Need
	}{
		"a heartbeat":            {alert("dog", "Watchdog", "", ""), nil, 0},
		"what is ignored":        {alert("noise", "Noise", "", ""), nil, 0},
		"what nobody has":        {alert("odd", "Odd", "", ""), nil, 0},
		"what was over at once":  {ended(loss(), time.Minute), nil, alerts.NeedIncidents},
		"what joins":             {loss(), []strategyv1.StrategyIncident{incident("first", "PnL", "fast", 0)}, alerts.NeedIncidents},
		"what is with its own":   {with(loss(), "first"), []strategyv1.StrategyIncident{incident("first", "PnL", "fast", 0)}, alerts.NeedIncidents},
		"what opens one":         {loss(), nil, alerts.NeedIncidents | alerts.NeedOthers},
		"what opens one, anew":   {again(with(loss(), "old"), time.Minute), nil, alerts.NeedIncidents | alerts.NeedOthers},
		"what a storm collects":  {loss(), manyOf(2, "Latency"), alerts.NeedIncidents},
		"what was just resolved": {ended(with(loss(), "first"), time.Minute), nil, alerts.NeedIncidents},
	} {
		observed := alerts.Observed{Alert: c.alert, Machines: decide.Machines{"alertmanager"}, User: operator, Playbooks: desk}
		var all alerts.Need
		for range 3 {
			got := alerts.Plan(observed, t0.Add(time.Minute))
			if got.Needs == 0 {
				break
			}
			if got.Rule != "" || len(got.Actions) > 0 || !reflect.DeepEqual(got.Status, strategyv1.StrategyAlertStatus{}) {
				t.Errorf("%s: decided without what it needs: %+v", name, got)
			}
			all |= got.Needs
			if all&alerts.NeedIncidents != 0 {
				observed.Incidents = facts.Known(c.incidents)
			}
			if all&alerts.NeedOthers != 0 {
				observed.Others = facts.Known([]strategyv1.StrategyAlert{*c.alert})
			}
		}
		if all != c.all {
			t.Errorf("%s: it reads %b, not %b", name, all, c.all)
		}
	}
}

// TestMain fails when there is a rule that ended no pass of any test.
func TestMain(m *testing.M) {
	code := m.Run()
	if code != 0 || flag.Lookup("test.run").Value.String() != "" || flag.Lookup("test.skip").Value.String() != "" || flag.Lookup("test.list").Value.String() != "" {
		os.Exit(code)
	}
	for _, name := range alerts.RuleNames() {
		if _, ended := seen.Load(name); !ended && name != "refused" { // that one tells, and goes on
			fmt.Fprintf(os.Stderr, "FAIL: the rule %s ends no pass of any test\n", name)
			code = 1
		}
	}
	os.Exit(code)
}
