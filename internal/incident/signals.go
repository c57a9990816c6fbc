package incident

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/signals"
)

// watchSignals wakes for the next sample, and says which signals are not known. One sample that fails is no news, say after a restart:
// people are told when the next one fails, too, and again only when others do.
func (p *plan) watchSignals() {
	p.loseSignals()
	sampled := p.signals()
	if len(sampled.Readings) == 0 && len(p.unjudged) == 0 {
		return
	}
	p.out.Wake(sampled.NextAt)
	var unknown []string
	problem := ""
	for _, name := range slices.Sorted(maps.Keys(sampled.Readings)) {
		if reading := sampled.Readings[name]; !reading.Known {
			unknown = append(unknown, name)
			problem = orElse(problem, reading.Problem)
		}
	}
	if len(unknown)+len(p.unjudged) == 0 {
		p.out.Set(strategyv1.ConditionSignalsKnown, metav1.ConditionTrue, strategyv1.ReasonSampled, "every signal is known")
		return
	}
	reason, message := strategyv1.ReasonSignalUnknown, "unknown: "+orElse(strings.Join(unknown, ", "), "none")
	if len(p.unjudged) > 0 {
		reason = strategyv1.ReasonLeadUnjudged
		message += "; rules of the technical lead that cannot be evaluated: " + strings.Join(p.unjudged, ", ")
	}
	told := meta.IsStatusConditionFalse(p.next.Conditions, strategyv1.ConditionSignalsKnown)
	same := p.out.Reason(strategyv1.ConditionSignalsKnown) == reason && strings.HasPrefix(p.out.Message(strategyv1.ConditionSignalsKnown), message)
	if told && same {
		return // the problem's own words may change with each sample
	}
	if problem != "" {
		message += " (" + bounded.Text(problem, 400) + ")"
	}
	if !told && !p.unknownFor(p.sampling()) {
		if !same {
			p.out.Set(strategyv1.ConditionSignalsKnown, metav1.ConditionUnknown, reason, message)
		}
		return
	}
	p.out.Set(strategyv1.ConditionSignalsKnown, metav1.ConditionFalse, reason, message)
	p.out.Tell(corev1.EventTypeWarning, reason, message)
}

// loseSignals: without its playbook nobody knows which signals there are.
func (p *plan) loseSignals() {
	if problem := p.seen.Playbook.Problem; problem != nil && p.out.Is(strategyv1.ConditionSignalsKnown) {
		p.out.Set(strategyv1.ConditionSignalsKnown, metav1.ConditionUnknown, problem.Reason, "nobody knows which signals there are: "+problem.Message)
	}
}

// unknownFor says whether it has been unclear for so long whether the signals are known, and wakes when it will be.
func (p *plan) unknownFor(limit time.Duration) bool {
	known := meta.FindStatusCondition(p.next.Conditions, strategyv1.ConditionSignalsKnown)
	since := p.now
	if known != nil && known.Status == metav1.ConditionUnknown {
		since = known.LastTransitionTime.Time
	}
	if due := since.Add(limit); p.now.Before(due) {
		p.out.Wake(due)
		return false
	}
	return true
}

// keepSignals puts the signals into the status when the incident takes a step, and not when they merely change. They are
// stored as evidence as long as the log does not have the step: after a crash the same bytes are stored again. While a change is in force,
// newer ones follow now and then: people look at them before they undo it.
func (p *plan) keepSignals() {
	if p.stepped() || p.outdated() {
		if snapshot := p.signals(); len(snapshot.Readings) > 0 {
			p.next.Signals = p.sampled(snapshot)
		}
	}
	if len(p.next.Signals) == 0 || p.out.Logged() || p.seen.Log.Problem != nil {
		return
	}
	data, err := json.Marshal(p.next.Signals)
	if err != nil { // plain texts and times
		return
	}
	sum := sha256.Sum256(data)
	p.out.Keep(evidence.SignalsKey(p.seen.Prefix, hex.EncodeToString(sum[:6])), data)
}

// outdated: a change may be undone at any time, and the numbers in the status are old, although newer ones are known. What the log does not
// have yet stays as it is.
func (p *plan) outdated() bool {
	changed := func(rollback strategyv1.StrategyRollback) bool {
		return lifecycle.Changed(rollback.Status) && !lifecycle.Ended(rollback.Status)
	}
	if !p.running() || !p.out.Logged() || !slices.ContainsFunc(p.seen.Rollbacks, changed) {
		return false
	}
	var kept, known time.Time
	for _, signal := range p.next.Signals {
		if signal.Time != nil {
			kept = latest(kept, signal.Time.Time)
		}
	}
	for _, reading := range p.signals().Readings {
		known = latest(known, reading.Time)
	}
	return !known.Before(kept.Add(max(newNumbers, newNumbersSamples*p.sampling())))
}

// Numbers in the status are renewed after so long, and after so many samples: a write of the status is dear, and a sample is not.
const (
	newNumbers        = 2 * time.Minute
	newNumbersSamples = 4
)

// stepped: this pass added to the timeline.
func (p *plan) stepped() bool {
	before, after := p.seen.Incident.Status.Timeline, p.next.Timeline
	return len(after) > 0 && (len(before) == 0 || before[len(before)-1].Seq != after[len(after)-1].Seq)
}

func (p *plan) sampled(snapshot signals.Snapshot) []strategyv1.SignalStatus {
	var all []strategyv1.SignalStatus
	for _, name := range slices.Sorted(maps.Keys(snapshot.Readings)) {
		reading := snapshot.Readings[name]
		signal := strategyv1.SignalStatus{Name: name, Unit: strings.TrimPrefix(p.unit(name), " ")}
		if reading.Known {
			signal.Value = bounded.Text(decimal(reading.Value), 64)
		} else {
			signal.Problem = bounded.Text(orElse(reading.Problem, "not sampled yet"), 512)
		}
		if !reading.Time.IsZero() {
			signal.Time = new(metav1.NewTime(reading.Time.UTC()))
		}
		all = append(all, signal)
	}
	return all
}

// names of a list, for a message that must stay short.
func names(all []string) string { return bounded.Text(fmt.Sprint(strings.Join(all, ", ")), 300) }
