package rollback

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/signals"
)

// Need is a set of the facts that only some passes decide on.
type Need uint16

// The facts that are read when a rule asks for them.
const (
	NeedOthers    Need = 1 << iota // that may be changing the same configuration: whose turn it is
	NeedPods                       // of the scheduler: whether the old configuration still trades
	NeedIdentity                   // whether a decision hangs on who made it
	NeedTemplates                  // a Job is to be built
	NeedSignals                    // whether the cause of the incident is gone
	NeedNewest                     // somebody wants the checks of the playbook as it is now
)

func (p *plan) others() []strategyv1.StrategyRollback {
	return facts.Want(&p.needs, NeedOthers, p.seen.Others)
}

// pods of the scheduler. That they could not be read is remembered: what is said of none is about nothing then.
func (p *plan) pods() []corev1.Pod {
	pods := facts.Want(&p.needs, NeedPods, p.seen.Pods)
	p.unseenPods = pods.Problem
	return slices.DeleteFunc(slices.Clone(pods.Items), ofJob)
}

// ofJob: whoever writes a PodTemplate gives the pods of checks their labels. With those of the scheduler they are none of its pods still.
func ofJob(pod corev1.Pod) bool {
	controller := metav1.GetControllerOfNoCopy(&pod)
	return controller != nil && controller.Kind == "Job"
}

func (p *plan) templates() map[string]checks.Template {
	return facts.Want(&p.needs, NeedTemplates, p.seen.Templates)
}

// identity says whether identities are enforced. That nobody could be asked is remembered: decisions are left for later then.
func (p *plan) identity() facts.Identity {
	identity := facts.Want(&p.needs, NeedIdentity, p.seen.Identity)
	p.unanswered = identity.Problem
	return identity
}

// signals of the playbook; nobody is asked for those of one that has none.
func (p *plan) signals() signals.Snapshot {
	if p.seen.Playbook.Spec.Signals == nil {
		return signals.Snapshot{}
	}
	return facts.Want(&p.needs, NeedSignals, p.seen.Signals)
}
