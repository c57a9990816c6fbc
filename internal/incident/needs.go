package incident

import (
	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/signals"
)

// Need is a set of the facts that only some passes decide on.
type Need uint16

// The facts that are read when a rule asks for them.
const (
	NeedSame       Need = 1 << iota // others of the same identity: duplicates, strikes, back-off
	NeedNeighbours                  // open others on the same scheduler: a common cause
	NeedParent                      // the one that it follows
	NeedDocuments                   // that proposals are about
	NeedOnCall                      // who is on call: asked when a level is called
	NeedSignals                     // rules of levels, quiet and causes
	NeedTemplates                   // a Job is to be built
	NeedIdentity                    // a decision hangs on who made it
	NeedRules                       // how often alerts fired: a proposal is made
	NeedNewest                      // somebody wants the checks of the playbook as it is now
	NeedReport                      // it was closed, and its report is not known to be stored
)

// Usual are the facts that a pass over an incident will ask for, as far as its status and playbook tell: they are read at once, so
// that few passes are planned twice. A fact too few costs another plan, a fact too many a read; neither changes the decision.
func Usual(o Observed) Need {
	status := o.Incident.Status
	if o.NotServed != nil || o.Playbook.Problem != nil || !lifecycle.Open(o.Incident) {
		return 0
	}
	need := NeedSame // duplicates, strikes, and later reports that are more severe
	if o.Playbook.Spec.Signals != nil {
		need |= NeedSignals
	}
	if status.PlaybookRevision == "" {
		need |= NeedOnCall | NeedTemplates // the first level is called, and its checks are started
	}
	if status.ParentName != "" {
		need |= NeedParent
	}
	return need
}

func (p *plan) same() []strategyv1.StrategyIncident {
	return facts.Want(&p.needs, NeedSame, p.seen.Same)
}

func (p *plan) neighbours() []strategyv1.StrategyIncident {
	return facts.Want(&p.needs, NeedNeighbours, p.seen.Neighbours)
}

// parent is the incident that the status names; nil when there is none any more, or only a later one of its name.
func (p *plan) parent() *strategyv1.StrategyIncident {
	parent := facts.Want(&p.needs, NeedParent, p.seen.Parent)
	if parent == nil || string(parent.UID) != p.next.ParentUID {
		return nil
	}
	return parent
}

func (p *plan) onCall() facts.OnCall { return facts.Want(&p.needs, NeedOnCall, p.seen.OnCall) }

func (p *plan) documents() map[string]facts.Document {
	return facts.Want(&p.needs, NeedDocuments, p.seen.Documents)
}

// identity says whether identities are enforced.
func (p *plan) identity() facts.Identity { return facts.Want(&p.needs, NeedIdentity, p.seen.Identity) }

func (p *plan) templates() map[string]checks.Template {
	return facts.Want(&p.needs, NeedTemplates, p.seen.Templates)
}

func (p *plan) madeReport() facts.Report { return facts.Want(&p.needs, NeedReport, p.seen.Report) }

// signals of the playbook; nobody is asked for those of one that has none.
func (p *plan) signals() signals.Snapshot {
	if p.seen.Playbook.Spec.Signals == nil {
		return signals.Snapshot{}
	}
	return facts.Want(&p.needs, NeedSignals, p.seen.Signals)
}
