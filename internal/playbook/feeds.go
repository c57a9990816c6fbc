package playbook

import (
	"fmt"

	"tradeops.dev/strategy-operator/internal/config/botcore"
)

// uncoveredFeeds are the feeds that the scheduler could not trade all of its instruments on. A switch to one is refused; the
// rest of the playbook is as good as before, so this alone does not stop it.
func uncoveredFeeds(o Observed) (uncovered []string) {
	scheduler := o.Playbook.Spec.Scheduler
	target := botcore.Target{Scheduler: scheduler.Name, Environment: scheduler.Environment}
	for _, feed := range o.Playbook.Spec.Feeds {
		if feed.RequiresExchange == "" {
			continue
		}
		if err := botcore.FeedCovers(o.Config.Document, target, feed.RequiresExchange); err != nil {
			uncovered = append(uncovered, fmt.Sprintf("feed %s cannot be switched to: %v", feed.Name, err))
		}
	}
	return uncovered
}
