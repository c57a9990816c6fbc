package incident

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v3"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/change"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/evidence"
)

// maxPatch bounds the patch in the status.
const maxPatch = 4096

// propose shows people the patch of another document, once, and has it pushed for them to merge where the playbook says so. The operator changes
// nothing that runs.
func (p *plan) propose(remediation strategyv1.RemediationSpec) {
	if p.next.Proposal == nil || !p.proposalLogged() { // not logged: it may not be stored either
		document := p.documents()[remediation.Name]
		if document.Problem != nil {
			p.out.Blocked(*document.Problem)
			return
		}
		made, err := patchOf(remediation.Proposal, document.Document)
		if err != nil {
			p.out.Stall(strategyv1.ReasonNeedsPerson, fmt.Sprintf("cause %s, remedy %s: %v. Fix the playbook, and %s",
				p.next.Cause.Name, remediation.Name, err, commandTo(p.seen.Incident, "resolve")))
			return
		}
		p.proposed(remediation, made)
	}
	p.askPush()
	p.out.Stall(strategyv1.ReasonProposed, fmt.Sprintf("cause %s: %s; then %s", p.next.Cause.Name, p.whatToApply(), commandTo(p.seen.Incident, "resolve")))
}

// proposalLogged: that it was made is in the log, and so is stored. What else is not logged yet does not matter.
func (p *plan) proposalLogged() bool {
	return !slices.ContainsFunc(p.next.Timeline, func(entry strategyv1.TimelineEntry) bool {
		return entry.Event == strategyv1.EventProposed && entry.Seq > p.out.LogHead.Entries
	})
}

// proposed notes the patch once, and stores it, again after a crash. A document that changed meanwhile changes nothing of it: it is stored as it
// was shown, unless it was too long to be shown whole.
func (p *plan) proposed(remediation strategyv1.RemediationSpec, made patch) {
	if p.next.Proposal == nil {
		p.next.Proposal = &strategyv1.ProposalStatus{
			Remediation: remediation.Name, Document: remediation.Proposal.Document, Patch: bounded.Text(made.text, maxPatch),
			EvidenceKey: p.proposalKey(remediation, made.text), Alerts: p.fatigue(),
		}
		p.out.Note(strategyv1.EventProposed, fmt.Sprintf("cause %s, remedy %s: a patch of ConfigMap %s, key %s, for people to apply%s",
			p.next.Cause.Name, remediation.Name, remediation.Proposal.Document.ConfigMapName, remediation.Proposal.Document.Key, p.willPush(made.edits)), "")
	}
	for _, text := range []string{made.text, p.next.Proposal.Patch} {
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

// patch is what a proposal would change in a document.
type patch struct {
	text  string // a unified diff
	edits []strategyv1.PlannedEdit
}

func patchOf(proposal *strategyv1.ProposalSpec, document *config.Document) (made patch, err error) {
	edited := document
	for _, edit := range proposal.Edits {
		text, err := config.FlowText(edit.JSON())
		if err != nil {
			return patch{}, fmt.Errorf("the proposed value of %s: %w", edit.Path, err)
		}
		wanted := config.Edit{Path: edit.Path, Value: edited.Like(edit.Path, text)}
		next, records, err := edited.Apply([]config.Edit{wanted})
		if err != nil {
			return patch{}, fmt.Errorf("the proposed edit of %s: %w", edit.Path, err)
		}
		if !sameValue(edited, next, edit.Path) {
			edited, made.edits = next, append(made.edits, change.Planned(wanted, records[0]))
		}
	}
	made.text = config.UnifiedDiff(proposal.Document.Key, document.String(), edited.String())
	if made.text == "" {
		return patch{}, fmt.Errorf("ConfigMap %s, key %s, has what is proposed already", proposal.Document.ConfigMapName, proposal.Document.Key)
	}
	return made, nil
}
