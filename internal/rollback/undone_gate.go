package rollback

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/config/botcore"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/record"
	"tradeops.dev/strategy-operator/internal/rules"
	"tradeops.dev/strategy-operator/internal/subject"
)

// defaultGate holds when no check of the gate says otherwise.
const defaultGate = "checks.all(c, c.verdict in ['Pass', 'Warn'])"

// gateHolds looks before it leaps: the checks of the gate, and whether what caused the incident is gone. What is not written needs neither.
func (p *plan) gateHolds() bool {
	if p.lost() != nil && !p.overridden() {
		p.recordFailed()
		return false
	}
	if p.ungated() || p.releasing() || p.holder() == nil {
		return true
	}
	gate, cause := p.gate(), p.causeToAsk()
	uses := slices.Clone(gate.Checks)
	var asked []string // of the cause
	if cause != nil {
		for _, use := range p.causeChecks(cause.Rule) {
			asked = append(asked, use.Name)
			if !slices.ContainsFunc(uses, func(other strategyv1.CheckUse) bool { return other.Name == use.Name }) {
				uses = append(uses, use)
			}
		}
	}
	stage := p.run(strategyv1.StageRestore, p.roundOf(p.next.Restore.Attempt), uses)
	if stage.Missing != "" {
		return false
	}
	if !stage.Done {
		p.out.Working(strategyv1.ReasonCheckingRestore, fmt.Sprintf("before restoring: %d of %d checks judged", len(stage.Final), len(uses)))
		return false
	}
	closed := p.gateObjects(gate, stage.Final)
	if cause != nil {
		why, wait := p.causeObjects(*cause, ofNames(stage.Final, asked))
		if wait {
			p.out.Working(strategyv1.ReasonCheckingRestore, "before restoring: "+why)
			return false
		}
		if why != "" {
			closed = append(closed, why)
		}
	}
	if len(closed) == 0 {
		return true
	}
	p.gateFailed(strings.Join(closed, "; and "))
	return false
}

func (p *plan) gateFailed(why string) {
	message := fmt.Sprintf("not restored, the change stays in effect: %s. To try again: %s; to restore all the same: %s",
		why, p.restoreCommand(), p.overrideCommand())
	if until := p.until(); p.isDeleted() {
		message += p.letGoHelp()
	} else if !until.IsZero() {
		message += fmt.Sprintf(". The time box ends at %s; to keep the change longer: %s", rfc3339(until), p.renewCommand())
	}
	p.park(strategyv1.ReasonRestoreGateFailed, message)
}

// park keeps the change, and asks whoever may lift the gate.
func (p *plan) park(reason, message string) {
	p.next.Restore.Result = strategyv1.RestoreGateFailed
	p.out.Set(strategyv1.ConditionRestored, metav1.ConditionFalse, reason, message)
	p.out.Note(strategyv1.EventRestoreRefused, message, "")
	p.out.Stall(reason, message)
}

// gate of the remedy; the zero one asks for the cause only.
func (p *plan) gate() strategyv1.RestoreGate {
	if p.remediation.Restore == nil {
		return strategyv1.RestoreGate{}
	}
	return *p.remediation.Restore
}

// gateObjects says why the gate's own rule does not let it through.
func (p *plan) gateObjects(gate strategyv1.RestoreGate, judged []strategyv1.CheckStatus) (why []string) {
	if len(gate.Checks) == 0 {
		return nil
	}
	names := make([]string, len(gate.Checks))
	for i, use := range gate.Checks {
		names[i] = use.Name
	}
	judged = ofNames(judged, names)
	rule := cmp.Or(gate.When, defaultGate)
	held, err := rules.Eval(rule, rules.Vars{Owner: p.seen.Rollback.Namespace, Spent: &p.spent, Rollback: p.facts(), Checks: checks.Facts(judged, p.seen.Runs.Outcomes)})
	switch {
	case err != nil:
		return []string{fmt.Sprintf("the gate cannot be evaluated: %v", err)}
	case !held:
		return []string{fmt.Sprintf("the gate %q does not hold (%s)", rule, verdicts(judged))}
	}
	return nil
}

// causeToAsk is the cause that must be gone; nil if none was found, the playbook does not ask, or its rule can never stop to hold.
func (p *plan) causeToAsk() *strategyv1.CauseStatus {
	incident := p.seen.Incident
	if incident == nil || p.gate().Cause == strategyv1.CauseIgnored {
		return nil
	}
	cause := cmp.Or(p.next.Cause, incident.Status.Cause) // asked for before there was one
	if cause == nil || cause.Rule == "" || p.alwaysHolds(cause.Rule) {
		return nil
	}
	return cause
}

// causeChecks are the checks that the rule of a cause was about: those of the diagnosis, if it looks at checks at all.
func (p *plan) causeChecks(rule string) []strategyv1.CheckUse {
	uses, err := rules.Uses(p.seen.Rollback.Namespace, rule)
	if _, looks := uses["checks"]; err == nil && !looks {
		return nil
	}
	return p.diagnosisChecks()
}

// diagnosisChecks are those that the cause was found by, and those of each severity that the incident was raised to since.
func (p *plan) diagnosisChecks() []strategyv1.CheckUse {
	severities := []strategyv1.Severity{lifecycle.Severity(p.seen.Incident)}
	if branch := p.seen.Incident.Status.Branch; branch != nil {
		severities = append(severities, branch.Severities...)
	}
	uses, _ := checks.Branch(p.seen.Playbook.Spec.Diagnosis.Checks, p.seen.Incident.Spec.Type, severities...)
	return uses
}

// causeObjects says why the cause is not known to be gone, and whether more will be known soon.
func (p *plan) causeObjects(cause strategyv1.CauseStatus, judged []strategyv1.CheckStatus) (why string, wait bool) {
	for _, record := range judged {
		if record.Verdict == strategyv1.VerdictError || record.Verdict == strategyv1.VerdictInconclusive {
			return fmt.Sprintf("nobody knows whether cause %s is gone: %s", cause.Name, checks.Sentence(record)), false
		}
	}
	sampled := p.signals()
	held, err := rules.Eval(cause.Rule, p.causeVars(sampled.Values(), checks.Facts(judged, p.seen.Runs.Outcomes)))
	uses, _ := rules.Uses(p.seen.Rollback.Namespace, cause.Rule)
	switch {
	case err != nil && p.now.Before(p.signalsBy(uses["signals"])):
		p.out.Wake(sampled.NextAt)
		p.out.Wake(p.signalsBy(uses["signals"]))
		return fmt.Sprintf("waiting for the signals that tell whether cause %s is gone: %v", cause.Name, err), true
	case err != nil:
		return fmt.Sprintf("nobody knows whether cause %s is gone: %v", cause.Name, err), false
	case !held:
		return "", false
	}
	measured := slices.DeleteFunc([]string{verdicts(judged), sampled.Words(uses["signals"], p.unit)}, func(words string) bool { return words == "" })
	return fmt.Sprintf("cause %s still holds: %s (%s)", cause.Name, cause.Rule, strings.Join(measured, "; ")), false
}

// signalsBy is until when signals that are not known yet are waited for: two samples; zero if all are known.
func (p *plan) signalsBy(names []string) time.Time {
	sampled, spec := p.signals(), p.seen.Playbook.Spec.Signals
	unknown := slices.ContainsFunc(names, func(name string) bool { return !sampled.Readings[name].Known })
	if !unknown || spec == nil {
		return time.Time{}
	}
	return p.next.Restore.RequestedTime.Add(2 * time.Duration(spec.IntervalSeconds) * time.Second)
}

func (p *plan) unit(name string) string {
	if spec := p.seen.Playbook.Spec.Signals; spec != nil {
		for _, query := range spec.Queries {
			if query.Name == name && query.Unit != "" {
				return " " + query.Unit
			}
		}
	}
	return ""
}

// causeVars are the variables of the rule of a cause, as they were at the diagnosis, but for now and for the configuration as it would be
// without this rollback: a budget that it raised is not the one that counts then.
func (p *plan) causeVars(sampled map[string]any, judged []rules.Check) rules.Vars {
	incident, configuration := p.seen.Incident, p.undoneSummary()
	variables := subject.Variables(incident.Name, incident)
	variables["alerts"], variables["alertCount"] = subject.Alerts(incident.Status.Alerts), float64(incident.Status.AlertCount)
	variables["severity"] = string(lifecycle.Severity(incident))
	variables["level"] = string(lifecycle.Level(incident.Status))
	return rules.Vars{
		Owner: p.seen.Rollback.Namespace, Spent: &p.spent, Incident: variables, Signals: sampled, Checks: judged,
		Limits: subject.Limits(configuration), Risk: subject.Risk(configuration, incident.Spec),
	}
}

// undoneSummary is what the configuration says without this rollback; where somebody else's edits are in the way, as it is.
func (p *plan) undoneSummary() botcore.Summary {
	undone, err := record.Without(p.seen.Config.Document, p.seen.Config.State, p.uid())
	if err != nil {
		return p.seen.Config.Summary
	}
	scheduler := p.seen.Playbook.Spec.Scheduler
	summary, err := botcore.Describe(undone, botcore.Target{Scheduler: scheduler.Name, Environment: scheduler.Environment})
	if err != nil {
		return p.seen.Config.Summary
	}
	return summary
}

// alwaysHolds says whether a rule holds whatever is measured: it is about what was reported, which does not change. Asked for a cause that
// can never be gone, nothing would ever be undone.
func (p *plan) alwaysHolds(rule string) bool {
	uses := p.diagnosisChecks()
	for _, verdict := range []string{"", string(strategyv1.VerdictPass), string(strategyv1.VerdictFail)} {
		for _, value := range []*float64{nil, new(0.0), new(1e12), new(-1e12)} {
			for _, alerts := range [][]strategyv1.IncidentAlert{nil, {{State: strategyv1.AlertFiring}}} {
				vars := p.causeVars(p.allSignals(value), allChecks(uses, verdict))
				vars.Incident["alerts"], vars.Incident["alertCount"] = subject.Alerts(alerts), float64(1000*len(alerts))
				if held, err := rules.Eval(rule, vars); err != nil || !held {
					return false
				}
			}
		}
	}
	return true
}

// allSignals have one value; nil: none is known.
func (p *plan) allSignals(value *float64) map[string]any {
	all := map[string]any{}
	if spec := p.seen.Playbook.Spec.Signals; spec != nil && value != nil {
		for _, query := range spec.Queries {
			all[query.Name] = *value
		}
	}
	return all
}

// allChecks have one verdict; empty: there are none.
func allChecks(uses []strategyv1.CheckUse, verdict string) []rules.Check {
	var all []rules.Check
	for _, use := range uses {
		if verdict != "" {
			all = append(all, rules.Check{Name: use.Name, Verdict: verdict})
		}
	}
	return all
}

// ofNames are the judged checks with these names.
func ofNames(judged []strategyv1.CheckStatus, names []string) []strategyv1.CheckStatus {
	return slices.DeleteFunc(slices.Clone(judged), func(record strategyv1.CheckStatus) bool { return !slices.Contains(names, record.Name) })
}

func verdicts(judged []strategyv1.CheckStatus) string {
	words := make([]string, len(judged))
	for i, record := range judged {
		words[i] = fmt.Sprintf("%s %s", record.Name, record.Verdict)
	}
	return strings.Join(words, ", ")
}
