package rollback

import (
	corev1 "k8s.io/api/core/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/facts"
)

// Need is a set of the facts that only some passes decide on.
type Need uint8

// The facts that are read when a rule asks for them.
const (
	NeedOthers    Need = 1 << iota // that may be changing the same configuration: whose turn it is
	NeedPods                       // of the scheduler: whether the old configuration still trades
	NeedIdentity                   // whether a decision hangs on who made it
	NeedTemplates                  // a Job is to be built
)

// need is a fact. One that was not read is asked for, and what this pass decides without it is thrown away.
func need[T any](p *plan, which Need, fact facts.Read[T]) T {
	value, known := fact.Get()
	if !known {
		p.needs |= which
	}
	return value
}

func (p *plan) others() []strategyv1.StrategyRollback { return need(p, NeedOthers, p.Others) }

func (p *plan) pods() []corev1.Pod { return need(p, NeedPods, p.Pods) }

func (p *plan) templates() map[string]corev1.PodTemplateSpec {
	return need(p, NeedTemplates, p.Templates)
}

func (p *plan) identity() Identity { return need(p, NeedIdentity, p.Identity) }
