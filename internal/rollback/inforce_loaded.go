package rollback

import (
	"fmt"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// loadAgain is how long after a check that had a stale copy the loader is asked again: a kubelet needs about a minute to see a new one.
const loadAgain = 30 * time.Second

// provesRunning says whether the playbook's proof speaks of the running scheduler, and not only of what its loader reads.
func (p *plan) provesRunning() bool {
	return p.seen.Playbook.Spec.Scheduler.Proof.Proves == strategyv1.ProvesRunning
}

// judgeLoaded judges a proof by the scheduler's loader, in the check's own pod. A stale copy there says nothing of the scheduler: it is no
// reason to restart it, nor to undo anything.
func (p *plan) judgeLoaded(record strategyv1.CheckStatus, annotations map[string]string) proofOf {
	loaded := p.reportedHash(record)
	p.next.Proof.Loaded = loaded
	if loaded != "" && !p.isStored(loaded) {
		return p.loadsAnother(record, loaded)
	}
	if p.scheduler().LeftToReloader(annotations, p.now) && !p.scheduler().Annotated(annotations) {
		return proofOf{unmeasured: "Reloader restarts Deployment " + p.seen.Deployment.Name + ", so only a proof of the running scheduler (proves: Running) can tell which configuration runs"}
	}
	result := judged(record)
	if result.failed != "" && loaded == "" {
		return proofOf{unmeasured: result.failed + "; without config_sha256 in its report nobody knows whether its pod had the stored configuration"}
	}
	return result
}

// loadsAnother asks again until the time is over: a new pod gets a new copy.
func (p *plan) loadsAnother(record strategyv1.CheckStatus, loaded string) proofOf {
	reference := p.seen.Playbook.Spec.Scheduler.Config
	waiting := fmt.Sprintf("check %s read another configuration (%.12s) than key %s of ConfigMap %s has (%.12s): its pod had a stale copy, or mounts something else",
		record.Name, loaded, reference.Key, reference.ConfigMapName, p.seen.Config.SHA256)
	if p.late() {
		return proofOf{unmeasured: waiting}
	}
	if ended := record.CompletionTime; ended != nil && p.now.Before(ended.Add(loadAgain)) {
		p.out.Wake(ended.Add(loadAgain))
	} else {
		p.next.Proof.Round++
		p.out.Wake(p.now)
	}
	return proofOf{waiting: waiting, reason: strategyv1.ReasonProving}
}

// asking says whom the proof asks.
func (p *plan) asking() string {
	if p.provesRunning() {
		return "asking the running scheduler what it has in force"
	}
	return "asking the scheduler's loader what it reads from the stored configuration"
}

// proved says how it is known that the change is in force.
func (p *plan) proved() (reason, how string) {
	switch {
	case p.isDrill():
		return strategyv1.ReasonDrill, "a drill: written to the copy; nothing was restarted, and nothing is proved"
	case p.provesRunning():
		return strategyv1.ReasonProved, "in effect, proved by the running scheduler"
	}
	return strategyv1.ReasonLoaded, "in effect as far as can be told: the scheduler was restarted for it, and its loader reads it; the running one was not asked"
}

// asBefore says how it is known that the change is undone.
func (p *plan) asBefore() string {
	switch {
	case p.isDrill():
		return "a drill: the copy is as it was before"
	case p.provesRunning():
		return "the configuration and the running scheduler are as they were before"
	}
	return "the configuration is as it was before, the scheduler was restarted for it, and its loader reads it so; the running one was not asked"
}
