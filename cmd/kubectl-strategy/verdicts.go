package main

import (
	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// verdict is a command that records a decision.
type verdict struct {
	word     string // the command
	value    strategyv1.DecisionVerdict
	kind     string // of the target
	question string // that is asked when what it is about was shown; empty: none is
	short    string
	long     string
}

// verdicts are these commands.
var verdicts = []verdict{
	{"approve", strategyv1.DecisionApprove, strategyv1.KindRollback, "Approve?", "Approve the plan of a rollback, or a changed playbook",
		"Agree to a rollback, so that it is applied. Whoever asked for it may not approve it unless the playbook says so.\nOr, with playbook/NAME, to a playbook as it is now, as kubectl strategy review shows it. Whoever may write playbooks may\napprove none."},
	{"deny", strategyv1.DecisionDeny, strategyv1.KindRollback, "", "Deny a rollback before it is applied, or a changed playbook",
		"Deny a rollback: nothing is changed, and it cannot be approved any more. A rollback that is applied is undone by restore.\nOr, with playbook/NAME, a playbook as it is now; if it was approved, that is taken back."},
	{"renew", strategyv1.DecisionRenew, strategyv1.KindRollback, "Renew? The scheduler is restarted for it.", "Move the end of a rollback's time box",
		"Keep an applied rollback longer: its time box lasts its full length again, from now. The end stands in the scheduler's own\n" +
			"configuration, so the scheduler is restarted. Whoever asked for a rollback may not renew it unless the playbook says so."},
	{"override", strategyv1.DecisionOverride, strategyv1.KindRollback, "Override what holds it back?", "Lift what holds a rollback back",
		"Lift what holds a rollback back: before it is applied the playbook's guard, after that a restore gate that failed, so that it is\n" +
			"restored all the same. Whoever asked for a rollback may not override for it unless the playbook says so."},
	{"restore", strategyv1.DecisionRestore, strategyv1.KindRollback, "Undo it?", "Undo a rollback",
		"Ask the operator to undo exactly what a rollback changed. The playbook's gate is checked first, and whether the cause of the\n" +
			"incident is gone; the scheduler is restarted, and what was disabled trades again. A rollback that is not applied yet is withdrawn."},
	{"acknowledge", strategyv1.DecisionAcknowledge, strategyv1.KindIncident, "", "Say that you are on an incident",
		"Say that you are on an incident: until the acknowledgement ends, time alone does not call the next level. Rules still do, and no\n" +
			"deadline moves."},
	{"escalate", strategyv1.DecisionEscalate, strategyv1.KindIncident, "", "Call the next level of an incident",
		"Call the next level of an incident now: L2 where L1 has it, the technical lead where L2 has it."},
	{"false-alarm", strategyv1.DecisionFalseAlarm, strategyv1.KindIncident, "", "Close an incident as a false alarm",
		"Close an incident as a false alarm. An incident with a rollback is none: restore or deny that one, then resolve."},
	{"resolve", strategyv1.DecisionResolve, strategyv1.KindIncident, "", "Close an incident as resolved",
		"Close an incident as resolved. A rollback that is applied stays applied until it is restored."},
	{"reopen", strategyv1.DecisionReopen, strategyv1.KindIncident, "", "Reopen an incident that was closed",
		"Take back that an incident was closed, by whomever or whatever: it goes on at L2, with new deadlines and a new diagnosis. That is\n" +
			"possible for as long as the playbook says (recovery.reopenSeconds, a day by default)."},
}

// agrees says whether it agrees to a plan, which it names by its digest.
func (v verdict) agrees() bool { return v.question != "" && v.value != strategyv1.DecisionRestore }

// ofPlaybooks says whether it is about versions of playbooks, too.
func (v verdict) ofPlaybooks() bool {
	return v.value == strategyv1.DecisionApprove || v.value == strategyv1.DecisionDeny
}

// shows is what help says about a verdict that undoes a plan.
const shows = `What would be undone is shown, with what is known of the cause, and you are asked. Without a terminal nobody can
be asked, so --yes is needed.

`

// asks is what help says about a verdict that agrees to a plan.
const asks = `The plan is shown and you are asked. What is recorded names the digest of exactly this plan: if the plan changes meanwhile,
it is not honoured. Without a terminal nobody can be asked, so --yes is needed.

`

// byIncident is what help says about every verdict about a rollback.
const byIncident = `With the name of an incident it is about the rollback of it that can be decided about so; if there are several, name one.

`

// recorded is what help says about every verdict.
const recorded = `The decision is a StrategyDecision, recorded in your name. It needs the right to create strategydecisions and the verb for it on
the target (see the shipped roles). The command waits for the operator's answer: what came of it, or why it does not count.

`
