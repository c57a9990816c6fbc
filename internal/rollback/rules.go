package rollback

import "tradeops.dev/strategy-operator/internal/pass"

// records run in every pass, all of them: what was seen or decided goes into the status, whatever else is wrong.
var records = []func(*plan){
	(*plan).start,          // freezes the playbook, once
	(*plan).seeWritten,     // keeps that edits reached the configuration
	(*plan).seeRecord,      // says that the record of its edits cannot be believed
	(*plan).seeStands,      // takes back that it is in effect, when it was overwritten or undone
	(*plan).seeCommitted,   // keeps what became of the commit in Git that was asked for
	(*plan).askCommit,      // has edits that are written committed, too: a record, for whatever else is waited for
	(*plan).holdBack,       // nothing new is started while the playbook is on hold
	(*plan).adoptChecks,    // the checks of a later revision, because somebody says so
	(*plan).collect,        // takes up the reports of checks that have ended, of any stage
	(*plan).denied,         // a denial counts until something is written
	(*plan).renewRequested, // a new end of the time box counts before the old one is due
}

// deadlines are looked at in every pass, all of them, before the rules: input that is bad, or a log that cannot be read, does not stop a
// clock. Each wakes the rollback when it will be due.
var deadlines = []func(*plan){
	(*plan).expires,    // nobody approved in time, or the time box is over before anything was written
	(*plan).boxEnds,    // the scheduler trades again by itself
	(*plan).restoreDue, // the gated restore, early enough to be done when the time box ends
}

type rule = pass.Rule[*plan]

// phase is which rules apply.
type phase int

const (
	before  phase = iota // nothing is claimed: plan, approve, wait for the turn, claim
	inForce              // claimed: written, proved, checked, watched
	undone               // on its way back
	over                 // ended
	deleted              // its deletion waits for it
)

// anyPhase are the rules before those of a phase, unless the rollback has ended or is being deleted.
var anyPhase = []rule{
	{Name: "badInput", Run: (*plan).badInput}, // nobody knows what would be changed, or could log it
	{Name: "frozen", Run: (*plan).frozen},     // of a playbook on hold what was begun stays as it is
	{Name: "stray", Run: (*plan).stray},       // edits that were written although their claim was withdrawn are released
}

// procedure are the rules of each phase; the first that applies ends the pass.
var procedure = map[phase][]rule{
	before: {
		{Name: "incidentClosed", Run: (*plan).incidentClosed},     // it is withdrawn: nothing is changed for what is over
		{Name: "copyConfig", Run: (*plan).copyConfig},             // a drill works on a copy
		{Name: "restoreRequested", Run: (*plan).restoreRequested}, // it is withdrawn
		{Name: "planEdits", Run: (*plan).planEdits},               // what would be changed, as the configuration is now
		{Name: "probeFirst", Run: (*plan).probeFirst},             // a feed must be usable before anybody is asked to approve it
		{Name: "dryRun", Run: (*plan).dryRun},                     // ends here
		{Name: "approve", Run: (*plan).approve},                   // waits for a decision on exactly this plan
		{Name: "awaitResume", Run: (*plan).awaitResume},           // of a playbook on hold nothing is written
		{Name: "guard", Run: (*plan).guard},                       // the playbook's limits, and edits of others at the same place
		{Name: "awaitOthers", Run: (*plan).awaitOthers},           // rollbacks of several incidents go one after the other
		{Name: "probeAgain", Run: (*plan).probeAgain},             // the approval may have taken minutes
		{Name: "baseline", Run: (*plan).baseline},                 // what the checks after the change are compared with
		{Name: "claim", Run: (*plan).claim},                       // asks the writer for the edits
	},
	inForce: {
		{Name: "restoreRequested", Run: (*plan).restoreRequested}, // one request at a time
		{Name: "renew", Run: (*plan).renew},                       // asks the writer for a new end
		{Name: "reapply", Run: (*plan).reapply},                   // asks the writer for what a GitOps controller put back
		{Name: "takeEffect", Run: (*plan).takeEffect},             // written, rolled out, proved
		{Name: "checkAfter", Run: (*plan).checkAfter},             // not worse than before, or it is reverted
		{Name: "watch", Run: (*plan).watch},                       // does it still stand where it was made?
	},
	undone: {
		{Name: "restoreRequested", Run: (*plan).restoreRequested}, // again, after one that did not come into effect
		{Name: "restoring", Run: (*plan).restoring},               // gate, release, restart, proof
	},
	over: {
		{Name: "ended", Run: (*plan).ended}, // Jobs, the finalizer, and what a write that was on its way left
	},
	deleted: {
		{Name: "unfinalized", Run: (*plan).unfinalized},     // nothing of it was ever written
		{Name: "deletionHeld", Run: (*plan).deletionHeld},   // undoing waits while the playbook is on hold
		{Name: "hopeless", Run: (*plan).hopeless},           // nothing can be done, or not in time
		{Name: "finishDeleted", Run: (*plan).finishDeleted}, // its edits stay, or are undone first
	},
}
