package pass

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/facts"
)

// Refused tells the pass what the API server refused lately.
func (p *Pass) Refused(refusal *facts.Refusal) { p.refusal = refusal }

// TellRefused tells when the pass asks for what the API server refuses: whoever looks at the object must read why nothing happens. The effect
// is tried again all the same. It stalls, and says so, where the object cannot go on without the effect. also is what is asked for besides.
func (p *Pass) TellRefused(also ...action.Action) bool {
	if p.refusal == nil || !p.asked(also) {
		return false
	}
	if action.Tidies(p.refusal.Effect) {
		p.Mention(*p.refusal)
		return false
	}
	p.StallRefused(*p.refusal)
	return true
}

// asked says whether the pass asks for the effect that is refused. Evidence is stored by the collector, too.
func (p *Pass) asked(also []action.Action) bool {
	effects := slices.Concat(p.effects, p.answers(), also)
	if p.finalizers != nil {
		effects = append(effects, *p.finalizers)
	}
	return action.IsEvidence(p.refusal.Effect) || slices.ContainsFunc(effects, func(effect action.Action) bool {
		return p.refusal.Effect == fmt.Sprintf("%T", effect) && (!p.held || !action.Starts(effect))
	})
}

// StallRefused stalls on an effect that the API server refuses.
func (p *Pass) StallRefused(refusal facts.Refusal) {
	text := RefusedText(refusal)
	if rest := p.Message(strategyv1.ConditionReady); rest != "" {
		text += ". " + rest
	}
	p.Stall(reasonOf(refusal), bounded.Text(text, maxMessage))
	p.Wake(p.Now.Add(Recheck))
}

// Mention adds to the summary that the API server refuses an effect on which nothing hangs.
func (p *Pass) Mention(refusal facts.Refusal) {
	ready, text := p.find(strategyv1.ConditionReady), RefusedText(refusal)
	if ready != nil {
		p.Set(strategyv1.ConditionReady, ready.Status, ready.Reason, bounded.Text(text+". "+ready.Message, maxMessage))
	}
	if !strings.Contains(conditions.Message(p.before, strategyv1.ConditionReady), text) {
		p.Tell(corev1.EventTypeWarning, reasonOf(refusal), text)
	}
	p.Wake(p.Now.Add(Recheck))
}

// TellRefusedOver is for an object that has ended, or is closed: how it ended stays what people read first, and Stalled tells what is refused, as
// long as it is.
func (p *Pass) TellRefusedOver() {
	if p.refusal != nil && p.asked(nil) {
		reason := reasonOf(*p.refusal)
		if p.Reason(strategyv1.ConditionStalled) != reason {
			p.Tell(corev1.EventTypeWarning, reason, RefusedText(*p.refusal))
		}
		p.Set(strategyv1.ConditionStalled, metav1.ConditionTrue, reason, RefusedText(*p.refusal))
		p.Wake(p.Now.Add(Recheck))
		return
	}
	stalled := p.Reason(strategyv1.ConditionStalled)
	toldOver := stalled == strategyv1.ReasonEffectRefused || stalled == strategyv1.ReasonEvidenceUnavailable
	if ready := p.find(strategyv1.ConditionReady); ready != nil && toldOver {
		if ready.Status == metav1.ConditionTrue {
			p.Set(strategyv1.ConditionStalled, metav1.ConditionFalse, ready.Reason, "nothing is waited for")
			return
		}
		p.Set(strategyv1.ConditionStalled, metav1.ConditionTrue, ready.Reason, ready.Message)
	}
}

// forgetRefused takes out of the summary what was added to it about a refusal: not every rule writes that anew.
func (p *Pass) forgetRefused() {
	ready := p.find(strategyv1.ConditionReady)
	if ready == nil {
		return
	}
	message := strings.TrimPrefix(ready.Message, drillMark)
	if !strings.HasPrefix(message, refuses) && !strings.HasPrefix(message, takesNone) {
		return
	}
	if _, rest, found := strings.Cut(ready.Message, tried()+". "); found {
		ready.Message = rest
	}
}

// How what is refused begins to be told, and how it ends.
const (
	refuses   = "the API server refuses "
	takesNone = "the evidence bucket takes no writes "
)

func tried() string { return fmt.Sprintf("It is tried again every %d s", int(Recheck.Seconds())) }

func reasonOf(refusal facts.Refusal) string {
	if action.IsEvidence(refusal.Effect) {
		return strategyv1.ReasonEvidenceUnavailable
	}
	return strategyv1.ReasonEffectRefused
}

// RefusedText is how it is told that an effect is refused.
func RefusedText(refusal facts.Refusal) string {
	if action.IsEvidence(refusal.Effect) {
		return fmt.Sprintf("%s(%s): %s. Nothing is started or changed until it does, since nobody could log it; deadlines and calls go on. Make room in it, or have it writable: the manager's --evidence-bucket. %s",
			takesNone, strings.TrimPrefix(refusal.Effect, "action."), refusal.Message, tried())
	}
	return refuses + strings.TrimPrefix(refusal.Effect, "action.") + ": " + refusal.Message + ". " + tried()
}

// refusedJobs are the words with which Jobs are refused, and since when: how long it has been told.
func (p *Pass) refusedJobs() (words string, since time.Duration) {
	if p.refusal == nil || p.refusal.Effect != fmt.Sprintf("%T", action.CreateJob{}) || conditions.Reason(p.before, strategyv1.ConditionStalled) != strategyv1.ReasonEffectRefused {
		return "", 0
	}
	return p.refusal.Message, p.Now.Sub(conditions.Since(p.before, strategyv1.ConditionStalled))
}
