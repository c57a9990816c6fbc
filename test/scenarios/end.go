package scenarios

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/sim"
)

// End is what a run leaves behind, as far as it must be the same however often the operator was stopped.
type End struct {
	incident   string
	others     map[string]string // the other incidents, by name
	rollbacks  map[string]string // reason of Ready by name, or sim.Gone
	conditions []string
	told       []string // entries of all decision logs
	jobs       []string // every Job that ever existed, as stage/check/attempt
	leftJobs   int
	content    string
	git        []string // each branch, with the subjects of its commits
	holders    []string // in the operator's record, in order
	restarts   int
	Problems   []string
	lastError  error
}

// gitEnd is what the repository has, if there is one.
func (e *End) gitEnd(w *sim.World) {
	if w.Git == nil {
		return
	}
	for _, branch := range append(w.Git.Branches(), "main") {
		e.git = append(e.git, masked(fmt.Sprintf("%s: %s", branch, strings.Join(w.Git.Log(branch), ", "))))
	}
}

// NextKey signs the logs of worlds whose key is replaced.
var NextKey = decisionlog.Key{ID: "k2", Secret: []byte("the next key of the tests, 32 bytes long, or more")}

// EndOf is what a run left behind.
func EndOf(w *sim.World, lastError error) *End {
	e := &End{
		content: masked(w.Content()), restarts: w.Restarts, leftJobs: len(w.Names(&batchv1.JobList{})), lastError: lastError,
		rollbacks: map[string]string{}, others: map[string]string{},
	}
	for _, id := range w.Jobs {
		e.jobs = append(e.jobs, fmt.Sprintf("%s/%s/%d", id.Stage, id.Check, id.Attempt))
	}
	sort.Strings(e.jobs)
	var incidents strategyv1.StrategyIncidentList
	w.List(&incidents)
	slices.SortStableFunc(incidents.Items, func(a, b strategyv1.StrategyIncident) int {
		return a.CreationTimestamp.Compare(b.CreationTimestamp.Time)
	})
	for _, incident := range incidents.Items {
		e.incidentEnd(w, incident)
	}
	var list strategyv1.StrategyRollbackList
	w.List(&list)
	for _, was := range w.EveryRollback() {
		at := slices.IndexFunc(list.Items, func(r strategyv1.StrategyRollback) bool { return r.UID == was.UID })
		if at < 0 {
			e.rollbacks[masked(was.Name)] = sim.Gone
			e.log(w, masked(was.Name), was, nil)
			continue
		}
		e.rollback(w, list.Items[at])
	}
	e.alertEnds(w)
	e.gitEnd(w)
	e.record(w, list.Items)
	e.answers(w, incidents.Items, list.Items)
	e.seals(w)
	sort.Strings(e.conditions)
	sort.Strings(e.told)
	return e
}

// answers: whoever decided about something that is over has heard what became of it, as it stands in the log.
func (e *End) answers(w *sim.World, incidents []strategyv1.StrategyIncident, rollbacks []strategyv1.StrategyRollback) {
	over := map[strategyv1.DecisionTarget]string{}
	for i := range incidents {
		if incident := &incidents[i]; lifecycle.Closed(incident.Status) {
			over[strategyv1.DecisionTarget{Kind: strategyv1.KindIncident, Name: incident.Name}] = prefixOf(incident)
		}
	}
	for i := range rollbacks {
		if rollback := &rollbacks[i]; lifecycle.Ended(rollback.Status) {
			over[strategyv1.DecisionTarget{Kind: strategyv1.KindRollback, Name: rollback.Name}] = prefixOf(rollback)
		}
	}
	var decisions strategyv1.StrategyDecisionList
	w.List(&decisions)
	for _, decision := range decisions.Items {
		answer := decision.Status.Answer
		prefix, ended := over[decision.Spec.Target]
		switch {
		case ended && answer == nil:
			e.Problem("%s was not told what became of it", decision.Name)
		case ended && answer.Seq > 0:
			line, err := w.Bucket.Get(context.Background(), evidence.LogKey(prefix, answer.Seq))
			if err != nil || !strings.Contains(string(line), decision.Name) {
				e.Problem("%s was told of entry %d, which is %s (%v)", decision.Name, answer.Seq, line, err)
			}
		}
	}
}

func prefixOf(object client.Object) string {
	return evidence.Prefix(object.GetNamespace(), object.GetName(), string(object.GetUID()), object.GetCreationTimestamp().Time)
}

func (e *End) incidentEnd(w *sim.World, incident strategyv1.StrategyIncident) {
	reason, name := conditions.Reason(incident.Status.Conditions, strategyv1.ConditionReady), masked(incident.Name)
	if name == "pnl" {
		e.incident, name = reason, "incident"
	} else {
		for e.others[name] != "" { // those that alerts open differ in what is masked
			name += "'"
		}
		e.others[name] = reason
	}
	e.state(name, incident.Status.Conditions)
	head := e.log(w, name, incident.ObjectMeta, incident.Status.Timeline)
	closed := lifecycle.Closed(incident.Status)
	if closed && (incident.Status.Log == nil || incident.Status.Log.Head != head) {
		e.Problem("the head in the status of %s is not the log's", name)
	}
	if closed && (incident.Status.NextAllowedTime == nil || incident.Status.ClosedTime == nil) {
		e.Problem("%s is closed without a next-allowed time", name)
	}
	if closed {
		e.report(w, &incident, name)
	}
	if len(incident.Status.Signals) > 0 {
		e.told = append(e.told, fmt.Sprintf("%s: signals of the last step: %s", name, signalsText(incident.Status.Signals)))
	}
	if incident.Status.Proposal != nil {
		if _, err := w.Bucket.Get(context.Background(), incident.Status.Proposal.EvidenceKey); err != nil {
			e.Problem("the patch of %s is not in the evidence: %v", name, err)
		}
	}
}

// alertEnds: what became of each alert.
func (e *End) alertEnds(w *sim.World) {
	var list strategyv1.StrategyAlertList
	w.List(&list)
	for _, alert := range list.Items {
		e.told = append(e.told, fmt.Sprintf("alert %s: %s, %s: %s", alert.Name, alert.Spec.State, alert.Status.Outcome, masked(conditions.Message(alert.Status.Conditions, strategyv1.ConditionReady))))
		e.state("alert "+alert.Name, alert.Status.Conditions)
	}
}

func signalsText(all []strategyv1.SignalStatus) string {
	words := make([]string, len(all))
	for i, signal := range all {
		words[i] = signal.Name + "=" + signal.Value + signal.Problem
	}
	return strings.Join(words, " ")
}

func (e *End) rollback(w *sim.World, object strategyv1.StrategyRollback) {
	name, status := masked(object.Name), object.Status
	e.rollbacks[name] = conditions.Reason(status.Conditions, strategyv1.ConditionReady)
	e.state(name, status.Conditions)
	head := e.log(w, name, object.ObjectMeta, status.Timeline)
	switch ended := lifecycle.Ended(status); {
	case !object.DeletionTimestamp.IsZero():
		e.Problem("%s is deleted and still there", name)
	case ended && len(object.Finalizers) > 0:
		e.Problem("%s has ended and still has finalizers %v", name, object.Finalizers)
	case ended && (status.Log == nil || status.Log.Head != head):
		e.Problem("the head in the status of %s is not the log's", name)
	}
}

// record: the operator's record names exactly the rollbacks that hold edits.
func (e *End) record(w *sim.World, all []strategyv1.StrategyRollback) {
	state := w.Record()
	for _, holder := range state.Holders {
		e.holders = append(e.holders, masked(holder.Name))
		known := slices.ContainsFunc(all, func(r strategyv1.StrategyRollback) bool { return string(r.UID) == holder.UID && Holds(r) })
		if !known {
			e.Problem("the record names %s, which holds nothing", holder.Name)
		}
	}
	for _, object := range all {
		if object.Spec.Mode == strategyv1.ModeDrill {
			continue // it holds edits of its own copy
		}
		if Holds(object) && state.Holder(string(object.UID)) == nil {
			e.Problem("%s holds edits that are not in the record", object.Name)
		}
	}
}

// Holds says whether a rollback has edits in the configuration.
func Holds(object strategyv1.StrategyRollback) bool {
	return lifecycle.Claim(object.Status) == strategyv1.ClaimHold && !lifecycle.Ended(object.Status)
}

func (e *End) state(name string, all []metav1.Condition) {
	for _, condition := range all {
		e.conditions = append(e.conditions, fmt.Sprintf("%s %s=%s/%s", name, condition.Type, condition.Status, condition.Reason))
	}
}

// line is what people read in an entry of the log.
type line struct {
	Event     string            `json:"event"`
	Artefacts map[string]string `json:"artefacts"`
}

// log reads one object's decision log, checks it, and compares it with the timeline, if the object is still there.
func (e *End) log(w *sim.World, name string, object metav1.ObjectMeta, entries []strategyv1.TimelineEntry) (head string) {
	stored := StoredLog(w, object)
	head, err := decisionlog.VerifyChain(stored, decisionlog.Keys{{Secret: sim.SigningKey}, NextKey})
	if err != nil {
		e.Problem("log of %s: %v", name, err)
		return ""
	}
	for i, line := range stored {
		if err := refusedBySchema(line); err != nil {
			e.Problem("entry %d of the log of %s: %v", i+1, name, err)
		}
	}
	lines := logOf(w, object)
	for _, line := range lines {
		e.told = append(e.told, fmt.Sprintf("%s %s: %s (%s)", name, line.Event, masked(line.Artefacts["message"]), line.Artefacts["by"]))
	}
	if entries != nil && len(lines) != len(entries) {
		e.Problem("%s has %d timeline entries and %d log entries", name, len(entries), len(lines))
	}
	for i, entry := range entries {
		if entry.Seq != int64(i+1) || i < len(lines) && (string(entry.Event) != lines[i].Event || entry.Message != lines[i].Artefacts["message"]) {
			e.Problem("%s: entry %d of the timeline is not that of the log: %+v", name, i+1, entry)
		}
	}
	e.order(name, lines)
	return head
}

// StoredLog is an object's decision log as the bucket holds it.
func StoredLog(w *sim.World, object metav1.ObjectMeta) [][]byte {
	prefix := evidence.Prefix(w.Namespace, object.Name, string(object.UID), object.CreationTimestamp.Time)
	var stored [][]byte
	for {
		entry, err := w.Bucket.Get(background, evidence.LogKey(prefix, int64(len(stored)+1)))
		if errors.Is(err, evidence.ErrNotFound) {
			return stored
		}
		if err != nil {
			w.T.Fatalf("%v", err)
		}
		stored = append(stored, entry)
	}
}

// logOf is what people read in an object's decision log.
func logOf(w *sim.World, object metav1.ObjectMeta) []line {
	stored := StoredLog(w, object)
	lines := make([]line, len(stored))
	for i, entry := range stored {
		if err := json.Unmarshal(entry, &lines[i]); err != nil {
			w.T.Fatalf("%v", err)
		}
	}
	return lines
}

// varying is what differs from run to run: part of a rollback's name, the namespace, times and hashes.
var varying = regexp.MustCompile(`-[0-9a-f]{8}\b|world-[0-9]+|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(Z|\+00:00)|\b[0-9a-f]{12}\b`)

func masked(text string) string { return varying.ReplaceAllString(text, "") }

// order: what people must be able to read in sequence.
func (e *End) order(name string, lines []line) {
	at := func(event string) int {
		return slices.IndexFunc(lines, func(l line) bool { return l.Event == event })
	}
	for _, pair := range [][2]string{
		{"incident", "escalated"}, {"escalated", "diagnosed"}, {"incident", "closed"}, {"rollback_requested", "approved"},
		{"approved", "config_change"}, {"config_change", "disabled"}, {"config_change", "config_applied"}, {"disabled", "verified"},
		{"restore_requested", "restored"}, {"disabled", "renewed"}, {"restore_requested", "restore_refused"},
	} {
		if first, second := at(pair[0]), at(pair[1]); first >= 0 && second >= 0 && first > second {
			e.Problem("%s: %s stands before %s", name, pair[1], pair[0])
		}
	}
}

// Problem is something that is wrong by itself.
func (e *End) Problem(format string, args ...any) {
	e.Problems = append(e.Problems, fmt.Sprintf(format, args...))
}

// Violations are the differences to the uncut run, and what is wrong by itself.
func (e *End) Violations(reference *End) []string {
	found := slices.Clone(e.Problems)
	differ := func(what string, got, want any) {
		if fmt.Sprint(got) != fmt.Sprint(want) {
			found = append(found, fmt.Sprintf("%s: got %v, want %v (last error: %v)", what, got, want, e.lastError))
		}
	}
	differ("incident", e.incident, reference.incident)
	differ("other incidents", e.others, reference.others)
	differ("rollbacks", e.rollbacks, reference.rollbacks)
	differ("conditions", strings.Join(e.conditions, "\n"), strings.Join(reference.conditions, "\n"))
	differ("log", strings.Join(e.told, "\n"), strings.Join(reference.told, "\n"))
	differ("Jobs", e.jobs, reference.jobs)
	differ("Jobs left", e.leftJobs, reference.leftJobs)
	differ("restarts", e.restarts, reference.restarts)
	differ("configuration", e.content, reference.content)
	differ("repository", e.git, reference.git)
	differ("record", e.holders, reference.holders)
	return found
}

// Wrong is what is not as the scenario says, and what is wrong by itself.
func (e *End) Wrong(s Scenario) []string {
	found := slices.Clone(e.Problems)
	if s.Told {
		return found
	}
	differ := func(what string, got, want any) {
		if fmt.Sprint(got) != fmt.Sprint(want) {
			found = append(found, fmt.Sprintf("%s: got %v, want %v", what, got, want))
		}
	}
	differ("incident", e.incident, s.Incident)
	differ("other incidents", e.others, orEmpty(s.Others))
	differ("rollbacks", e.rollbacks, orEmpty(s.Rollbacks))
	differ("configuration", e.content, masked(s.Content()))
	return found
}

func orEmpty(all map[string]string) map[string]string {
	if all == nil {
		return map[string]string{}
	}
	return all
}

// String is the end as people compare it.
func (e *End) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "incident: %s\nothers: %v\nrollbacks: %v\nJobs: %v\nJobs left: %d\nrestarts: %d\nrecord: %v\n", e.incident, e.others, e.rollbacks, e.jobs, e.leftJobs, e.restarts, e.holders)
	fmt.Fprintf(&b, "\nconditions:\n%s\n\nlog:\n%s\n\nconfiguration:\n%s", strings.Join(e.conditions, "\n"), strings.Join(e.told, "\n"), e.content)
	return b.String()
}
