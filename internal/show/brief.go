package show

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// BriefRows is how many lines a brief view has at most, unless a screen has fewer: what stands above of them is seen at once.
const BriefRows = 20

// column is where the texts of a brief view begin.
const column = 11

// labelDo is before the command to give.
const labelDo = "do"

// item is what a brief view says of one thing.
type item struct {
	mark  mark
	label string
	text  string
	lines int      // of text, at most
	block []string // of a diff: a line each, cut at the edge
}

// sacrificed are the items that go first where there is no room: never what is to be done, what is changed, or what runs.
var sacrificed = []string{"last", "strikes", "reported", "signals", "alerts", "told", "level", "checks", "cause"}

// Brief is the subject on one screen: what is to be done first, then what a person decides on.
func Brief(s Subject, now time.Time, options Options) string {
	if options.Width <= 0 {
		options.Width = DefaultWidth
	}
	rows := options.Rows
	if rows <= 0 {
		rows = BriefRows
	}
	w := &writer{Options: options}
	head, items := w.briefItems(s, now)
	for _, label := range sacrificed {
		if w.height(items)+1 <= rows {
			break
		}
		items = slices.DeleteFunc(items, func(one item) bool { return one.label == label })
	}
	w.out.WriteString(w.paint(bold, head) + "\n")
	for _, one := range items {
		w.item(one)
	}
	return cut(w.text(), options.Rows)
}

// cut keeps a text to a screen of so many lines, and says that there is more: a screen that scrolls cannot be drawn again. 0: no screen.
func cut(text string, rows int) string {
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	if rows < 2 || len(lines) <= rows {
		return text
	}
	return strings.Join(lines[:rows-1], "") + fmt.Sprintf("  (%d more lines; a higher window shows them)\n", len(lines)-rows+1)
}

// height is how many lines items take.
func (w *writer) height(items []item) (lines int) {
	for _, one := range items {
		lines += len(w.wrapped(one)) + len(one.block)
	}
	return lines
}

// wrapped is the text of an item, cut to its lines.
func (w *writer) wrapped(one item) []string {
	if one.label == labelDo {
		return wrap(one.text, w.Width-len(labelDo)-4)
	}
	lines := wrap(one.text, w.Width-column)
	if one.lines > 0 && len(lines) > one.lines {
		rest := strings.Join(lines[one.lines-1:], " ") // to the edge: the next word may be a long name
		lines = append(lines[:one.lines-1], short(rest, max(w.Width-column, minText)))
	}
	return lines
}

func (w *writer) item(one item) {
	sign := orElse(one.mark.sign, " ")
	lead := w.paint(one.mark.colour, sign+" "+pad(one.label, column-3)) + " "
	if one.label == labelDo { // to be copied: as far to the left as it goes
		lead = "  " + labelDo + "  "
	}
	for _, line := range w.wrapped(one) {
		w.line("", lead+line)
		lead = strings.Repeat(" ", column)
	}
	for _, line := range one.block {
		w.line("", strings.Repeat(" ", column)+w.paint(diffColour(line), short(line, max(w.Width-column, minText))))
	}
}

func (w *writer) briefItems(s Subject, now time.Time) (head string, items []item) {
	if s.Incident == nil {
		if len(s.Rollbacks) == 0 {
			return "nothing", nil
		}
		object := &s.Rollbacks[0]
		status := object.Status
		items = append(items, next(status.Conditions, status.WaitsFor, status.DueTime, now))
		items = append(items, order(Desk{Rollbacks: s.Rollbacks})...)
		items = append(items, worries(status.Conditions)...)
		items = append(items, w.rollbackItems(object, now)...)
		items = append(items, w.work(s, now)...)
		return title(strategyv1.KindRollback, object.ObjectMeta) + "  " + summary(status.Conditions) + drill(object.Spec.Mode == strategyv1.ModeDrill), items
	}
	incident, status := s.Incident, s.Incident.Status
	items = append(items, next(status.Conditions, status.WaitsFor, status.DueTime, now))
	items = append(items, order(Desk{Incidents: []strategyv1.StrategyIncident{*incident}, Rollbacks: s.Rollbacks})...)
	items = append(items, worries(status.Conditions)...)
	items = append(items, w.caseItems(incident, now)...)
	for _, entry := range gone(status.Rollbacks, s.Rollbacks) {
		items = append(items, item{mark: careful, label: "deleted", text: entry.label + ": " + entry.text, lines: 2})
	}
	if proposal := status.Proposal; proposal != nil {
		items = append(items, item{label: "proposal", text: fmt.Sprintf("of %s, a patch of ConfigMap %s for people to apply", or(proposal.Remediation), or(proposal.Document.ConfigMapName)), block: w.briefDiff(proposal.Patch)})
		if text := pushed(status); text != "" {
			items = append(items, item{label: "branch", text: text})
		}
	}
	for _, object := range current(s.Rollbacks) {
		items = append(items, w.rollbackItems(object, now)...)
	}
	items = append(items, w.work(s, now)...)
	return title(strategyv1.KindIncident, incident.ObjectMeta) + "  " + summary(status.Conditions) + drill(incident.Spec.Mode == strategyv1.IncidentDrill), items
}

func drill(is bool) string {
	if is {
		return "  DRILL"
	}
	return ""
}

// current are the rollbacks that go on; the last one if none does.
func current(rollbacks []strategyv1.StrategyRollback) (objects []*strategyv1.StrategyRollback) {
	for i := range rollbacks {
		if !lifecycle.Ended(rollbacks[i].Status) {
			objects = append(objects, &rollbacks[i])
		}
	}
	if len(objects) == 0 && len(rollbacks) > 0 {
		return []*strategyv1.StrategyRollback{&rollbacks[len(rollbacks)-1]}
	}
	return objects
}

// next is whose turn it is, until when, and what is to be done.
func next(list []metav1.Condition, who strategyv1.Who, due *metav1.Time, now time.Time) item {
	step := nextNode(list)
	one := item{mark: step.mark, label: "NEXT", text: step.text, lines: 8}
	if step.label == "result" && who == strategyv1.WhoNobody {
		one.label = "RESULT"
		return one
	}
	if turn := sentence(", ", Turn(who), Due(due, now)); turn != "" {
		one.text = turn + ": " + one.text
	}
	return one
}

// order is the command to give, unbroken, where a person is asked for one.
func order(d Desk) (items []item) {
	for _, task := range d.Tasks() {
		if strings.Contains(task.Command, " status ") || task.Who == strategyv1.WhoMachine || task.Who == strategyv1.WhoNobody {
			continue
		}
		items = append(items, item{label: labelDo, text: Line(task.Command)})
	}
	return items
}

// worries are the conditions that say that something is not as it should be.
func worries(list []metav1.Condition) (items []item) {
	for _, condition := range list {
		if condition.Type == strategyv1.ConditionReady || condition.Type == strategyv1.ConditionStalled {
			continue
		}
		sign := conditionMark(condition)
		onHold := condition.Type == strategyv1.ConditionOnHold && condition.Status == metav1.ConditionTrue
		if sign != bad && sign != careful && !onHold || condition.Type == strategyv1.ConditionEscalated {
			continue
		}
		if onHold {
			sign = careful
		}
		text := sentence(": ", Line(condition.Reason), unlessSaid(condition.Message, find(list, strategyv1.ConditionReady).Message))
		items = append(items, item{mark: sign, label: short(condition.Type, column-3), text: text, lines: 1})
	}
	return items
}

// unlessSaid is a message that another one does not say already.
func unlessSaid(message, said string) string {
	if strings.Contains(said, message) {
		return ""
	}
	return Line(message)
}

// caseItems are what happened, who is called, and what is known of the cause.
func (w *writer) caseItems(incident *strategyv1.StrategyIncident, now time.Time) []item {
	spec, status := incident.Spec, incident.Status
	said := ""
	if spec.Summary != "" {
		said = ": “" + w.message(spec.Summary) + "”"
	}
	items := []item{{label: "reported", lines: 2, text: sentence(", ", or(string(spec.Type))+" "+severityOf(incident), labelled("schedule", spec.Schedule), labelled("strategy", spec.Strategy),
		"by "+asker(spec.RequestedBy)) + past(lifecycle.Detected(incident), now) + said}}
	items = append(items, item{label: "level", text: levelText(incident, now), lines: 1})
	for _, n := range status.Notifications {
		if n.DropReason == strategyv1.DropUnreached {
			items = append(items, item{mark: bad, label: "told", text: fmt.Sprintf("NOBODY WAS TOLD of %s: %s", or(string(n.Event)), Line(n.Problem)), lines: 1})
		}
	}
	if cause := status.Cause; cause != nil {
		items = append(items, item{label: "cause", text: sentence(", by rule ", or(cause.Name), Line(cause.Rule)), lines: 1})
	}
	if len(status.Signals) > 0 {
		items = append(items, item{label: "signals", text: signalsText(status.Signals, now), lines: 1})
	}
	if len(status.Alerts) > 0 {
		one := item{mark: good, label: "alerts", text: "none fires any more"}
		if status.FiringCount > 0 {
			one.mark, one.text = bad, fmt.Sprintf("%d firing", status.FiringCount)
		}
		items = append(items, one)
	}
	if status.Strikes > 0 && status.NextAllowedTime != nil {
		items = append(items, item{mark: careful, label: "strikes", text: fmt.Sprintf("%d; the next remedy is asked for from %s on", status.Strikes, moment(status.NextAllowedTime.Time, now)), lines: 1})
	}
	return items
}

func past(at, now time.Time) string {
	if at.IsZero() {
		return ""
	}
	return ", " + span(now.Sub(at)) + " ago"
}

func levelText(incident *strategyv1.StrategyIncident, now time.Time) string {
	parts := []string{orElse(Line(string(incident.Status.Level)), "not started")}
	for _, deadline := range incident.Status.Deadlines {
		sign, text := answer(incident, deadline, now)
		if deadline.Level == incident.Status.Level || sign == bad {
			parts = append(parts, fmt.Sprintf("%s %s %s", sign.sign, or(string(deadline.Level)), text))
		}
	}
	for _, shift := range incident.Status.OnCall {
		if shift.Level == incident.Status.Level {
			parts = append(parts, "on call: "+sentence(" ", orElse(Line(shift.Name), "NOBODY"), Line(shift.Contact)))
		}
	}
	return strings.Join(parts, "; ")
}

// signalsText has what is not known first, and says once how old the numbers are where that is the same for all.
func signalsText(signals []strategyv1.SignalStatus, now time.Time) string {
	ages := map[string]bool{}
	for _, signal := range signals {
		if signal.Time != nil {
			ages[age(signal.Time.Time, now)] = true
		}
	}
	var unknown, known []string
	for _, signal := range signals {
		value := sentence(" ", readable(signal.Value), Line(signal.Unit))
		if signal.Value == "" {
			value = "UNKNOWN"
		}
		old := ""
		if signal.Time != nil && len(ages) > 1 {
			old = " (" + age(signal.Time.Time, now) + ")"
		}
		if text := or(signal.Name) + " " + value + old; signal.Value == "" {
			unknown = append(unknown, text)
		} else {
			known = append(known, text)
		}
	}
	text := strings.Join(append(unknown, known...), ", ")
	if len(ages) == 1 {
		text = slices.Collect(maps.Keys(ages))[0] + ": " + text
	}
	return text
}
