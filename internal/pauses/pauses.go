// Package pauses is how long the operator waits where nothing tells it to go on. Whoever runs it may set them (the manager's
// flags); the plans get them among what they observe. They are the operator's patience, too: how long it waits for others, and how soon
// it tries again. It is a leaf, and pure: values only.
//
// Not here: times that are part of a procedure, which its playbook says, or which give its words a meaning: how early the restore at the
// end of a time box begins, from when on a container counts as lost.
package pauses

import "time"

// Pauses that a run of the operator waits for again and again. One that is not positive is its default.
type Pauses struct {
	// Gather is how long a claim on a configuration waits for others: claims that come together are written together,
	// because each write means a restart of the scheduler.
	Gather time.Duration
	// GatherLimit ends the gathering, however many claims come.
	GatherLimit time.Duration
	// Reapply is the pause before edits that a GitOps controller put back are written again for the second time; before the third it is five
	// times as long.
	Reapply time.Duration
	// Rollout is when pods that end or start are looked at again: they are not watched, and only a change in progress needs
	// them.
	Rollout time.Duration
	// Turn is when a rollback looks again whether it is its turn.
	Turn time.Duration
	// Reloader is how long a tool that restarts the scheduler by itself may take before the operator does it.
	Reloader time.Duration
	// Deletion is how long a deletion may take beyond the time-out of a rollout: whatever stands in its way then, the object goes.
	Deletion time.Duration
	// Lease is how long another manager waits after the last sign of life of the one at work.
	Lease time.Duration

	// Secret is how long what a Secret says is remembered, so that a running incident does not read it in each pass.
	Secret time.Duration
	// Rights is how long it is remembered what people on call may do.
	Rights time.Duration
	// RightsRetry is how soon that is asked again of an API server that gave no answer.
	RightsRetry time.Duration
	// Output is how long an ended container's log is asked for before the attempt counts as not measured.
	Output time.Duration
	// OutputCall bounds one reading of it.
	OutputCall time.Duration
	// OutputRetry is how soon it is asked for again.
	OutputRetry time.Duration
	// Evidence is how soon a bucket that could not be read is tried again.
	Evidence time.Duration
	// EvidenceCall bounds one call of the bucket.
	EvidenceCall time.Duration
	// EvidenceHangs is how long a bucket that gave no answer is left alone before one call tries it again, at most.
	EvidenceHangs time.Duration
	// Live bounds one question to the API server whose answer a pass waits for.
	Live time.Duration
	// Retry is the longest pause after an error, which begins with 5 ms and doubles: what is due meanwhile is at most so late.
	Retry time.Duration
	// Reconcile frees a worker that an API server keeps waiting. Buckets, kubelets and Prometheus have less of their own.
	Reconcile time.Duration
	// Passes is how soon a reconcile goes on that had more to do than it may do at once.
	Passes time.Duration
	// CatchUp is how soon an object is looked at again whose newest version has not reached the cache.
	CatchUp time.Duration
	// Settle is how long what ends waits for others. Checks run side by side: those of one object that end together are judged in one
	// pass, with one write of the status. Of incidents that close together the history is looked at once.
	Settle time.Duration
	// Tree is the least time between two pages of the tree over the logs of a namespace.
	Tree time.Duration
	// Checkpoint is how long nothing may happen in a namespace until that is signed, too.
	Checkpoint time.Duration
	// Scrape bounds the reading of the cache for one scrape of the metrics.
	Scrape time.Duration
	// Query bounds one request to Prometheus, and all that are made of one server at a time together.
	Query time.Duration
	// QueryWait is how long a pass waits for them: those of a server that is well are answered by then.
	QueryWait time.Duration
	// QueryHangs is the longest pause between requests that fail again and again, unless a playbook's interval is longer.
	QueryHangs time.Duration
	// NotifyPace is the least time between two notifications over one channel, or to one person by mail, that can wait.
	NotifyPace time.Duration
	// NotifyCall bounds one call of a channel.
	NotifyCall time.Duration
	// NotifyRetry is the pause after the first notification that was not delivered; it doubles with each.
	NotifyRetry time.Duration
	// NotifyHangs is the longest of these pauses.
	NotifyHangs time.Duration
	// CommitCall bounds one try to commit to a repository: the fetch, the push, and both again where the branch moved.
	CommitCall time.Duration
	// CommitRetry is the pause after the first try that failed; it doubles with each.
	CommitRetry time.Duration
	// CommitHangs is the longest of these pauses, and how often it is tried where a person has to act.
	CommitHangs time.Duration
	// CommitPoll is how often it is looked whether somebody merged a branch.
	CommitPoll time.Duration
	// QueryRetry is when a pass asks again whose queries had to wait for those of another one.
	QueryRetry time.Duration
}

// Default is for production.
func Default() Pauses {
	return Pauses{
		Gather: 2 * time.Second, GatherLimit: 10 * time.Second, Reapply: time.Minute, Rollout: 2 * time.Second, Turn: 5 * time.Second, Lease: 15 * time.Second,
		Reloader: 30 * time.Second, Deletion: 2 * time.Minute,
		Secret: 30 * time.Second, Rights: 10 * time.Minute, RightsRetry: time.Minute, Output: time.Minute, OutputCall: 20 * time.Second, OutputRetry: 5 * time.Second,
		Evidence: 5 * time.Second, EvidenceCall: 10 * time.Second, EvidenceHangs: time.Minute, Live: 5 * time.Second, Retry: 15 * time.Second, Reconcile: time.Minute,
		Passes: time.Second, CatchUp: 20 * time.Millisecond, Settle: 250 * time.Millisecond,
		Tree: 2 * time.Minute, Checkpoint: time.Hour,
		Scrape: 5 * time.Second, Query: 5 * time.Second, QueryWait: time.Second, QueryHangs: 2 * time.Minute, QueryRetry: time.Second,
		NotifyPace: time.Second, NotifyCall: 10 * time.Second, NotifyRetry: 5 * time.Second, NotifyHangs: 5 * time.Minute,
		CommitCall: 30 * time.Second, CommitRetry: 5 * time.Second, CommitHangs: 5 * time.Minute, CommitPoll: time.Minute,
	}
}

// OrDefault fills in what is not set.
func (p Pauses) OrDefault() Pauses {
	usual := Default()
	return Pauses{
		Gather: or(p.Gather, usual.Gather), GatherLimit: or(p.GatherLimit, usual.GatherLimit), Reapply: or(p.Reapply, usual.Reapply),
		Rollout: or(p.Rollout, usual.Rollout), Turn: or(p.Turn, usual.Turn), Lease: or(p.Lease, usual.Lease),
		Reloader: or(p.Reloader, usual.Reloader), Deletion: or(p.Deletion, usual.Deletion),
		Secret: or(p.Secret, usual.Secret), Rights: or(p.Rights, usual.Rights), RightsRetry: or(p.RightsRetry, usual.RightsRetry), Output: or(p.Output, usual.Output), OutputRetry: or(p.OutputRetry, usual.OutputRetry),
		OutputCall: or(p.OutputCall, usual.OutputCall), Evidence: or(p.Evidence, usual.Evidence),
		EvidenceCall: or(p.EvidenceCall, usual.EvidenceCall), EvidenceHangs: or(p.EvidenceHangs, usual.EvidenceHangs),
		Live: or(p.Live, usual.Live), Retry: or(p.Retry, usual.Retry), Reconcile: or(p.Reconcile, usual.Reconcile), Passes: or(p.Passes, usual.Passes), CatchUp: or(p.CatchUp, usual.CatchUp),
		Settle: or(p.Settle, usual.Settle), Tree: or(p.Tree, usual.Tree), Checkpoint: or(p.Checkpoint, usual.Checkpoint), Scrape: or(p.Scrape, usual.Scrape), Query: or(p.Query, usual.Query),
		QueryWait: or(p.QueryWait, usual.QueryWait), QueryHangs: or(p.QueryHangs, usual.QueryHangs),
		QueryRetry: or(p.QueryRetry, usual.QueryRetry),
		NotifyPace: or(p.NotifyPace, usual.NotifyPace), NotifyCall: or(p.NotifyCall, usual.NotifyCall), NotifyRetry: or(p.NotifyRetry, usual.NotifyRetry), NotifyHangs: or(p.NotifyHangs, usual.NotifyHangs),
		CommitCall: or(p.CommitCall, usual.CommitCall), CommitRetry: or(p.CommitRetry, usual.CommitRetry), CommitHangs: or(p.CommitHangs, usual.CommitHangs), CommitPoll: or(p.CommitPoll, usual.CommitPoll),
	}
}

// Renewal is when a manager that cannot renew its lease gives up, some time before others may take it, and how often it tries.
// They keep the proportions of 15, 10 and 2 seconds.
func (p Pauses) Renewal() (deadline, retry time.Duration) { return p.Lease * 2 / 3, p.Lease * 2 / 15 }

func or(set, usual time.Duration) time.Duration {
	if set > 0 { // a negative one would be no pause at all, again and again
		return set
	}
	return usual
}
