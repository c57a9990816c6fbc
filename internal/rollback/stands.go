package rollback

import (
	"cmp"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// seeStands takes back what was said of the change when it does not stand any more: a configuration that somebody overwrote, and a scheduler
// that started on it, are facts whatever else is wrong.
func (p *plan) seeStands() {
	if p.hasEnded() || !lifecycle.Changed(p.next) {
		return
	}
	switch p.claimed() {
	case strategyv1.ClaimHold:
		p.seeOverwritten()
	case strategyv1.ClaimRelease:
		p.seeUndone()
	}
}

func (p *plan) seeOverwritten() {
	if back := p.seePutBack(); back != nil {
		p.seeWaiting(*back)
		return
	}
	status, reason, message := p.overwritten()
	if message == "" {
		p.seeStandAgain()
		return
	}
	p.out.Set(strategyv1.ConditionApplied, status, reason, message)
	started := p.startedWhileIn()
	if p.out.Reason(strategyv1.ConditionInEffect) == strategyv1.ReasonPutBack {
		started = "the scheduler was started"
	}
	if started == "" {
		return
	}
	message = fmt.Sprintf("the change was in effect, and since then it was overwritten and %s: nobody knows what the scheduler has in force. %s", started, message)
	p.out.Set(strategyv1.ConditionInEffect, metav1.ConditionUnknown, strategyv1.ReasonOverwritten, message)
	p.out.Note(strategyv1.EventUnverified, message, "")
	p.out.Tell(corev1.EventTypeWarning, strategyv1.ReasonOverwritten, message)
}

// overwritten says what became of the edits that people or a tool changed while this rollback holds them; an empty message: they stand, as
// far as anybody can see. While a renewal waits for the writer, the old value is expected and not told.
func (p *plan) overwritten() (status metav1.ConditionStatus, reason, message string) {
	config := p.seen.Config
	who := p.lastWriter() + fmt.Sprintf("Who changed it: kubectl get configmap %s -n %s --show-managed-fields -o yaml; to end the rollback: %s",
		p.next.Config.ConfigMapName, p.seen.Rollback.Namespace, p.restoreCommand())
	const unseen = "nobody can see whether the edits stand: "
	switch blind := p.blind(); {
	case p.seen.NotServed != nil:
		return metav1.ConditionUnknown, p.seen.NotServed.Reason, unseen + p.seen.NotServed.Message
	case config.Problem != nil:
		return metav1.ConditionUnknown, config.Problem.Reason, unseen + config.Problem.Message
	case config.Gone:
		return metav1.ConditionUnknown, strategyv1.ReasonConfigMapNotFound, "ConfigMap " + p.next.Config.ConfigMapName + " with the edits is gone"
	case p.lost() != nil:
		reason, message = p.doubted()
		return metav1.ConditionUnknown, reason, message
	case p.replaced():
		return metav1.ConditionFalse, strategyv1.ReasonOverwritten, fmt.Sprintf(
			"ConfigMap %s was replaced together with the record of this rollback's edits, which are not written again. %s", p.next.Config.ConfigMapName, who)
	case blind != nil: // only the record was read
		return metav1.ConditionUnknown, blind.Reason, unseen + blind.Message
	case !p.written() || config.Document == nil:
		return "", "", ""
	}
	if path := p.overwrittenPath(); path != "" {
		return metav1.ConditionFalse, strategyv1.ReasonOverwritten, fmt.Sprintf(
			"%s no longer holds this rollback's value; the scheduler loses the change at its next start. %s%s", path, p.notAgain(), who)
	}
	return "", "", ""
}

// notAgain is a sentence about edits that are not written again any more; empty: they never were.
func (p *plan) notAgain() string {
	if again := p.next.Config.Reapplies; again > 0 {
		return fmt.Sprintf("They were put back and written again before (%d of at most %d times), and are left as they are now. ", again, maxReapplies)
	}
	return ""
}

// lastWriter is a sentence about who wrote the document last, as far as the ConfigMap tells: a claim, since writers choose their names.
func (p *plan) lastWriter() string {
	writer := p.seen.Config.Writer
	if writer == nil {
		return ""
	}
	at := ""
	if !writer.Time.IsZero() {
		at = ", at " + writer.Time.Format(time.RFC3339)
	}
	return fmt.Sprintf("A writer that calls itself %q wrote it last%s. ", writer.Manager, at)
}

// blind is why neither the document nor the pods were read; nil: they were, as far as they can be.
func (p *plan) blind() *facts.Problem { return cmp.Or(p.seen.NotServed, p.seen.Playbook.Problem) }

// replaced: these edits were in the record, and it has nothing of this rollback any more, or older edits, though nobody asked for that.
func (p *plan) replaced() bool {
	asked, holder := p.next.Config, p.holder()
	return p.claimed() == strategyv1.ClaimHold && asked.WrittenRevision == asked.Revision && (holder == nil || holder.Revision < asked.Revision)
}

// overwrittenPath is the first path that does not hold this rollback's value.
func (p *plan) overwrittenPath() string {
	for _, edit := range p.next.Plan.Edits {
		held, err := p.seen.Config.Document.Holds(edit.Path, edit.To)
		if err != nil || !held {
			return edit.Path
		}
	}
	return ""
}

// seeUndone: what was undone does not stand any more, and is not in effect, though it may not be proved yet. Where nobody can see it, it may
// be undone.
func (p *plan) seeUndone() {
	unseen := cmp.Or(p.seen.NotServed, p.seen.Config.Problem)
	message := "the edits were undone; it is not proved yet that the scheduler runs without them"
	switch {
	case unseen != nil:
		message = "nobody can see whether the edits were undone: " + unseen.Message
		p.out.Set(strategyv1.ConditionApplied, metav1.ConditionUnknown, unseen.Reason, message)
	case p.seen.Config.Gone || !p.stands():
		p.out.Set(strategyv1.ConditionApplied, metav1.ConditionFalse, strategyv1.ReasonRestored, "the edits were undone")
	default:
		return
	}
	if p.out.Is(strategyv1.ConditionInEffect) {
		p.out.Set(strategyv1.ConditionInEffect, metav1.ConditionUnknown, strategyv1.ReasonRestoring, message)
	}
}
