package testkit

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/record"
)

// Execute carries out actions in order.
func (w *World) Execute(actions []action.Action) {
	w.T.Helper()
	for _, wanted := range actions {
		w.execute(wanted)
	}
}

// Cut is what is carried out if the process dies in the middle of action n: of log entries half.
func Cut(actions []action.Action, n int) []action.Action {
	done := append([]action.Action(nil), actions[:n]...)
	if entries, found := actions[n].(action.AppendEntries); found {
		entries.Entries = entries.Entries[:len(entries.Entries)/2]
		done = append(done, entries)
	}
	return done
}

func (w *World) createJob(a action.CreateJob) {
	for _, job := range w.jobs {
		if job.Name == a.Job.Name {
			return // AlreadyExists, and ours
		}
	}
	job := a.Job.DeepCopy()
	job.CreationTimestamp = metav1.NewTime(w.Now)
	w.Created[job.Name]++
	job.UID = types.UID(fmt.Sprintf("%s-%d", job.Name, w.Created[job.Name]))
	w.jobs = append(w.jobs, job)
}

func (w *World) execute(wanted action.Action) {
	w.T.Helper()
	switch a := wanted.(type) {
	case action.StoreEvidence:
		if _, found := w.Objects[a.Key]; !found {
			w.Objects[a.Key] = a.Data
		}
	case action.AppendEntries:
		w.append(a)
	case action.CreateJob:
		w.createJob(a)
	case action.DeleteJob:
		w.jobs = slices.DeleteFunc(slices.Clone(w.jobs), func(job *batchv1.Job) bool { return job.Name == a.Key.Name && job.UID == a.UID })
	case action.CreateRollback:
		if _, found := w.Rollbacks[a.Rollback.Name]; !found {
			created := a.Rollback.DeepCopy()
			created.UID, created.CreationTimestamp = types.UID("uid-"+record.Hash(created.Name)[:32]), metav1.NewTime(w.Now)
			w.Rollbacks[created.Name] = created
		}
	case action.AnswerDecision:
		w.answer(a)
	case action.RestartWorkload:
		w.restart(a)
	case action.SetFinalizers:
		w.setFinalizers(a)
	case action.Event:
		w.Events = append(w.Events, a.Type+" "+a.Reason+": "+a.Message)
	default:
		w.T.Fatalf("the world cannot do %T", wanted)
	}
}

// answer: what a decision was told once never changes.
func (w *World) answer(a action.AnswerDecision) {
	w.T.Helper()
	if w.Deaf {
		return
	}
	if w.Answers == nil {
		w.Answers = map[string]strategyv1.DecisionAnswer{}
	}
	if before, found := w.Answers[a.UID]; found && before != a.Answer {
		w.T.Fatalf("decision %s was told %v, and now %v", a.Name, before, a.Answer)
	}
	w.Answers[a.UID] = a.Answer
}

// Answered are decisions as they are observed now.
func (w *World) Answered(decided []facts.Decided) []facts.Decided {
	var all []facts.Decided
	for _, one := range decided {
		one.Outcome = w.Answers[one.UID].Outcome
		all = append(all, one)
	}
	return all
}

func (w *World) setFinalizers(a action.SetFinalizers) {
	rollback, found := w.Rollbacks[a.Key.Name]
	if !found {
		return
	}
	rollback.Finalizers = a.Finalizers
	if len(a.Finalizers) == 0 && !rollback.DeletionTimestamp.IsZero() {
		delete(w.Rollbacks, a.Key.Name)
	}
}

func stamp(at time.Time) *metav1.Time { return new(metav1.NewTime(at.UTC().Truncate(time.Second))) }

// signingKey signs the logs of the world, and of nothing else.
var signingKey = decisionlog.Key{ID: "k1", Secret: bytes.Repeat([]byte("k"), 32)}

func (w *World) append(a action.AppendEntries) {
	w.T.Helper()
	lines := w.Logs[a.Prefix]
	head := ""
	if len(lines) > 0 {
		head = lines[len(lines)-1].Hash
	}
	if int64(len(lines)) != a.After || head != a.Head {
		w.T.Fatalf("the log %s has %d entries, the plan appends after %d", a.Prefix, len(lines), a.After)
	}
	for _, entry := range a.Entries {
		entry.Seq, entry.PrevHash = int64(len(lines))+1, head
		_, hash, err := decisionlog.Sign(entry, signingKey)
		if err != nil {
			w.T.Fatalf("%v", err)
		}
		lines, head = append(lines, Line{entry.Event, entry.Artefacts["message"], entry.Artefacts["by"], hash}), hash
	}
	w.Logs[a.Prefix] = lines
}

// CheckTimeline compares the timeline of a status with the log: without gaps, and entry n is entry n. What a crash kept
// from the log may be missing at its end only.
func (w *World) CheckTimeline(prefix string, timeline []strategyv1.TimelineEntry, complete bool) {
	w.T.Helper()
	lines := w.Logs[prefix]
	for i, entry := range timeline {
		if i > 0 && entry.Seq != timeline[i-1].Seq+1 {
			w.T.Fatalf("the timeline has a gap: %d after %d", entry.Seq, timeline[i-1].Seq)
		}
		if entry.Seq > int64(len(lines)) {
			if complete {
				w.T.Fatalf("entry %d (%s) is not in the log", entry.Seq, entry.Event)
			}
			continue
		}
		if line := lines[entry.Seq-1]; line.Event != string(entry.Event) || line.Message != entry.Message || line.By != entry.By {
			w.T.Fatalf("entry %d is %s %q in the timeline and %s %q in the log", entry.Seq, entry.Event, entry.Message, line.Event, line.Message)
		}
	}
	if n := len(timeline); n > 0 && timeline[n-1].Seq < int64(len(lines)) {
		w.T.Fatalf("the log has %d entries, the timeline ends at %d", len(lines), timeline[n-1].Seq)
	}
}

// Describe names actions by kind and key fields.
func Describe(actions []action.Action) []string {
	described := []string{}
	for _, wanted := range actions {
		described = append(described, describe(wanted))
	}
	return described
}

func describe(wanted action.Action) string {
	switch a := wanted.(type) {
	case action.StoreEvidence:
		return "store " + a.Key[strings.LastIndexByte(a.Key, '/')+1:]
	case action.AppendEntries:
		words := make([]string, len(a.Entries))
		for i, entry := range a.Entries {
			words[i] = entry.Event
		}
		return fmt.Sprintf("log %d+ %s", a.After, strings.Join(words, ","))
	case action.CreateJob:
		return "create Job " + idText(a.Job)
	case action.DeleteJob:
		return "delete Job " + a.Key.Name[:strings.LastIndexByte(a.Key.Name, '-')]
	case action.CreateRollback:
		return "create rollback " + a.Rollback.Name
	case action.CreateRevision:
		return "create revision " + a.Revision.Name
	case action.AnswerDecision:
		return fmt.Sprintf("answer %s %s", a.Name, a.Answer.Outcome)
	case action.RestartWorkload:
		return "restart " + a.Key.Name
	case action.SetFinalizers:
		if len(a.Finalizers) == 0 {
			return "let go"
		}
		return "hold on"
	case action.Event:
		if a.Type == corev1.EventTypeWarning {
			return "warn " + a.Reason
		}
		return "tell " + a.Reason
	}
	return fmt.Sprintf("%T", wanted)
}

// Conditions are "Type=Status/Reason", in the order of the status, the summary last and without Stalled where it is False.
func Conditions(conditions []metav1.Condition) string {
	var all, summary []string
	for _, c := range conditions {
		text := fmt.Sprintf("%s=%s/%s", c.Type, c.Status, c.Reason)
		switch {
		case c.Type == strategyv1.ConditionStalled && c.Status == metav1.ConditionFalse:
		case c.Type == strategyv1.ConditionReady || c.Type == strategyv1.ConditionStalled:
			summary = append(summary, text)
		default:
			all = append(all, text)
		}
	}
	return strings.Join(append(all, summary...), " ")
}
