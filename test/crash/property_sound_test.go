package crash

import (
	"context"
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/internal/testkit"
	"tradeops.dev/strategy-operator/test/scenarios"
)

// What holds in any story: it becomes quiet; nothing that the operator writes is refused by the schema; no attempt has two Jobs, unless somebody
// deletes one; every log is whole and is what the timeline tells; the record names exactly what holds edits; no edit is written without an
// approval or above the guard; a drill changes nothing, and nothing of it counts for what is no drill; what is said to be in effect runs; and
// when everything is undone, the configuration is what people left there, byte for byte.

// settle plays until it is quiet, or for a minute while what is refused is tried again every few seconds. Nothing that the operator wrote may
// have been refused by the schema.
func (p *anyStory) settle() {
	if p.unlogged || p.refused {
		p.goOnFor(time.Minute)
	} else if !p.goOn(context.Background()) {
		p.never()
	}
	for _, err := range p.operator.Errors {
		if apierrors.IsInvalid(err) {
			p.Fatalf("the schema refuses what the operator writes: %v", err)
		}
	}
	p.sound()
	p.note()
}

// goOnFor plays for a time, in which not too much may happen.
func (p *anyStory) goOnFor(limit time.Duration) {
	began := p.Clock.Now()
	for range maxSteps {
		more := p.oneStep(context.Background())
		if !more || p.Clock.Since(began) > limit {
			return
		}
	}
	p.never()
}

func (p *anyStory) never() {
	p.Fatalf("it never ends: %v\n%s", p.operator.LastError(), strings.Join(p.Trace, "\n"))
}

func (p *anyStory) wrong(format string, args ...any) {
	p.Helper()
	p.Fatalf(format+"\n%s", append(args, strings.Join(p.Trace, "\n"))...)
}

// sound is what must hold whenever it is quiet.
func (p *anyStory) sound() {
	end := scenarios.EndOf(p.World, p.operator.LastError())
	for _, problem := range append(end.Problems, p.watch.Problems...) {
		if !p.excused(problem) {
			p.wrong("%s", problem)
		}
	}
	p.incidents()
	p.routedAlerts()
	p.drills()
	p.inEffect()
	p.configuration()
	for name, times := range p.Made {
		if times > 1+p.taken[name] { // what somebody deleted before it was judged is asked again
			p.wrong("Job %s was made %d times, and deleted %d times", name, times, p.taken[name])
		}
	}
}

// excused is what is so while something is wrong around the operator, and no longer.
func (p *anyStory) excused(problem string) bool {
	behind := func(words ...string) bool {
		return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(problem, word) })
	}
	switch {
	case behind("is deleted and still there"):
		return true // while it is on hold, or its restore is not over
	case p.gone != nil && behind("log entries", "the head in the status", "was not told", "the report of"):
		return true // without a configuration no playbook is ready, and what has not started on one does not know which key signs
	case p.unlogged && behind("edits that are not in the record"):
		return true // nothing is written for a claim whose log nobody can read
	case p.unlogged && behind("log entries", "the head in the status", "was not told", "still has finalizers", "is not in the evidence", "the report of"):
		return true // the status goes first, its entries follow when there is a key and room; what has ended stays until then, and a report is made of the log
	case p.refused && p.doubted && behind("were written, which does not exist", "were written, and nothing keeps it", "which does not ask for it"):
		return true // they were written by somebody else, and what the operator wrote after that was refused
	case p.refused && behind("still has finalizers", "was not told", "the record names", "edits that are not in the record"):
		return true // the API server refuses to take the finalizer off, or the write of what is asked for or to be undone
	case (p.doubted || p.gone != nil) && behind("the record names", "edits that are not in the record"):
		return true // the record is not the operator's: it says what somebody else wrote, or is not there
	case p.replaced && behind("edits that are not in the record"):
		name, _, _ := strings.Cut(problem, " ")
		return p.Reason(name, strategyv1.ConditionApplied) == strategyv1.ReasonOverwritten // told, and not written again
	}
	return false
}

// incidents: what has ended leaves nothing running, and a missed deadline is told.
func (p *anyStory) incidents() {
	var incidents strategyv1.StrategyIncidentList
	p.List(&incidents)
	var jobs batchv1.JobList
	p.List(&jobs)
	for _, incident := range incidents.Items {
		all := incident.Status.Conditions
		closed := conditions.True(all, strategyv1.ConditionReady)
		if closed != conditions.True(all, strategyv1.ConditionResolved) {
			p.wrong("%s: Ready and Resolved disagree: %+v", incident.Name, all)
		}
		for _, job := range jobs.Items {
			if closed && !p.refused && !p.unlogged && metav1.IsControlledBy(&job, &incident) { // it may not, or only after the last entry
				p.wrong("%s is closed, and Job %s is left", incident.Name, job.Name)
			}
		}
		for _, deadline := range incident.Status.Deadlines {
			missed := deadline.AnsweredTime == nil && deadline.RelievedTime == nil && !p.Clock.Now().Before(deadline.Time.Time) || deadline.AnsweredTime != nil && deadline.AnsweredTime.After(deadline.Time.Time)
			if missed && !closed && incident.Spec.Mode != strategyv1.IncidentDrill && conditions.Reason(all, strategyv1.ConditionSLAMet) != "" && conditions.True(all, strategyv1.ConditionSLAMet) {
				p.wrong("%s missed the deadline of %s, and SLAMet is True", incident.Name, deadline.Level)
			}
		}
	}
}

// drills: an exercise changes nothing that is real, and a real incident is contained by nothing else.
func (p *anyStory) drills() {
	var rollbacks strategyv1.StrategyRollbackList
	p.List(&rollbacks)
	for _, rollback := range rollbacks.Items {
		if rollback.Spec.Mode == strategyv1.ModeLive {
			continue
		}
		if p.Record().Holder(string(rollback.UID)) != nil && !p.evil {
			p.wrong("%s has mode %s and edits in the configuration", rollback.Name, rollback.Spec.Mode)
		}
		incident := p.IncidentNamed(rollback.Spec.IncidentName)
		if incident != nil && incident.Spec.Mode == strategyv1.IncidentLive && lifecycle.Contains(rollback.Status) {
			p.wrong("%s, of mode %s, contains %s", rollback.Name, rollback.Spec.Mode, incident.Name)
		}
	}
}

// inEffect: what is said to be in effect runs.
func (p *anyStory) inEffect() {
	var rollbacks strategyv1.StrategyRollbackList
	p.List(&rollbacks)
	for _, rollback := range rollbacks.Items {
		if rollback.Spec.Mode == strategyv1.ModeDrill || !conditions.True(rollback.Status.Conditions, strategyv1.ConditionInEffect) {
			continue
		}
		p.count["in effect"]++
		for _, edit := range rollback.Status.Plan.Edits {
			if held, err := testkit.Parsed(p.T, p.Running()).Holds(edit.Path, edit.To); err != nil || !held {
				p.wrong("%s is said to be in effect, but the scheduler does not run %s: %v", rollback.Name, edit.Path, err)
			}
		}
	}
}

// configuration: it is what people put there, and what the record says is held. Nothing in it was made up.
func (p *anyStory) configuration() {
	if strings.Contains(p.Content(), evil) {
		p.wrong("what somebody forged stands in the configuration:\n%s", p.Content())
	}
	if p.byHand || p.putBack || p.doubted || p.gone != nil { // people changed what is held, or the record of it, or it is gone
		return
	}
	model := testkit.ParseTree(p.T, p.base)
	for _, holder := range p.Record().Holders {
		for _, record := range holder.Records {
			model.Set(record.Path, record.To)
		}
	}
	if got := testkit.ParseTree(p.T, p.Content()).String(); got != model.String() {
		p.wrong("the configuration is not what people put there plus what is held:\n%s\nheld: %+v", p.Content(), p.Record().Holders)
	}
}

// end: what is on hold is released, everything is restored, and nobody waits for ever.
func (p *anyStory) end() {
	p.cut.At = 0
	p.mend()
	p.endAlerts()
	p.hold(false)
	p.settle()
	for _, was := range p.EveryRollback() {
		p.count["rollback "+p.Ready(was.Name)]++
	}
	for _, name := range p.Names(&strategyv1.StrategyIncidentList{}) {
		p.count["incident "+conditions.Reason(p.IncidentNamed(name).Status.Conditions, strategyv1.ConditionReady)]++
	}
	p.Report = func(_ *sim.World, id checks.ID) (sim.Ended, bool) { return sim.OK, id.Check != "running-plan" }
	for _, name := range p.Names(&strategyv1.StrategyRollbackList{}) {
		if p.RollbackNamed(name).DeletionTimestamp.IsZero() {
			sim.Change(p.World, name, &strategyv1.StrategyRollback{}, func(r *strategyv1.StrategyRollback) { r.Spec.DesiredState = strategyv1.StateRestored })
		}
	}
	p.settle()
	for range 3 { // retries, and patience with what is gone
		p.askAgain()
		p.Pass(time.Hour)
		p.settle()
	}
	for _, holder := range p.Record().Holders { // what somebody else wrote there stays until the operator writes something
		held := p.RollbackNamed(holder.Name)
		forgedOver := p.evil && (p.putBack || p.byHand) // an entry that nobody believes, of edits that do not stand: there was nothing to write
		if held != nil && string(held.UID) == holder.UID && !forgedOver {
			p.wrong("%s still holds edits: %s", holder.Name, asJSON(held))
		}
	}
	for _, name := range p.Names(&strategyv1.StrategyRollbackList{}) {
		if !p.RollbackNamed(name).DeletionTimestamp.IsZero() {
			p.Fatalf("%s is deleted and never goes\n%s", name, strings.Join(p.Trace, "\n"))
		}
	}
	if content := p.Content(); !p.byHand && content != p.base {
		p.wrong("not the same bytes:\n%s\nwant\n%s\nwith %s", content, p.base, asJSON(openConditions(p.World)))
	}
}

// askAgain is carol, who does what a rollback says that she may: says that the receipts count where the record does not, and asks again where the
// gate of a deleted one failed. Both wait for a person, and for nothing else.
func (p *anyStory) askAgain() {
	for _, name := range p.Names(&strategyv1.StrategyRollbackList{}) {
		says := conditions.Message(p.RollbackNamed(name).Status.Conditions, strategyv1.ConditionReady)
		switch {
		case strings.Contains(says, "kubectl strategy override "+name):
			p.Decide("carol", name, strategyv1.DecisionOverride, "")
		case p.Ready(name) == strategyv1.ReasonRestoreGateFailed:
			p.Decide("carol", name, strategyv1.DecisionRestore, "")
		default:
			continue
		}
		p.settle()
	}
}

// leads are what the cases must have led to: each is something that is drawn, as it shows in a status.
var leads = []string{
	"in effect", "killed", "never started", "no pod left", "a Job made again", "more than 16 edits",
	strategyv1.ReasonSecretNotFound, strategyv1.ReasonSecretInvalid, strategyv1.ReasonSecretNotLabelled, strategyv1.ReasonEvidenceUnavailable,
	strategyv1.ReasonEffectRefused, strategyv1.ReasonIncidentMismatch, strategyv1.ReasonConfigMapNotFound, strategyv1.ReasonOverwritten,
	strategyv1.ReasonRecordForged, strategyv1.ReasonRecordLost, strategyv1.ReasonDrill, strategyv1.ReasonDryRun,
}

// note counts where the story is.
func (p *anyStory) note() {
	var rollbacks strategyv1.StrategyRollbackList
	p.List(&rollbacks)
	var incidents strategyv1.StrategyIncidentList
	p.List(&incidents)
	for _, rollback := range rollbacks.Items {
		p.noteStatus(rollback.Status.Conditions, rollback.Status.Checks)
		if plan := rollback.Status.Plan; plan != nil && len(plan.Edits) > 16 {
			p.count["more than 16 edits"]++
		}
	}
	for _, incident := range incidents.Items {
		p.noteStatus(incident.Status.Conditions, incident.Status.Checks)
	}
	for name := range p.taken {
		if p.Made[name] > 1 {
			p.count["a Job made again"]++
		}
	}
}

func (p *anyStory) noteStatus(all []metav1.Condition, judged []strategyv1.CheckStatus) {
	for _, condition := range all {
		p.count[condition.Reason]++
	}
	for _, check := range judged {
		for words, what := range map[string]string{"signal 9": "killed", "did not start": "never started", "its pod is gone": "no pod left"} {
			if strings.Contains(check.Message, words) {
				p.count[what]++
			}
		}
	}
}
