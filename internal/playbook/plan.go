package playbook

import (
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/pass"
)

// maxSchedules is how many schedules the status shows.
const maxSchedules = 64

// What of the document's own texts the status shows, as the API has it: in bytes.
const (
	maxName  = 128
	maxUntil = 64
)

// Observed is everything a decision is made of.
type Observed struct {
	Playbook     *strategyv1.StrategyPlaybook
	NotServed    *facts.Problem // the operator has no rights in this namespace
	Config       facts.Config
	Judged       *Judgement         // of this spec; nil: it is not judged yet
	AwaitedSince time.Time          // since when the judgement is waited for
	SigningKey   *facts.Problem     // what is wrong with the key, nil if nothing is
	Deployment   *appsv1.Deployment // of the scheduler; nil if it does not exist
	Templates    map[string]checks.Template
	Rival        string         // an older playbook that looks after another key of the same ConfigMap; empty: none does
	Frozen       bool           // the revision that this spec needs exists
	Taken        *facts.Problem // another revision has its name; nil: none
	Revisions    []appsv1.ControllerRevision
	InUse        map[string]bool // revisions that incidents and rollbacks run on, by name
	OnCall       facts.OnCall
	Entitled     facts.Entitled                // what people on call may do
	Prefix       string                        // of the playbook's evidence in the bucket
	Log          facts.Log                     // of the decisions about it; it is read when there are any
	Decided      []facts.Decided               // about a playbook of this name, oldest first
	Identity     facts.Identity                // it is asked when there is something to release, approve or deny
	Review       bool                          // the namespace asks for two persons
	ApprovedLost string                        // why the version that was approved last cannot be used; empty: it can
	Past         []Past                        // closed incidents that the history has no room or no time for
	Lost         []strategyv1.StrategyDecision // about what is not there any more
	PastAt       time.Time                     // when there may be others of both
	Refused      *facts.Refusal                // an effect that the API server refused lately; nil = none
	TreeRefused  *facts.Refusal                // the same of the tree over the decision logs of the namespace, which has no status
}

// Decision is the status as observed, then what to do, in order.
type Decision struct {
	Status  strategyv1.StrategyPlaybookStatus
	Actions []action.Action
	NextAt  time.Time // zero: something watched will change
}

// plan is one pass over a playbook.
type plan struct {
	seen Observed                          // what is decided on; nothing changes it
	out  *pass.Pass                        // what comes out
	next strategyv1.StrategyPlaybookStatus // the status as it will be
	now  time.Time
	// digest of the spec; empty if it cannot be encoded.
	digest string
	// sound: the spec can be run, and its revision is frozen.
	sound bool
}

// Plan decides one pass. The error: the spec cannot be encoded, which is a bug.
func Plan(o Observed, now time.Time) (Decision, error) {
	p := &plan{seen: o, now: now, next: *o.Playbook.Status.DeepCopy()}
	var none strategyv1.StrategyIncidentStatus // of checks
	p.out = pass.New(now, o.Playbook.Generation, o.Prefix, o.Log, pass.Status{
		Conditions: &p.next.Conditions, Timeline: &p.next.Timeline, Checks: &none.Checks, Running: &none.Running, Log: &p.next.Log, Answers: &p.next.Answers,
	})
	p.out.Refused(o.Refused)
	if slices.ContainsFunc(o.Decided, func(d facts.Decided) bool { return d.Outcome == "" }) {
		p.startLog() // whoever decided hears what became of it once that is logged
	}
	p.seen.Decided = p.out.Decisions(o.Playbook.Namespace, o.Decided)
	p.heldByPeople() // whatever is wrong with the playbook
	p.showHold()
	p.digest, _ = Digest(o.Playbook.Spec) // one that cannot be encoded has none, and is not sound
	missing, err := p.judge()
	if err != nil {
		return Decision{}, err
	}
	if o.NotServed == nil { // else nobody knows what was decided, or what the namespace asks for
		p.review()
	}
	p.showReady()
	if !p.out.Logged() {
		p.out.AwaitLog() // its head is in the status, too
	}
	gone, err := forget(o)
	if err != nil {
		return Decision{}, err
	}
	last := slices.Concat(gone, forgotten(o, p.next))
	if missing != nil { // first the revision, then the status that says incidents may use it
		last = []action.Action{action.CreateRevision{Revision: missing}}
	}
	p.mayDecide()
	p.tellRefused(last)
	steps, nextAt := p.out.Finish(p.subject(), lifecycle.Turn{Who: strategyv1.WhoNobody})
	actions := append(steps.InOrder(), last...)
	if missing != nil && o.Refused == nil {
		return Decision{Status: p.next, Actions: actions, NextAt: now}, nil
	}
	for _, at := range []time.Time{onCall(&p.next, o, now), o.PastAt} {
		nextAt = checks.Earlier(nextAt, at)
	}
	return Decision{Status: p.next, Actions: actions, NextAt: nextAt}, nil
}

// tellRefused tells what the API server refuses: of what is done for the playbook, of its configuration, and of the tree over the logs. A record that is to be cleaned of
// what nobody holds any more has nobody else to tell it.
func (p *plan) tellRefused(asked []action.Action) {
	if p.seen.Config.Refused != nil && p.seen.Config.Problem == nil {
		p.out.Mention(*p.seen.Config.Refused)
	}
	if refused := p.seen.TreeRefused; refused != nil && !action.IsEvidence(refused.Effect) { // what the bucket refuses each object tells of itself
		p.out.Mention(*refused)
	}
	if refused := p.seen.Refused; refused != nil && action.IsEvidence(refused.Effect) {
		p.out.Mention(*refused) // incidents run all the same: each has a log of its own
		return
	}
	p.out.TellRefused(asked...)
}

// judge says whether incidents can run, or which revision is missing for it.
func (p *plan) judge() (missing *appsv1.ControllerRevision, err error) {
	o := p.seen
	if o.Judged == nil && o.NotServed == nil {
		p.awaitJudgement()
		return nil, nil
	}
	problem := problemOf(o)
	if problem == nil {
		revision, err := Revision(o.Playbook)
		if err != nil || !o.Frozen {
			return revision, err
		}
		p.next.Revision = revision.Name
	}
	p.next.ObservedGeneration, p.next.Digest = o.Playbook.Generation, p.digest
	p.next.Config = configStatus(o.Config)
	if problem != nil {
		p.out.BadInput(problem.Reason, problem.Message)
		return nil, nil
	}
	p.sound = true
	return nil, nil
}

// showReady is the summary of a sound playbook.
func (p *plan) showReady() {
	if !p.sound {
		return
	}
	message := readyMessage(p.seen)
	switch {
	case !p.seen.Review || p.isApproved(p.digest):
		p.out.Set(strategyv1.ConditionReady, metav1.ConditionTrue, strategyv1.ReasonValid, message)
		p.out.Set(strategyv1.ConditionStalled, metav1.ConditionFalse, strategyv1.ReasonValid, message)
	case p.next.Approved != nil && p.seen.ApprovedLost == "":
		p.out.Set(strategyv1.ConditionReady, metav1.ConditionTrue, strategyv1.ReasonAwaitingReview, p.out.Message(strategyv1.ConditionReviewed))
		p.out.Set(strategyv1.ConditionStalled, metav1.ConditionFalse, strategyv1.ReasonAwaitingReview, "what was approved before is in use")
	default:
		p.out.Stall(strategyv1.ReasonAwaitingReview, p.out.Message(strategyv1.ConditionReviewed))
	}
}

func problemOf(o Observed) *facts.Problem {
	if o.NotServed != nil {
		return o.NotServed
	}
	spec := o.Playbook.Spec
	for _, candidate := range []*facts.Problem{
		olderThanLog(o), o.Judged.Problem, rivalProblem(o), o.Config.Problem, deploymentProblem(o), templates(spec, o.Playbook.Namespace, o.Templates), o.SigningKey, o.Taken,
	} {
		if candidate != nil {
			return candidate
		}
	}
	return nil
}

// olderThanLog: a playbook that came back from a backup may have been put on hold since.
func olderThanLog(o Observed) *facts.Problem {
	if o.Log.Problem != nil && o.Log.Problem.Reason == strategyv1.ReasonLogConflict {
		return o.Log.Problem
	}
	return nil
}

// rivalProblem: the record of the edits stands for a whole ConfigMap, so the changes of two playbooks on two of its keys would wait for
// each other, and nobody would know why.
func rivalProblem(o Observed) *facts.Problem {
	if o.Rival == "" {
		return nil
	}
	config := o.Playbook.Spec.Scheduler.Config
	return &facts.Problem{Reason: strategyv1.ReasonReferenceInvalid, Message: fmt.Sprintf(
		"spec.scheduler.config: StrategyPlaybook %s looks after another key of ConfigMap %s already, and this one would after key %s: the changes of the two would wait for each other. Put the configurations into two ConfigMaps",
		o.Rival, config.ConfigMapName, config.Key)}
}

func deploymentProblem(o Observed) *facts.Problem {
	if o.Deployment != nil {
		return nil
	}
	return &facts.Problem{Reason: strategyv1.ReasonDeploymentNotFound, Message: fmt.Sprintf(
		"spec.scheduler.rollout: Deployment %s does not exist in namespace %s", o.Playbook.Spec.Scheduler.Rollout.DeploymentName, o.Playbook.Namespace)}
}

func readyMessage(o Observed) string {
	message := "incidents can run"
	if o.Deployment.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType {
		message += fmt.Sprintf("; Deployment %s is not of strategy Recreate, so a restart runs two traders side by side for a while", o.Deployment.Name)
	}
	for _, uncovered := range uncoveredFeeds(o) {
		message += "; " + uncovered
	}
	return message
}

func configStatus(config facts.Config) *strategyv1.ConfigStatus {
	if config.Problem != nil || config.SHA256 == "" { // wrong, or not read at all
		return nil
	}
	status := &strategyv1.ConfigStatus{SHA256: config.SHA256, Owner: config.Owner}
	for _, schedule := range config.Summary.Schedules {
		if len(status.Schedules) == maxSchedules {
			break
		}
		if schedule.Name == "" || bounded.Line(schedule.Name, maxName) != schedule.Name { // shortened or cleaned, it would be the name of another one
			continue
		}
		shown := strategyv1.ScheduleStatus{
			Name: schedule.Name, Strategy: bounded.Line(schedule.Strategy, maxName), RiskProfile: bounded.Line(schedule.RiskProfile, maxName),
		}
		for _, suspension := range config.Summary.Suspensions {
			if suspension.Kind == "schedule" && suspension.Target == schedule.Name {
				shown.SuspendedUntil = bounded.Line(suspension.Until, maxUntil)
				if suspension.Until == "" {
					shown.SuspendedUntil = "forever"
				}
			}
		}
		status.Schedules = append(status.Schedules, shown)
	}
	return status
}
