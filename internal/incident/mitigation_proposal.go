package incident

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"

	"go.yaml.in/yaml/v3"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/evidence"
)

// maxPatch bounds the patch in the status.
const maxPatch = 4096

// propose shows people the patch of another document, once. The operator changes nothing.
func (p *plan) propose(remediation strategyv1.RemediationSpec) {
	if p.next.Proposal == nil || !p.out.Logged() { // not logged: it may not be stored either
		document := p.documents()[remediation.Name]
		if document.Problem != nil {
			p.out.Blocked(*document.Problem)
			return
		}
		patch, err := patchOf(remediation.Proposal, document.Document)
		if err != nil {
			p.out.Stall(strategyv1.ReasonNeedsPerson, fmt.Sprintf("cause %s, remedy %s: %v. Fix the playbook, and %s",
				p.next.Cause.Name, remediation.Name, err, commandTo(p.seen.Incident, "resolve")))
			return
		}
		p.proposed(remediation, patch)
	}
	p.out.Stall(strategyv1.ReasonProposed, fmt.Sprintf("cause %s: apply the patch in status.proposal to ConfigMap %s, key %s, where it comes from; then %s",
		p.next.Cause.Name, p.next.Proposal.Document.ConfigMapName, p.next.Proposal.Document.Key, commandTo(p.seen.Incident, "resolve")))
}

// proposed notes the patch once, and stores it, again after a crash. A document that changed meanwhile changes nothing of it: it is stored as it
// was shown, unless it was too long to be shown whole.
func (p *plan) proposed(remediation strategyv1.RemediationSpec, patch string) {
	if p.next.Proposal == nil {
		p.next.Proposal = &strategyv1.ProposalStatus{
			Remediation: remediation.Name, Document: remediation.Proposal.Document, Patch: bounded.Text(patch, maxPatch),
			EvidenceKey: p.proposalKey(remediation, patch), Alerts: p.fatigue(),
		}
		p.out.Note(strategyv1.EventProposed, fmt.Sprintf("cause %s, remedy %s: a patch of ConfigMap %s, key %s, for people to apply",
			p.next.Cause.Name, remediation.Name, remediation.Proposal.Document.ConfigMapName, remediation.Proposal.Document.Key), "")
	}
	for _, text := range []string{patch, p.next.Proposal.Patch} {
		if key := p.proposalKey(remediation, text); key == p.next.Proposal.EvidenceKey {
			p.out.Keep(key, []byte(text))
			return
		}
	}
}

func (p *plan) proposalKey(remediation strategyv1.RemediationSpec, patch string) string {
	sum := sha256.Sum256([]byte(patch))
	return evidence.ProposalKey(p.seen.Prefix, remediation.Name, hex.EncodeToString(sum[:6]))
}

// sameValue: the same value in another spelling is no news.
func sameValue(before, after *config.Document, path string) bool {
	old, found, err := before.Get(path)
	if err != nil || !found {
		return false
	}
	proposed, _, err := after.Get(path)
	if err != nil {
		return false
	}
	var a, b any
	if yaml.Unmarshal([]byte(old), &a) != nil || yaml.Unmarshal([]byte(proposed), &b) != nil {
		return false
	}
	return reflect.DeepEqual(a, b)
}

// patchOf is the unified diff of a proposal.
func patchOf(proposal *strategyv1.ProposalSpec, document *config.Document) (string, error) {
	edited := document
	for _, edit := range proposal.Edits {
		text, err := config.FlowText(edit.JSON())
		if err != nil {
			return "", fmt.Errorf("the proposed value of %s: %w", edit.Path, err)
		}
		next, _, err := edited.Apply([]config.Edit{{Path: edit.Path, Value: edited.Like(edit.Path, text)}})
		if err != nil {
			return "", fmt.Errorf("the proposed edit of %s: %w", edit.Path, err)
		}
		if !sameValue(edited, next, edit.Path) {
			edited = next
		}
	}
	patch := config.UnifiedDiff(proposal.Document.Key, document.String(), edited.String())
	if patch == "" {
		return "", fmt.Errorf("ConfigMap %s, key %s, has what is proposed already", proposal.Document.ConfigMapName, proposal.Document.Key)
	}
	return patch, nil
}
