// Package pass is one pass of a plan: the decision as it grows, and the order in which its parts are carried out. It is
// what incidents and rollbacks do the same way.
//
//	status of what was observed -> evidence -> log entries -> effects -> events
//
// The package is pure: it imports no client and never reads the clock.
package pass

import (
	"cmp"
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/timeline"
)

// Recheck is the polling interval for inputs that the operator cannot watch: Secrets, and objects without the opt-in label.
const Recheck = 30 * time.Second

// maxMessage is how long a message of a condition may be that has words of others in it.
const maxMessage = 2048

// Status points at the parts of a status that a pass writes.
type Status struct {
	Conditions *[]metav1.Condition
	Timeline   *[]strategyv1.TimelineEntry
	Checks     *[]strategyv1.CheckStatus
	Running    *[]strategyv1.RunningCheck
	Log        **strategyv1.LogStatus
	Answers    *[]strategyv1.AnsweredDecision
}

// Pass collects a decision.
type Pass struct {
	Now        time.Time
	Generation int64
	EvidenceAt string // prefix of the object's evidence in the bucket
	LogHead    facts.Log
	Status     Status
	Drill      bool // an exercise: what people read says so

	before  []metav1.Condition
	effects []action.Action // after the log entries that announce them
	store   []action.Action // evidence, before everything else
	nextAt  time.Time
	await   bool // the next step needs the log's head
	held    bool // nothing new may be started
	told    []action.Action
	jobs    []*batchv1.Job // that are created

	finalizers *action.SetFinalizers
	refusal    *facts.Refusal
	namespace  string          // of the decisions
	decided    []facts.Decided // about the object
	made       []facts.Decided // those of them that may count
	waits      map[string]bool // UIDs of those that there is no room to answer
}

// New starts a pass. A log that was started shows its head as it was read.
func New(now time.Time, generation int64, prefix string, log facts.Log, status Status) *Pass {
	if known := *status.Log; log.Problem != nil && known != nil && known.Entries != nil {
		log.Entries, log.Head = *known.Entries, known.Head // what is in the log already is no less there because it cannot be read now
	}
	p := &Pass{Now: now, Generation: generation, EvidenceAt: prefix, LogHead: log, Status: status}
	p.before = append(p.before, *status.Conditions...)
	p.forgetRefused()
	if log.Problem == nil && *status.Log != nil {
		p.StartLog()
	}
	return p
}

// StartLog puts the head of the log into the status. From then on what is noted is logged.
func (p *Pass) StartLog() {
	*p.Status.Log = &strategyv1.LogStatus{Prefix: p.EvidenceAt, Entries: new(p.LogHead.Entries), Head: p.LogHead.Head}
}

// Set writes one condition.
func (p *Pass) Set(kind string, status metav1.ConditionStatus, reason, message string) {
	conditions.Set(p.Status.Conditions, p.Now, p.Generation, kind, status, reason, message)
}

// Is says whether a condition is True.
func (p *Pass) Is(kind string) bool { return conditions.True(*p.Status.Conditions, kind) }

// find is a condition; nil without it.
func (p *Pass) find(kind string) *metav1.Condition {
	return meta.FindStatusCondition(*p.Status.Conditions, kind)
}

// Reason of a condition, empty without it.
func (p *Pass) Reason(kind string) string { return conditions.Reason(*p.Status.Conditions, kind) }

// Message of a condition, empty without it.
func (p *Pass) Message(kind string) string { return conditions.Message(*p.Status.Conditions, kind) }

// Working sets the summary while the operator, or an expected decision, is on its way.
func (p *Pass) Working(reason, message string) {
	p.Set(strategyv1.ConditionReady, metav1.ConditionFalse, reason, p.marked(message))
	p.Set(strategyv1.ConditionStalled, metav1.ConditionFalse, reason, "the operator is working on it")
}

// Done sets the summary of a state that holds by itself.
func (p *Pass) Done(reason, message string) {
	p.Set(strategyv1.ConditionReady, metav1.ConditionTrue, reason, p.marked(message))
	p.Set(strategyv1.ConditionStalled, metav1.ConditionFalse, reason, "nothing is waited for")
}

// Stall stops until somebody does something; the message says what.
func (p *Pass) Stall(reason, message string) {
	message = p.marked(message)
	p.Set(strategyv1.ConditionReady, metav1.ConditionFalse, reason, message)
	p.Set(strategyv1.ConditionStalled, metav1.ConditionTrue, reason, message)
}

// drillMark is before what is said of an exercise.
const drillMark = "DRILL: "

// marked says, once, that a message is about an exercise.
func (p *Pass) marked(message string) string {
	if !p.Drill || strings.HasPrefix(message, drillMark) {
		return message
	}
	return drillMark + message
}

// BadInput stalls until the input is fixed, and looks again by itself.
func (p *Pass) BadInput(reason, message string) {
	p.Blocked(facts.Problem{Reason: reason, Message: message})
}

// Blocked stalls on a problem, unless that passes by itself, and looks again.
func (p *Pass) Blocked(problem facts.Problem) {
	if problem.Passes {
		p.Working(problem.Reason, problem.Message)
	} else {
		p.Stall(problem.Reason, problem.Message)
	}
	p.Wake(p.Now.Add(cmp.Or(problem.Retry, Recheck)))
}

// Note adds to the timeline, and so to the decision log.
func (p *Pass) Note(event strategyv1.Event, message, by string) {
	*p.Status.Timeline = timeline.Add(*p.Status.Timeline, p.LogHead.Entries, p.Now, event, message, by)
}

// NoteRepeated notes what may happen without end, as an alert that comes and goes. Where many entries wait for a log that cannot be written, it is
// left out, which is said once: a status that is full could not be written, and each clock would stop.
func (p *Pass) NoteRepeated(event strategyv1.Event, message string) {
	if len(*p.Status.Timeline) < maxUnlogged {
		p.Note(event, message, "")
		return
	}
	said := func(entry strategyv1.TimelineEntry) bool {
		return entry.Message == leftOut && entry.Seq > p.LogHead.Entries
	}
	if !slices.ContainsFunc(*p.Status.Timeline, said) {
		p.Note(event, leftOut, "")
	}
}

// leftOut stands in the place of all that is not noted.
const leftOut = "what repeats itself is not noted until the log can be written again"

// Logged says whether everything noted so far is in the decision log. An effect that another controller acts on at once
// waits for that.
func (p *Pass) Logged() bool {
	n := len(*p.Status.Timeline)
	return n == 0 || (*p.Status.Timeline)[n-1].Seq <= p.LogHead.Entries
}

// AwaitLog says that the next step needs what was noted in this pass to be in the log: the next pass comes at once.
func (p *Pass) AwaitLog() { p.await = true }

// Wake asks for another pass at a time, at the latest.
func (p *Pass) Wake(at time.Time) { p.nextAt = checks.Earlier(p.nextAt, at) }

// Do adds effects.
func (p *Pass) Do(effects ...action.Action) { p.effects = append(p.effects, effects...) }

// Keep stores an object as evidence.
func (p *Pass) Keep(key string, data []byte) {
	p.store = append(p.store, action.StoreEvidence{Key: key, Data: data})
}

// KeepSealed stores a JSON object as evidence, signed as what it is.
func (p *Pass) KeepSealed(key string, data []byte, of decisionlog.Sealed) {
	p.store = append(p.store, action.StoreEvidence{Key: key, Data: data, Seal: &action.Seal{Of: of, SigningKey: p.LogHead.SigningKey}})
}

// Stamp is the pass's time as the API keeps it: whole seconds.
func (p *Pass) Stamp() metav1.Time { return metav1.NewTime(p.Now.UTC().Truncate(time.Second)) }

// Tell adds an event, for what the summary does not tell.
func (p *Pass) Tell(kind, reason, message string) {
	p.told = append(p.told, action.Event{Type: kind, Reason: reason, Message: bounded.Line(p.marked(message), 1000)})
}

// Hold holds back what starts something new in this pass. The plan asks for it again in the first pass that is not held. A hold that takes
// the place of another is told, too.
func (p *Pass) Hold(hold facts.Hold, message string) {
	if !p.Is(strategyv1.ConditionOnHold) || p.Reason(strategyv1.ConditionOnHold) != hold.Reason {
		p.Note(strategyv1.EventOnHold, message, hold.By)
		p.Tell(corev1.EventTypeWarning, strategyv1.ConditionOnHold, message)
	}
	p.StayHeld(hold.Reason, message)
}

// StayHeld is a hold whose beginning was told already.
func (p *Pass) StayHeld(reason, message string) {
	p.held = true
	p.Set(strategyv1.ConditionOnHold, metav1.ConditionTrue, reason, message)
}

// Resume ends what Hold began, if it did.
func (p *Pass) Resume() {
	if !p.Is(strategyv1.ConditionOnHold) {
		return
	}
	p.Note(strategyv1.EventReleased, "new effects are allowed again", "")
	p.Set(strategyv1.ConditionOnHold, metav1.ConditionFalse, strategyv1.ReasonReleased, "new effects are allowed again")
}

// Over takes back that something is held back, where there is nothing left to do.
func (p *Pass) Over() {
	if p.Is(strategyv1.ConditionOnHold) {
		p.Set(strategyv1.ConditionOnHold, metav1.ConditionFalse, strategyv1.ReasonReleased, "it is over: there is nothing left to hold back")
	}
}

// Held says whether new effects are held back.
func (p *Pass) Held() bool { return p.held }

// Collect takes up what finished Jobs tell, of any stage: evidence is kept even when the procedure has moved on.
func (p *Pass) Collect(collected checks.Collected) {
	p.Do(collected.Delete...)
	for _, why := range collected.Foreign {
		p.Tell(corev1.EventTypeWarning, strategyv1.ReasonForeignJob, why+"; it is deleted, and what it says does not count")
	}
	for _, record := range collected.Records {
		p.noteCheck(record)
	}
	*p.Status.Checks = checks.AddRecords(*p.Status.Checks, collected.Records)
}

// noteCheck notes what came of a check, and where that is stored: who removes it from the bucket cannot remove it from the log, too.
func (p *Pass) noteCheck(record strategyv1.CheckStatus) {
	p.Note(strategyv1.EventCheck, checks.Sentence(record), "")
	entries := *p.Status.Timeline
	entries[len(entries)-1].Evidence = record.Report
}

// DeleteJobs removes what is left of an object's Jobs.
func (p *Pass) DeleteJobs(jobs []checks.JobState) {
	for _, job := range jobs {
		p.Do(checks.Delete(job))
	}
}

// Run runs the checks of a stage, as far as they are. A check whose PodTemplate is gone stalls.
func (p *Pass) Run(stage checks.Stage, jobs []checks.JobState) checks.Result {
	stage.Refused, stage.RefusedFor = p.refusedJobs()
	result := stage.Run(*p.Status.Checks, jobs)
	for _, record := range result.Refused {
		p.noteCheck(record)
		p.Wake(p.Now) // the stage goes on without it
	}
	*p.Status.Checks = checks.AddRecords(*p.Status.Checks, result.Refused)
	for _, create := range result.Jobs {
		p.jobs = append(p.jobs, create)
		p.Do(action.CreateJob{Job: create})
	}
	p.Wake(result.NextAt)
	if result.Missing != "" {
		p.BadInput(result.MissingReason, result.Missing)
	}
	return result
}

// SetFinalizers replaces the finalizers of the object.
func (p *Pass) SetFinalizers(wanted action.SetFinalizers) { p.finalizers = &wanted }

// Finish says what is to be done, in order, and when the next pass is due, if nothing watched changes before. That the operator begins
// to work on a new object is no news: its first event tells of somebody else's turn, or of a next step.
func (p *Pass) Finish(subject timeline.Subject, turn lifecycle.Turn) (Steps, time.Time) {
	p.keepTransitions()
	*p.Status.Running = checks.RunningOf(*p.Status.Running, p.jobs, *p.Status.Checks, p.Stamp())
	if turn.Who != strategyv1.WhoMachine { // whoever waits may read the head there, whatever becomes of the bucket
		p.await = true
	}
	steps, nextAt := Steps{Store: p.store, Finalizers: p.finalizers}, p.nextAt
	if len(p.store) > 0 {
		nextAt = p.Now // the verdict comes from the stored report, in the next pass
	}
	if *p.Status.Log != nil && p.LogHead.Problem == nil {
		steps.Entries = timeline.Append(subject, *p.Status.Timeline, p.EvidenceAt, p.LogHead.Entries, p.LogHead.Head, p.LogHead.SigningKey)
		if steps.Entries != nil && p.await {
			nextAt = p.Now // the head is read back in the next pass
		}
		for _, effect := range append(p.effects, p.answers()...) {
			if !p.held || !action.Starts(effect) {
				steps.Effects = append(steps.Effects, effect)
			}
		}
	}
	if turn.Who != strategyv1.WhoMachine || conditions.Reason(p.before, strategyv1.ConditionReady) != "" {
		steps.Events = Announce(p.before, *p.Status.Conditions, turn.Who)
	}
	steps.Events = append(steps.Events, p.told...)
	return steps, nextAt
}

// keepTransitions: a condition that several rules set in turn, and that is in the end what it was before, did not change.
func (p *Pass) keepTransitions() {
	for i := range *p.Status.Conditions {
		after := &(*p.Status.Conditions)[i]
		before := meta.FindStatusCondition(p.before, after.Type)
		if before != nil && before.Status == after.Status {
			after.LastTransitionTime = before.LastTransitionTime
		}
	}
}

// Announce tells people when the summary of an object changed its reason: as a warning, where somebody has to do something.
func Announce(before, after []metav1.Condition, next strategyv1.Who) []action.Action {
	reason := conditions.Reason(after, strategyv1.ConditionReady)
	if reason == "" || reason == conditions.Reason(before, strategyv1.ConditionReady) {
		return nil
	}
	kind := corev1.EventTypeNormal
	people := []strategyv1.Who{strategyv1.WhoL1, strategyv1.WhoL2, strategyv1.WhoTechLead, strategyv1.WhoApprover}
	if slices.Contains(people, next) || conditions.True(after, strategyv1.ConditionStalled) {
		kind = corev1.EventTypeWarning
	}
	return []action.Action{action.Event{Type: kind, Reason: reason, Message: conditions.Message(after, strategyv1.ConditionReady)}}
}
