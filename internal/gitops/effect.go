package gitops

import (
	"fmt"
	"slices"
	"strings"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// Effect is what is done besides the edits because of the owner of a ConfigMap; nil: nothing. Ours are the annotations by which the operator has
// an owner leave it alone already, each as key=value: such a pause is wanted by each rollback, and one that somebody else made by none.
func Effect(mode strategyv1.GitOpsMode, owner *strategyv1.ConfigOwner, ours []string) *strategyv1.PlannedGitOps {
	if mode == "" || mode == strategyv1.GitOpsReport {
		return nil
	}
	effect := &strategyv1.PlannedGitOps{Mode: mode}
	if mode != strategyv1.GitOpsPause || owner == nil || len(pauses[owner.Kind]) == 0 {
		return effect
	}
	wanted := pauses[owner.Kind][0]
	if set := wanted.key + "=" + wanted.value; owner.PausedBy == "" || slices.Contains(ours, set) {
		effect.Pause = set
	}
	return effect
}

// EffectWords say what the operator does about the owner, and what it cannot do.
func EffectWords(effect strategyv1.PlannedGitOps, owner *strategyv1.ConfigOwner) string {
	switch {
	case effect.Mode == strategyv1.GitOpsWriteBack:
		return fmt.Sprintf("The operator commits the edits to %s once they are written, and their inverse before they are undone. Where a GitOps controller puts back exactly what was there before, it writes them again, at most three times", effect.CommitsTo)
	case effect.Mode == strategyv1.GitOpsCoexist:
		return "Where a GitOps controller puts back exactly what was there before, the operator writes the edits again, at most three times"
	case effect.Pause != "":
		return fmt.Sprintf("The operator sets %s on the ConfigMap with the edits, and takes it off when they are undone: until then %s", effect.Pause, While(pausedKind(effect.Pause)))
	case owner == nil:
		return "The playbook says that the tool which applies the ConfigMap is to be paused, and the ConfigMap names none: nothing is paused"
	case owner.PausedBy != "":
		return "Somebody else has the tool leave the ConfigMap alone, so the operator does not pause it, and leaves that as it is"
	}
	return fmt.Sprintf("The playbook says that the tool is to be paused, and the operator cannot pause %s: it has to be done by hand", Ref(*owner))
}

// pausedKind is whose pause it is: the owner may have changed since it was planned.
func pausedKind(set string) strategyv1.OwnerKind {
	key, _ := Paused(set)
	for kind, all := range pauses {
		if all[0].key == key {
			return kind
		}
	}
	return ""
}

// CommitsTo is a file of a repository, in words.
func CommitsTo(to strategyv1.WriteBackSpec) string {
	words := fmt.Sprintf("%s in %s, branch %s", to.Path, to.URL, to.Branch)
	if to.PushBranch != "" {
		words += fmt.Sprintf(" (on a branch %s/..., which a person merges)", to.PushBranch)
	}
	return words
}

// ProposalBranch is the name of the branch, under pushBranch, that an incident's proposal of a round is pushed to. Each has its own: one that people have
// seen is never changed.
func ProposalBranch(incident *strategyv1.StrategyIncident, round int64) string {
	name := fmt.Sprintf("%.190s-%.8s", incident.Name, incident.UID)
	if round > 1 {
		name += fmt.Sprintf("-r%d", round)
	}
	return name
}

// Paused is an annotation of key=value.
func Paused(pause string) (key, value string) {
	key, value, _ = strings.Cut(pause, "=")
	return key, value
}
