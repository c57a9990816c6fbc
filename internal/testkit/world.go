package testkit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/config/botcore"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/gitops"
	"tradeops.dev/strategy-operator/internal/playbook"
	"tradeops.dev/strategy-operator/internal/record"
	"tradeops.dev/strategy-operator/internal/rules"
	"tradeops.dev/strategy-operator/internal/schedulerconfig"
)

// T0 is when every story starts.
var T0 = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// T is the part of testing.T that the world needs; rapid.T has it, too.
type T interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Line is one entry of a log as the bucket holds it.
type Line struct{ Event, Message, By, Hash string }

// World is everything outside of the plans.
type World struct {
	// Answers are what decisions were told, by their UID.
	Answers map[string]strategyv1.DecisionAnswer
	Deaf    bool // the API server refuses to tell them

	T           T
	Now         time.Time
	Spec        strategyv1.StrategyPlaybookSpec
	Templates   map[string]checks.Template
	Content     string // of the ConfigMap
	Edits       string // its annotation
	Deployment  *appsv1.Deployment
	Pods        []corev1.Pod
	Running     string                  // the document that the newest pod has loaded
	Stale       int                     // so many restarts read the document as it was before
	Reloader    bool                    // a tool restarts the Deployment whenever the ConfigMap changed
	Owner       *strategyv1.ConfigOwner // of the ConfigMap
	Writer      *gitops.Writer          // of it
	Annotations map[string]string       // of it, without Edits
	Logs        map[string][]Line
	Objects     map[string][]byte
	Events      []string
	Rollbacks   map[string]*strategyv1.StrategyRollback
	Refused     []record.Refusal
	Dropped     []record.Holder // orphans: nobody undoes their edits
	WriteAt     time.Time       // until then the writer waits for other claims; zero: it does not
	Writes      int             // of the configuration
	Restarts    int             // of the Deployment
	Created     map[string]int  // Jobs by name
	// Report is what a Job's container prints, by the attempt; nil leaves it running.
	Report func(checks.ID) *Report

	jobs     []*batchv1.Job
	finished map[types.UID]Report
	prefixes map[types.UID]string // of the evidence, by owner
	version  int
	before   string // the document before the newest write
	prepared *schedulerconfig.Decision

	described struct {
		of       string
		document *config.Document
		summary  botcore.Summary
		err      error
	}
}

// Report is how a container ended.
type Report struct {
	Reason string // a reason of package checks; default Exited
	Exit   int32
	JSON   string // empty: it printed none
}

// OK, Warn, Fail, Mute and Broken are usual reports: Mute ends well without a report, Broken could not measure.
func OK() *Report     { return &Report{JSON: `{"status":"ok","ms":100}`} }
func Warn() *Report   { return &Report{JSON: `{"status":"warn","ms":100}`} }
func Fail() *Report   { return &Report{JSON: `{"status":"fail","ms":100}`} }
func Mute() *Report   { return &Report{} }
func Broken() *Report { return &Report{Reason: checks.ReasonNotStarted} }

// New is a world at T0 where nothing happened yet.
func New(t T) *World {
	w := &World{
		T: t, Now: T0, Spec: Playbook(), Templates: Templates(), Content: Document, Running: Document, before: Document, version: 1,
		Logs: map[string][]Line{}, Objects: map[string][]byte{}, Created: map[string]int{}, finished: map[types.UID]Report{}, prefixes: map[types.UID]string{},
		Rollbacks: map[string]*strategyv1.StrategyRollback{}, Annotations: map[string]string{}, Report: func(checks.ID) *Report { return nil },
	}
	w.Deployment = &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: Scheduler, Generation: 1, ResourceVersion: "1"},
		Spec: appsv1.DeploymentSpec{Replicas: new(int32(1)), Strategy: appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType}, Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			Containers: []corev1.Container{{Name: "scheduler", VolumeMounts: []corev1.VolumeMount{{Name: "config", MountPath: "/config"}}}},
			Volumes:    []corev1.Volume{{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: ConfigMap}}}}},
		}}},
		Status: appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: 1, UpdatedReplicas: 1, AvailableReplicas: 1},
	}
	w.Pods = []corev1.Pod{{ObjectMeta: metav1.ObjectMeta{Name: "scheduler-1"}, Status: corev1.PodStatus{Phase: corev1.PodRunning}}}
	return w
}

// At sets the clock to so long after T0.
func (w *World) At(d time.Duration) { w.Now = T0.Add(d) }

// recorded is what stands in the annotation, whoever wrote it.
func (w *World) recorded() record.State {
	w.T.Helper()
	state, err := record.ParseState(w.Edits)
	if err != nil {
		w.T.Fatalf("%v", err)
	}
	return state
}

// Config as it would be observed.
func (w *World) Config() facts.Config {
	w.T.Helper()
	state, doubts := w.recorded().Believe(w.receipts())
	w.describe(w.Content)
	observed := facts.Config{
		ResourceVersion: strconv.Itoa(w.version), Document: w.described.document, Summary: w.described.summary, SHA256: record.Hash(w.Content), State: state, Doubts: doubts, Owner: w.Owner, Writer: w.Writer,
	}
	if err := w.described.err; err != nil {
		observed.Problem = &facts.Problem{Reason: strategyv1.ReasonConfigInvalid, Message: err.Error()}
	}
	return observed
}

// Parsed is a document of a test, which must be one.
func Parsed(t T, text string) *config.Document {
	t.Helper()
	document, err := config.Parse(text)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return document
}

// describe remembers what was read last: most passes see the same document.
func (w *World) describe(content string) {
	if w.described.of == content {
		return
	}
	w.described.of, w.described.summary = content, botcore.Summary{}
	if w.described.document, w.described.err = config.Parse(content); w.described.err == nil {
		w.described.summary, w.described.err = botcore.Describe(w.described.document, botcore.Target{Scheduler: w.Spec.Scheduler.Name, Environment: w.Spec.Scheduler.Environment})
	}
}

// Log as it would be observed.
func (w *World) Log(prefix string) facts.Log {
	lines := w.Logs[prefix]
	observed := facts.Log{Entries: int64(len(lines))}
	if len(lines) > 0 {
		observed.Head = lines[len(lines)-1].Hash
	}
	return observed
}

// Runs of one object as they would be observed.
func (w *World) Runs(uid types.UID, prefix string, known checks.Known) facts.Runs {
	w.T.Helper()
	w.prefixes[uid] = prefix
	observed := facts.Runs{Outcomes: map[checks.ID]checks.Outcome{}}
	for _, job := range w.jobs {
		if job.Labels[strategyv1.LabelOwnerUID] != string(uid) {
			continue
		}
		state := checks.JobState{Job: job.DeepCopy()}
		checks.Abridge(state.Job)
		if state.Foreign = known.Foreign(state.Job); state.Foreign != "" {
			observed.Jobs = append(observed.Jobs, state)
			continue
		}
		id := state.ID()
		spec, _ := checks.Find(w.Spec.Checks, id.Check)
		_, done := w.finished[job.UID]
		state.Progress = checks.Progress{Finished: done}
		if !done {
			state.Progress.NextAt = job.CreationTimestamp.Add(time.Duration(spec.StartTimeoutSeconds) * time.Second)
			if !w.Now.Before(state.Progress.NextAt) {
				state.Progress.NextAt = time.Time{}
			}
		}
		key := evidence.ReportKey(prefix, string(id.Stage), id.Check, id.Attempt)
		if stored, found := w.Objects[key]; found {
			outcome := decodeOutcome(w.T, stored)
			state.Stored, state.Reference = &outcome, reference(key, stored)
		}
		observed.Jobs = append(observed.Jobs, state)
	}
	for key, data := range w.Objects {
		if !bytes.HasPrefix([]byte(key), []byte(prefix+"checks/")) {
			continue
		}
		outcome := decodeOutcome(w.T, data)
		observed.Outcomes[checks.ID{Stage: outcome.Stage, Check: outcome.Check, Attempt: outcome.Attempt}] = outcome
	}
	return observed
}

// collect stores the outcome of a Job that ended, once.
func (w *World) collect(job *batchv1.Job, report Report) bool {
	w.T.Helper()
	job = job.DeepCopy()
	checks.Abridge(job)
	id := checks.JobState{Job: job}.ID()
	key := evidence.ReportKey(w.prefixes[types.UID(job.Labels[strategyv1.LabelOwnerUID])], string(id.Stage), id.Check, id.Attempt)
	if _, found := w.Objects[key]; found {
		return false
	}
	spec, _ := checks.Find(w.Spec.Checks, id.Check)
	data, err := json.Marshal(outcomeOf(id, job, spec, report, w.Now))
	if err != nil {
		w.T.Fatalf("%v", err)
	}
	w.Objects[key] = data
	return true
}

func outcomeOf(id checks.ID, job *batchv1.Job, spec strategyv1.CheckSpec, report Report, now time.Time) checks.Outcome {
	outcome := checks.Outcome{Stage: id.Stage, Check: id.Check, Attempt: id.Attempt, JobName: job.Name, Severity: checks.SeverityOf(job), Reason: checks.ReasonExited, CompletionTime: &now}
	if report.Reason != "" {
		outcome.Reason = report.Reason
		return outcome
	}
	outcome.ExitCode = new(report.Exit)
	return checks.WithReport(outcome, spec, rules.Vars{Owner: Namespace}, []byte(report.JSON), "")
}

func decodeOutcome(t T, data []byte) (outcome checks.Outcome) {
	t.Helper()
	if err := json.Unmarshal(data, &outcome); err != nil {
		t.Fatalf("the stored outcome cannot be read: %v", err)
	}
	return outcome
}

func reference(key string, data []byte) strategyv1.EvidenceReference {
	return strategyv1.EvidenceReference{Key: key, SHA256: record.Hash(string(data)), Bytes: new(int64(len(data)))}
}

// Step lets the world go on without the operator: Jobs end as Report says, the Deployment rolls out. It says whether
// anything happened.
func (w *World) Step() bool {
	happened := false
	for _, job := range w.jobs {
		state := checks.JobState{Job: job}
		if report, done := w.finished[job.UID]; done {
			happened = w.collect(job, report) || happened
			continue
		}
		report := w.Report(state.ID())
		if state.ID().Check == w.Spec.Scheduler.Proof.Check && report == nil {
			report = &Report{JSON: w.proof()}
		}
		if report != nil {
			w.finished[job.UID], happened = *report, true
		}
	}
	return w.rollOut() || happened
}

// Jobs that are there, by "stage/check/attempt".
func (w *World) Jobs() []string {
	var all []string
	for _, job := range w.jobs {
		all = append(all, idText(job))
	}
	slices.Sort(all)
	return all
}

func idText(job *batchv1.Job) string {
	return fmt.Sprintf("%s/%s/%s", job.Labels[strategyv1.LabelStage], job.Labels[strategyv1.LabelCheck], job.Labels[strategyv1.LabelAttempt])
}

// OnHold is the hold of a playbook whose spec says so, or none.
func OnHold(suspended bool) *facts.Hold {
	shown := &strategyv1.StrategyPlaybook{Spec: strategyv1.StrategyPlaybookSpec{Suspend: suspended}}
	return playbook.HoldOf(shown, Namespace, "multi-strategy")
}
