package incident

import "tradeops.dev/strategy-operator/internal/pass"

// records run in every pass, all of them: what was seen or decided goes into the status, whatever else is wrong.
var records = []func(*plan){
	(*plan).reopened,          // somebody takes back that it was closed
	(*plan).start,             // freezes the playbook and fixes the deadlines, once
	(*plan).beginLog,          // as soon as it can be read
	(*plan).reviewed,          // goes on on what is approved now, if nothing was when it began
	(*plan).received,          // which notifications were taken, and by which channel, before anything is told of an end
	(*plan).seePushed,         // what became of a patch that people are to merge
	(*plan).seeAlerts,         // which alerts it has, and whether they fire
	(*plan).raised,            // a later report of the same is more severe, before anything is decided
	(*plan).seeRollbacks,      // what they changed, and what one that was deleted leaves
	(*plan).holdBack,          // nothing new is started while the incident or its playbook is on hold
	(*plan).answers,           // the first decision of a person for each level
	(*plan).acknowledged,      // who is on it, and until when
	(*plan).trackQuiet,        // since when it has been quiet
	(*plan).seeContained,      // takes back that it is contained, when nothing contains it any more
	(*plan).adoptChecks,       // the checks of a later revision, because somebody says so
	(*plan).collect,           // takes up the reports of checks that have ended, of any stage
	(*plan).decidedByPeople,   // who may close it can, at any time
	(*plan).escalatedByPeople, // and who may hand it over to L2
}

type rule = pass.Rule[*plan]

// phase is which rules apply.
type phase int

const (
	triage     phase = iota // L1: is it one?
	diagnosis               // L2: which cause?
	mitigation              // a remedy, until it was undone and stays quiet
	closed                  // over
	deleted                 // on its way out
)

// anyPhase are the rules before those of a phase, unless the incident is closed or being deleted.
var anyPhase = []rule{
	{Name: "badInput", Run: (*plan).badInput},   // nobody could log what would be done
	{Name: "duplicate", Run: (*plan).duplicate}, // an older one is about the same
}

// procedure are the rules of each phase; the first that applies ends the pass.
var procedure = map[phase][]rule{
	triage: {
		{Name: "triage", Run: (*plan).triage}, // its checks, then a false alarm, or L2
	},
	diagnosis: {
		{Name: "diagnose", Run: (*plan).diagnose}, // its checks, then the first cause whose rule holds
	},
	mitigation: {
		{Name: "followParent", Run: (*plan).followParent}, // an older incident has the same cause and the remedy
		{Name: "remediate", Run: (*plan).remediate},       // asks for the rollback that the cause names, or the next of the ladder
		{Name: "mitigate", Run: (*plan).mitigate},         // contained, recovering, closed, or a question to L2
	},
	closed: {
		{Name: "closed", Run: (*plan).closed}, // Jobs that are left
	},
}

// deadlines are looked at in every pass, all of them, after the rules: what these decide may answer one. A Job that runs, input that is
// bad, or a log that cannot be read, does not stop a clock.
var deadlines = []func(*plan){
	(*plan).asks,         // since when people are asked for something
	(*plan).breaches,     // nobody answered in time
	(*plan).handOver,     // the next level is called, since this one does not answer
	(*plan).callLead,     // a rule of the technical lead holds
	(*plan).askPeople,    // over the playbook's channels, if it has some
	(*plan).watchSignals, // which signals are not known
}
