package playbook

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

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
	Rival        string // an older playbook that looks after another key of the same ConfigMap; empty: none does
	Frozen       bool   // the revision that this spec needs exists
	Revisions    []appsv1.ControllerRevision
	InUse        map[string]bool // revisions that incidents and rollbacks run on, by name
	OnCall       facts.OnCall
	Prefix       string          // of the playbook's evidence in the bucket
	Log          facts.Log       // of the decisions about it; it is read when there are any
	Decided      []facts.Decided // about a playbook of this name, oldest first
	Identity     facts.Identity  // it is asked when there is something to release
	Past         []Past          // closed incidents that the history has no room or no time for
	PastAt       time.Time       // when there may be others; zero: when another incident closes
	Refused      *facts.Refusal  // an effect that the API server refused lately; nil = none
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
}

// Plan decides one pass. The error: the spec cannot be encoded, which is a bug.
func Plan(o Observed, now time.Time) (Decision, error) {
	p := &plan{seen: o, now: now, next: *o.Playbook.Status.DeepCopy()}
	var none strategyv1.StrategyIncidentStatus // of checks
	p.out = pass.New(now, o.Playbook.Generation, o.Prefix, o.Log, pass.Status{
		Conditions: &p.next.Conditions, Timeline: &p.next.Timeline, Checks: &none.Checks, Running: &none.Running, Log: &p.next.Log, Answers: &p.next.Answers,
	})
	p.out.Refused(o.Refused)
	p.seen.Decided = p.out.Decisions(o.Playbook.Namespace, o.Decided)
	p.heldByPeople() // whatever is wrong with the playbook
	p.showHold()
	if !p.out.Logged() {
		p.out.AwaitLog() // its head is in the status, too
	}
	missing, err := p.judge()
	if err != nil {
		return Decision{}, err
	}
	gone, err := forget(o)
	if err != nil {
		return Decision{}, err
	}
	last := slices.Concat(gone, forgotten(o, p.next.Revision))
	if missing != nil { // first the revision, then the status that says incidents may use it
		last = []action.Action{action.CreateRevision{Revision: missing}}
	}
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

// tellRefused tells what the API server refuses: of what is done for the playbook, and of its configuration. A record that is to be cleaned of
// what nobody holds any more has nobody else to tell it.
func (p *plan) tellRefused(asked []action.Action) {
	if p.seen.Config.Refused != nil && p.seen.Config.Problem == nil {
		p.out.Mention(*p.seen.Config.Refused)
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
	p.next.ObservedGeneration = o.Playbook.Generation
	p.next.Config = configStatus(o.Config)
	if problem != nil {
		p.out.BadInput(problem.Reason, problem.Message)
		return nil, nil
	}
	p.out.Set(strategyv1.ConditionReady, metav1.ConditionTrue, strategyv1.ReasonValid, readyMessage(o))
	p.out.Set(strategyv1.ConditionStalled, metav1.ConditionFalse, strategyv1.ReasonValid, readyMessage(o))
	return nil, nil
}

// keepRevisions is how many revisions stay although nothing runs on them: an incident may be starting on one right now.
const keepRevisions = 10

// forgotten deletes old revisions that nothing runs on.
func forgotten(o Observed, current string) []action.Action {
	old := slices.DeleteFunc(slices.Clone(o.Revisions), func(r appsv1.ControllerRevision) bool {
		return r.Name == current || o.InUse[r.Name]
	})
	slices.SortFunc(old, func(a, b appsv1.ControllerRevision) int {
		return cmp.Or(cmp.Compare(b.Revision, a.Revision), strings.Compare(a.Name, b.Name))
	})
	var actions []action.Action
	for i := keepRevisions; i < len(old); i++ {
		actions = append(actions, action.DeleteRevision{Key: types.NamespacedName{Namespace: old[i].Namespace, Name: old[i].Name}, UID: old[i].UID})
	}
	return actions
}

func problemOf(o Observed) *facts.Problem {
	if o.NotServed != nil {
		return o.NotServed
	}
	spec := o.Playbook.Spec
	for _, candidate := range []*facts.Problem{
		olderThanLog(o), o.Judged.Problem, rivalProblem(o), o.Config.Problem, deploymentProblem(o), templates(spec, o.Playbook.Namespace, o.Templates), o.SigningKey,
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
	status := &strategyv1.ConfigStatus{SHA256: config.SHA256}
	for _, schedule := range config.Summary.Schedules {
		if len(status.Schedules) == maxSchedules {
			break
		}
		if schedule.Name == "" || len(schedule.Name) > maxName { // shortened, it would be the name of another one
			continue
		}
		shown := strategyv1.ScheduleStatus{
			Name: schedule.Name, Strategy: bounded.Text(schedule.Strategy, maxName), RiskProfile: bounded.Text(schedule.RiskProfile, maxName),
		}
		for _, suspension := range config.Summary.Suspensions {
			if suspension.Kind == "schedule" && suspension.Target == schedule.Name {
				shown.SuspendedUntil = bounded.Text(suspension.Until, maxUntil)
				if suspension.Until == "" {
					shown.SuspendedUntil = "forever"
				}
			}
		}
		status.Schedules = append(status.Schedules, shown)
	}
	return status
}

// Revision is the frozen spec of a playbook. Its name is made of its content, so the same spec has one revision. spec.suspend is
// not frozen: it acts at once on whatever runs.
// It has no owner: incidents that run on it must survive the deletion of the playbook.
func Revision(playbook *strategyv1.StrategyPlaybook) (*appsv1.ControllerRevision, error) {
	spec := playbook.Spec
	spec.Suspend = false
	data, err := json.Marshal(spec)
	if err != nil {
		return nil, fmt.Errorf("encode the playbook's spec: %w", err)
	}
	return &appsv1.ControllerRevision{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: playbook.Namespace,
			Name:      fmt.Sprintf("%s-%s", strings.TrimRight(fmt.Sprintf("%.200s", playbook.Name), "-."), hashOf(data)),
			Labels:    map[string]string{strategyv1.LabelPlaybook: Label(playbook.Name)},
		},
		Data:     runtime.RawExtension{Raw: data},
		Revision: playbook.Generation,
	}, nil
}

// Label is a playbook's name, as far as a label may hold it: 63 characters, with a letter or digit at the end.
func Label(name string) string {
	return strings.TrimRight(fmt.Sprintf("%.63s", name), "-.")
}

// hashOf a frozen playbook is the end of its revision's name.
func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:5])
}

// Thaw reads the spec of a revision. The error: it holds no spec of a playbook, or another one than its name says: somebody deleted the
// revision and made another one under its name, and what runs on it would go by rules that nobody froze.
func Thaw(revision *appsv1.ControllerRevision) (strategyv1.StrategyPlaybookSpec, error) {
	var spec strategyv1.StrategyPlaybookSpec
	if err := json.Unmarshal(revision.Data.Raw, &spec); err != nil {
		return spec, fmt.Errorf("revision %s holds no playbook: %w", revision.Name, err)
	}
	again, err := json.Marshal(spec) // a tool may have written the same otherwise
	if err != nil {
		return spec, fmt.Errorf("encode the playbook of revision %s: %w", revision.Name, err)
	}
	for _, data := range [][]byte{revision.Data.Raw, again} {
		if strings.HasSuffix(revision.Name, "-"+hashOf(data)) {
			return spec, nil
		}
	}
	return spec, fmt.Errorf("ControllerRevision %s does not hold the playbook that its name was made of: somebody made it again with another content. "+
		"Delete it: it is made again from a playbook that has this spec. Or put back the right one from a backup", revision.Name)
}
