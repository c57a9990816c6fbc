package playbook

import (
	"fmt"
	"strings"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/config/botcore"
	"tradeops.dev/strategy-operator/internal/facts"
)

// feedEdits checks what can be known of the feeds' edits without the configuration: that each can be written, and that
// within a feed none changes what another one sets.
func feedEdits(feeds []strategyv1.FeedSpec) *facts.Problem {
	var broken []string
	for _, feed := range feeds {
		var paths []string
		for _, edit := range feed.Edits {
			if err := writable(edit); err != nil {
				broken = append(broken, fmt.Sprintf("feed %s: %v", feed.Name, err))
				continue
			}
			for _, earlier := range paths {
				if config.Overlap(earlier, edit.Path) {
					broken = append(broken, fmt.Sprintf("feed %s: the edits of %s and %s overlap; leave one out", feed.Name, earlier, edit.Path))
				}
			}
			paths = append(paths, edit.Path)
		}
	}
	if len(broken) == 0 {
		return nil
	}
	return &facts.Problem{Reason: strategyv1.ReasonEditRefused, Message: strings.Join(broken, "; ")}
}

func writable(edit strategyv1.DocumentEdit) error {
	if _, _, err := config.Get([]byte("{}"), edit.Path); err != nil { // of an empty document only the path can be refused
		return err
	}
	if edit.Value == nil {
		return fmt.Errorf("the edit of %s has no value; set one", edit.Path)
	}
	if _, err := config.FlowText(edit.Value.Raw); err != nil {
		return fmt.Errorf("the edit of %s: %w", edit.Path, err)
	}
	return nil
}

// uncoveredFeeds are the feeds that the scheduler could not trade all of its instruments on. A switch to one is refused; the
// rest of the playbook is as good as before, so this alone does not stop it.
func uncoveredFeeds(o Observed) (uncovered []string) {
	scheduler := o.Playbook.Spec.Scheduler
	target := botcore.Target{Scheduler: scheduler.Name, Environment: scheduler.Environment}
	for _, feed := range o.Playbook.Spec.Feeds {
		if feed.RequiresExchange == "" {
			continue
		}
		if err := botcore.FeedCovers([]byte(o.Config.Content), target, feed.RequiresExchange); err != nil {
			uncovered = append(uncovered, fmt.Sprintf("feed %s cannot be switched to: %v", feed.Name, err))
		}
	}
	return uncovered
}
