package incident

import (
	"k8s.io/apimachinery/pkg/api/meta"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/decide"
	"tradeops.dev/strategy-operator/internal/facts"
)

// adoptChecks takes over the checks and the proof of the playbook's newest revision, when somebody says so: the open stage runs them anew, and
// so does a diagnosis that found no cause and led to nothing.
func (p *plan) adoptChecks() {
	if !p.running() || p.isDeleted() {
		return
	}
	for _, decided := range p.pending() {
		if decided.Verdict != strategyv1.DecisionAdoptChecks || !p.vouchedFor(decided, "decide again") {
			continue
		}
		newest := facts.Want(&p.needs, NeedNewest, p.seen.Newest)
		if why := decide.NotAdopted(p.seen.Playbook, newest); why != "" {
			p.out.Refuse(decided, why)
			continue
		}
		p.next.AdoptedChecks = decide.Adopted(decided, newest, p.next.AdoptedChecks, p.out.Stamp())
		p.seen.Playbook = p.seen.Playbook.WithChecks(newest)
		p.out.Note(strategyv1.EventChecksAdopted, decide.Because("the checks and the proof of revision "+newest.Revision+" were taken over", decided), decided.By)
		p.out.Honour(decided)
		if cause := p.next.Cause; cause != nil && cause.Rule == "" && len(p.seen.Rollbacks) == 0 {
			p.next.Cause = nil
			meta.RemoveStatusCondition(&p.next.Conditions, strategyv1.ConditionDiagnosed)
		}
	}
}

// vouchedFor says whether it is known whose decision it is. While nobody can be asked it waits.
func (p *plan) vouchedFor(decided facts.Decided, again string) bool {
	known, void, pause := decide.Vouched(p.identity(), decided, again)
	switch {
	case void != "":
		p.out.Void(decided, void)
	case !known:
		p.out.Wake(p.now.Add(pause))
	}
	return known
}
