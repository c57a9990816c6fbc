package rollback

import (
	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/pass"
)

// tellRefused tells what the API server refuses of what this pass asks for, or waits for.
func (p *plan) tellRefused() {
	if p.hasEnded() {
		p.out.TellRefusedOver()
		return
	}
	if p.unwritten() || p.out.TellRefused() {
		p.asks = "" // whoever was to be next cannot help
	}
}

// unwritten stalls while the API server refuses the write that this rollback waits for: the writer has no status of its own to say so.
func (p *plan) unwritten() bool {
	if !p.awaitsWriter() {
		return false
	}
	p.out.Wake(p.now.Add(pass.Recheck)) // that a write is refused changes nothing that is watched
	refusal := p.seen.Config.Refused
	if refusal == nil || p.claimed() == strategyv1.ClaimHold && p.refusal() != nil {
		return false
	}
	p.out.StallRefused(*refusal)
	return true
}

// awaitsWriter: what is claimed is not met, and the configuration can be read.
func (p *plan) awaitsWriter() bool {
	held := p.out.Held() && p.claimed() != strategyv1.ClaimForget
	if p.seen.Config.Problem != nil || p.seen.Config.Gone || held || lifecycle.Claim(p.seen.Rollback.Status) != p.claimed() {
		return false // or the writer does not know of the claim yet
	}
	switch p.claimed() {
	case strategyv1.ClaimHold:
		return !p.written() && p.next.Config.WrittenRevision < p.next.Config.Revision && p.seen.Config.Document != nil
	case strategyv1.ClaimRelease, strategyv1.ClaimForget:
		return p.holder() != nil
	}
	return false
}

// notWritten says why the configuration was not written in time.
func (p *plan) notWritten() string {
	if refusal := p.seen.Config.Refused; refusal != nil {
		return "the API server refuses it: " + refusal.Message
	}
	return "the events of the rollback and of the ConfigMap say why"
}
