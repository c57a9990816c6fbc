package playbook

import (
	"fmt"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/config"
)

// edits checks what can be known of the edits of feeds and proposals without their documents: that each can be written, and
// that none changes what another one of the same list sets.
func edits(spec strategyv1.StrategyPlaybookSpec) []string {
	var broken []string
	for _, feed := range spec.Feeds {
		broken = append(broken, brokenEdits("feed "+feed.Name, feed.Edits)...)
	}
	for _, remediation := range spec.Remediations {
		if remediation.Proposal != nil {
			broken = append(broken, brokenEdits("remediation "+remediation.Name+" (proposal)", remediation.Proposal.Edits)...)
		}
	}
	return broken
}

func brokenEdits(where string, edits []strategyv1.DocumentEdit) []string {
	var broken, paths []string
	for _, edit := range edits {
		if err := writable(edit); err != nil {
			broken = append(broken, fmt.Sprintf("%s: %v", where, err))
			continue
		}
		for _, earlier := range paths {
			if config.Overlap(earlier, edit.Path) {
				broken = append(broken, fmt.Sprintf("%s: the edits of %s and %s overlap; leave one out", where, earlier, edit.Path))
			}
		}
		paths = append(paths, edit.Path)
	}
	return broken
}

func writable(edit strategyv1.DocumentEdit) error {
	if err := config.CheckPath(edit.Path); err != nil {
		return err
	}
	if _, err := config.FlowText(edit.JSON()); err != nil {
		return fmt.Errorf("the edit of %s: %w", edit.Path, err)
	}
	return nil
}
