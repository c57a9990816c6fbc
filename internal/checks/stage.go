package checks

import (
	"fmt"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/rules"
)

// roundSize keeps the attempts of two rounds of one stage apart: round 1 counts 1, 2, ..., round 2 counts 11, 12, ...
const roundSize = 10

// maxRecords is how many judged attempts stay in a status.
const maxRecords = 64

// ID names one attempt within an object.
type ID struct {
	Stage   strategyv1.Stage
	Check   string
	Attempt int32
}

// IDOf is the attempt that a record is about.
func IDOf(record strategyv1.CheckStatus) ID {
	return ID{record.Stage, record.Name, record.Attempt}
}

// JobState is one Job of the object, as observed.
type JobState struct {
	Job      *batchv1.Job // abridged
	Foreign  string       // why it is none that the operator asked for; empty: it is
	Progress Progress
	// Stored is the outcome as it lies in the bucket, with where it lies.
	Stored    *Outcome
	Reference strategyv1.EvidenceReference
}

// ID is the attempt that a Job is about.
func (j JobState) ID() ID {
	return ID{strategyv1.Stage(j.Job.Labels[strategyv1.LabelStage]), j.Job.Labels[strategyv1.LabelCheck], AttemptOf(j.Job)}
}

// Stage runs the checks of one stage side by side.
type Stage struct {
	Namespace string
	Owner     metav1.OwnerReference
	Stage     strategyv1.Stage
	Round     int32 // from 1, higher when the stage is entered again: attempts 10(r-1)+1 to 10r, of which 5 retries need 6
	Uses      []strategyv1.CheckUse
	Optional  []string // names of those uses without which the stage goes on when they could not be measured
	Specs     []strategyv1.CheckSpec
	Templates func() map[string]Template // asked when a Job is to be built
	Context   Context
	// Refused are the words with which the API server refuses the object's Jobs, and RefusedFor is for how long it has; empty and 0: it
	// does not.
	Refused    string
	RefusedFor time.Duration
}

// Result is how far a stage is.
type Result struct {
	Done    bool                     // every check of the stage has its final verdict
	Final   []strategyv1.CheckStatus // those verdicts, in the order of the uses; only the judged ones that rules see
	Without []string                 // optional checks that could not be measured: the stage goes on without them
	Jobs    []*batchv1.Job           // to create
	NextAt  time.Time                // the next deadline of a running Job; zero = none
	Waiting map[string]string        // why a check's pod does not run yet
	Missing string                   // why a Job cannot be built: its PodTemplate is gone, or no pod of it may run
	// MissingReason is the condition's reason for that.
	MissingReason string
	Refused       []strategyv1.CheckStatus // attempts whose Jobs were refused for longer than a start may take: Error
}

// Run decides what a stage needs, given the judged records and the Jobs that are there.
func (s Stage) Run(records []strategyv1.CheckStatus, jobs []JobState) Result {
	result := Result{Done: true, Waiting: map[string]string{}}
	for _, use := range s.Uses {
		spec, _ := Find(s.Specs, use.Name)
		judged := s.judged(records, use.Name)
		if judged != nil && s.final(spec, *judged) {
			if judged.Verdict == strategyv1.VerdictError && slices.Contains(s.Optional, use.Name) {
				result.Without = append(result.Without, use.Name)
			} else {
				result.Final = append(result.Final, *judged)
			}
			continue
		}
		attempt := s.next(judged)
		if running := findJob(jobs, ID{s.Stage, use.Name, attempt}); running != nil { // or a foreign one, which goes first
			result.Done = false
			result.NextAt = Earlier(result.NextAt, running.Progress.NextAt)
			if running.Progress.Waiting != "" {
				result.Waiting[use.Name] = running.Progress.Waiting
			}
			continue
		}
		template, found := s.Templates()[spec.PodTemplateName]
		missing := s.missing(use.Name, spec, template, found)
		if missing != "" && slices.Contains(s.Optional, use.Name) {
			result.Without = append(result.Without, use.Name)
			continue
		}
		result.Done = false
		if missing != "" {
			result.Missing, result.MissingReason = missing, strategyv1.ReasonPodTemplateNotFound
			if found {
				result.MissingReason = strategyv1.ReasonPodTemplateNotAllowed
			}
			continue
		}
		if s.RefusedFor > 0 && s.RefusedFor >= time.Duration(spec.StartTimeoutSeconds)*time.Second {
			result.Refused = append(result.Refused, s.refused(spec, attempt))
			continue
		}
		result.Jobs = append(result.Jobs, Job(Run{
			Namespace: s.Namespace, Owner: s.Owner, Stage: s.Stage, Check: spec, Use: use,
			Attempt: attempt, Template: template.PodTemplateSpec, Context: s.Context,
		}))
	}
	return result
}

// missing says why a Job of a check cannot be built, and what to do; empty: it can.
func (s Stage) missing(check string, spec strategyv1.CheckSpec, template Template, found bool) string {
	switch {
	case !found:
		return fmt.Sprintf("check %s needs PodTemplate %s, which does not exist in namespace %s; create it", check, spec.PodTemplateName, s.Namespace)
	case template.NotAllowed != "":
		return fmt.Sprintf("check %s needs PodTemplate %s, and no pod of it may run: %s", check, spec.PodTemplateName, template.NotAllowed)
	}
	return ""
}

// refused is an attempt that never was: there is no Job, and so no evidence.
func (s Stage) refused(spec strategyv1.CheckSpec, attempt int32) strategyv1.CheckStatus {
	return strategyv1.CheckStatus{
		Stage: s.Stage, Name: spec.Name, Attempt: attempt, Verdict: strategyv1.VerdictError,
		Message: bounded.Text(fmt.Sprintf("no Job was created within %d s: %s", spec.StartTimeoutSeconds, s.Refused), 1024),
	}
}

// next is the attempt after the newest judged one.
func (s Stage) next(judged *strategyv1.CheckStatus) int32 {
	if judged != nil {
		return judged.Attempt + 1
	}
	return s.base() + 1
}

func (s Stage) base() int32 {
	return (max(s.Round, 1) - 1) * roundSize
}

// judged is the newest judged attempt of a check in this round, or nil.
func (s Stage) judged(records []strategyv1.CheckStatus, check string) *strategyv1.CheckStatus {
	var newest *strategyv1.CheckStatus
	for i, record := range records {
		inRound := record.Attempt > s.base() && record.Attempt <= s.base()+roundSize
		if record.Stage == s.Stage && record.Name == check && inRound && (newest == nil || record.Attempt > newest.Attempt) {
			newest = &records[i]
		}
	}
	return newest
}

// final: only an attempt that could not measure is repeated, and only `retries` times.
func (s Stage) final(spec strategyv1.CheckSpec, judged strategyv1.CheckStatus) bool {
	retries := int32(0)
	if spec.Retries != nil {
		retries = *spec.Retries
	}
	return judged.Verdict != strategyv1.VerdictError || judged.Attempt-s.base() > retries
}

// Collected is what finished Jobs mean for the status, and what to do with the Jobs.
type Collected struct {
	Records []strategyv1.CheckStatus // newly judged
	Delete  []action.Action          // Jobs whose evidence is stored and whose verdict is recorded, and foreign ones
	Foreign []string                 // why a Job is none of ours
}

// Collect judges the Jobs whose outcome is stored: a verdict comes from what lies in the bucket, so that it can be made again.
// vars gives a check's variables besides its own report.
func Collect(specs []strategyv1.CheckSpec, records []strategyv1.CheckStatus, jobs []JobState, vars func(ID) rules.Vars) Collected {
	var result Collected
	for _, job := range jobs {
		if job.Foreign != "" {
			result.Delete, result.Foreign = append(result.Delete, Delete(job)), append(result.Foreign, job.Foreign)
			continue
		}
		if job.Stored == nil {
			continue
		}
		result.Delete = append(result.Delete, Delete(job))
		id := job.ID()
		spec, known := Find(specs, id.Check)
		if !known || Recorded(records, id) {
			continue
		}
		verdict, message := Judge(spec, *job.Stored, vars(id))
		result.Records = append(result.Records, record(job, verdict, message))
	}
	return result
}

// Delete is the action that removes a Job.
func Delete(job JobState) action.Action {
	return action.DeleteJob{Key: types.NamespacedName{Namespace: job.Job.Namespace, Name: job.Job.Name}, UID: job.Job.UID}
}

// AddRecords appends judged attempts and keeps 64. Those that a later attempt of the same check superseded go first: a
// check whose last record is gone would run again.
func AddRecords(records, judged []strategyv1.CheckStatus) []strategyv1.CheckStatus {
	records = append(records, judged...)
	for len(records) > maxRecords {
		oldest := 0
		for i, record := range records {
			if superseded(record, records[i+1:]) {
				oldest = i
				break
			}
		}
		records = slices.Delete(records, oldest, oldest+1)
	}
	return records
}

func superseded(record strategyv1.CheckStatus, later []strategyv1.CheckStatus) bool {
	return slices.ContainsFunc(later, func(other strategyv1.CheckStatus) bool {
		return other.Stage == record.Stage && other.Name == record.Name
	})
}

// Facts are the judged checks as rules see them, with their reports.
func Facts(judged []strategyv1.CheckStatus, outcomes map[ID]Outcome) []rules.Check {
	facts := make([]rules.Check, 0, len(judged))
	for _, record := range judged {
		outcome := outcomes[IDOf(record)]
		facts = append(facts, rules.Check{
			Name: record.Name, Verdict: string(record.Verdict), ExitCode: outcome.ExitCode, Report: outcome.Report.Value(),
		})
	}
	return facts
}

// Find is the check of a playbook by name.
func Find(specs []strategyv1.CheckSpec, name string) (strategyv1.CheckSpec, bool) {
	for _, spec := range specs {
		if spec.Name == name {
			return spec, true
		}
	}
	return strategyv1.CheckSpec{}, false
}

// Earlier is the earlier of two times, where zero means never.
func Earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

func record(job JobState, verdict strategyv1.Verdict, message string) strategyv1.CheckStatus {
	outcome := job.Stored
	status := strategyv1.CheckStatus{
		Stage: outcome.Stage, Name: outcome.Check, Attempt: outcome.Attempt, Verdict: verdict,
		Message: bounded.Text(message, 1024), JobName: job.Job.Name, ImageID: outcome.ImageID, Report: &job.Reference,
	}
	if outcome.StartTime != nil {
		status.StartTime = new(metav1.NewTime(outcome.StartTime.UTC()))
	}
	if outcome.CompletionTime != nil {
		status.CompletionTime = new(metav1.NewTime(outcome.CompletionTime.UTC()))
	}
	return status
}

// Recorded says whether an attempt is among those that are judged.
func Recorded(records []strategyv1.CheckStatus, id ID) bool {
	for _, existing := range records {
		if IDOf(existing) == id {
			return true
		}
	}
	return false
}

func findJob(jobs []JobState, id ID) *JobState {
	for i := range jobs {
		if jobs[i].ID() == id {
			return &jobs[i]
		}
	}
	return nil
}

// Sentence is "Triage load-test: Fail, avg_latency_ms > 250", for messages and the log.
func Sentence(record strategyv1.CheckStatus) string {
	return fmt.Sprintf("%s %s: %s, %s", record.Stage, record.Name, record.Verdict, record.Message)
}
