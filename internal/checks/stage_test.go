package checks

import (
	"fmt"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/rules"
)

func judgedAs(check string, attempt int32, verdict strategyv1.Verdict) strategyv1.CheckStatus {
	return strategyv1.CheckStatus{Stage: strategyv1.StageTriage, Name: check, Attempt: attempt, Verdict: verdict}
}

func jobOf(check string, attempt int32) JobState {
	return JobState{Job: Job(Run{Stage: strategyv1.StageTriage, Check: strategyv1.CheckSpec{Name: check}, Attempt: attempt})}
}

func TestStageRun(t *testing.T) {
	waiting := jobOf("a", 1)
	waiting.Progress = Progress{NextAt: t0, Waiting: "ImagePullBackOff"}
	for name, c := range map[string]struct {
		round   int32
		retries int32
		records []strategyv1.CheckStatus
		jobs    []JobState
		creates string
		final   string
		done    bool
	}{
		"nothing yet: all at once":                     {creates: "a/1 b/1"},
		"a running Job is not created again":           {jobs: []JobState{waiting}, creates: "b/1"},
		"Error is tried again":                         {retries: 1, records: []strategyv1.CheckStatus{judgedAs("a", 1, "Error")}, creates: "a/2 b/1"},
		"not more often than retries":                  {retries: 1, records: []strategyv1.CheckStatus{judgedAs("a", 1, "Error"), judgedAs("a", 2, "Error")}, creates: "b/1", final: "a=Error"},
		"no retries":                                   {records: []strategyv1.CheckStatus{judgedAs("a", 1, "Error")}, creates: "b/1", final: "a=Error"},
		"Fail is not tried again":                      {retries: 5, records: []strategyv1.CheckStatus{judgedAs("a", 1, "Fail")}, creates: "b/1", final: "a=Fail"},
		"Inconclusive is not tried again":              {retries: 5, records: []strategyv1.CheckStatus{judgedAs("a", 1, "Inconclusive")}, creates: "b/1", final: "a=Inconclusive"},
		"done":                                         {records: []strategyv1.CheckStatus{judgedAs("b", 1, "Pass"), judgedAs("a", 1, "Warn")}, final: "a=Warn b=Pass", done: true},
		"the last attempt counts":                      {retries: 2, records: []strategyv1.CheckStatus{judgedAs("a", 1, "Error"), judgedAs("a", 2, "Pass"), judgedAs("b", 1, "Pass")}, final: "a=Pass b=Pass", done: true},
		"a second round starts anew":                   {round: 2, records: []strategyv1.CheckStatus{judgedAs("a", 1, "Pass"), judgedAs("b", 1, "Pass")}, creates: "a/11 b/11"},
		"attempts of the second round":                 {round: 2, retries: 1, records: []strategyv1.CheckStatus{judgedAs("a", 11, "Error"), judgedAs("b", 11, "Pass")}, creates: "a/12", final: "b=Pass"},
		"the first attempt's record was dropped":       {retries: 2, records: []strategyv1.CheckStatus{judgedAs("a", 2, "Error"), judgedAs("b", 1, "Pass")}, creates: "a/3", final: "b=Pass"},
		"dropped and at its end":                       {retries: 2, records: []strategyv1.CheckStatus{judgedAs("a", 3, "Error"), judgedAs("b", 1, "Pass")}, final: "a=Error b=Pass", done: true},
		"another stage's records do not count":         {records: []strategyv1.CheckStatus{{Stage: strategyv1.StageDiagnosis, Name: "a", Attempt: 1, Verdict: "Pass"}}, creates: "a/1 b/1"},
		"another stage's running Jobs do not count":    {jobs: []JobState{{Job: Job(Run{Stage: strategyv1.StageDiagnosis, Check: strategyv1.CheckSpec{Name: "a"}, Attempt: 1})}}, creates: "a/1 b/1"},
		"a Job of an earlier attempt does not hold up": {retries: 1, records: []strategyv1.CheckStatus{judgedAs("a", 1, "Error")}, jobs: []JobState{jobOf("a", 1), jobOf("b", 1)}, creates: "a/2"},
	} {
		t.Run(name, func(t *testing.T) {
			stage := Stage{
				Stage: strategyv1.StageTriage, Round: c.round, Uses: []strategyv1.CheckUse{{Name: "a"}, {Name: "b"}},
				Specs:     []strategyv1.CheckSpec{{Name: "a", PodTemplateName: "t", Retries: &c.retries}, {Name: "b", PodTemplateName: "t"}},
				Templates: template,
			}
			got := stage.Run(c.records, c.jobs)
			var creates, final []string
			for _, wanted := range got.Jobs {
				labels := wanted.Labels
				creates = append(creates, labels[strategyv1.LabelCheck]+"/"+labels[strategyv1.LabelAttempt])
			}
			for _, record := range got.Final {
				final = append(final, fmt.Sprintf("%s=%s", record.Name, record.Verdict))
			}
			if strings.Join(creates, " ") != c.creates || strings.Join(final, " ") != c.final || got.Done != c.done || got.Missing != "" {
				t.Errorf("creates %v, final %v, done %v; want %q, %q, %v", creates, final, got.Done, c.creates, c.final, c.done)
			}
			if waits := len(c.jobs) > 0 && c.jobs[0].Progress.Waiting != ""; waits && (got.Waiting["a"] != "ImagePullBackOff" || !got.NextAt.Equal(t0)) {
				t.Errorf("it does not say what it waits for: %v, %v", got.Waiting, got.NextAt)
			}
			stage.Templates = func() map[string]Template { return nil }
			if got := stage.Run(c.records, c.jobs); (got.Missing != "") != (c.creates != "") || len(got.Jobs) > 0 {
				t.Errorf("without the PodTemplate: %q, %v", got.Missing, got.Jobs)
			}
		})
	}
}

func template() map[string]Template { return map[string]Template{"t": {}} }

// As many checks and retries as the API allows: no attempt twice, and it ends.
func TestTheLargestStageEnds(t *testing.T) {
	stage := Stage{Stage: strategyv1.StageTriage, Templates: template}
	for i := range 16 {
		name := fmt.Sprintf("check-%02d", i)
		stage.Uses = append(stage.Uses, strategyv1.CheckUse{Name: name})
		stage.Specs = append(stage.Specs, strategyv1.CheckSpec{Name: name, PodTemplateName: "t", Retries: new(int32(5))})
	}
	var records []strategyv1.CheckStatus
	seen := map[string]bool{}
	for range 20 {
		result := stage.Run(records, nil)
		if result.Done {
			if len(seen) != 1+15*6 || len(result.Final) != 16 || len(records) > maxRecords {
				t.Fatalf("%d attempts, %d verdicts, %d records", len(seen), len(result.Final), len(records))
			}
			return
		}
		for _, job := range result.Jobs {
			if seen[job.Name] {
				t.Fatalf("the attempt %s runs twice", job.Name)
			}
			seen[job.Name] = true
			verdict := strategyv1.VerdictError
			if job.Labels[strategyv1.LabelCheck] == "check-00" {
				verdict = strategyv1.VerdictPass
			}
			records = AddRecords(records, []strategyv1.CheckStatus{judgedAs(job.Labels[strategyv1.LabelCheck], AttemptOf(job), verdict)})
		}
	}
	t.Fatal("it does not end")
}

func TestCollect(t *testing.T) {
	specs := []strategyv1.CheckSpec{{Name: "a", Verdicts: []strategyv1.VerdictRule{{When: "incident.type == 'PnL'", Verdict: "Pass"}}}}
	finished, stored := jobOf("a", 1), jobOf("a", 1)
	finished.Progress.Finished = true
	stored.Job.Name, stored.Job.UID = "job", "uid"
	stored.Stored = &Outcome{
		Stage: strategyv1.StageTriage, Check: "a", Attempt: 1, Reason: ReasonExited, ExitCode: new(int32(0)), Report: NewReport([]byte("{}")),
		ImageID: "sha256:1", StartTime: &t0, CompletionTime: new(t0.Add(time.Minute)),
	}
	stored.Reference = strategyv1.EvidenceReference{Key: "outcome"}
	unknown := stored
	unknown.Job = jobOf("gone", 1).Job
	for name, c := range map[string]struct {
		job     JobState
		records []strategyv1.CheckStatus
		want    string // records, deletes
	}{
		"runs":                               {jobOf("a", 1), nil, "0 0"},
		"finished, and not collected yet":    {finished, nil, "0 0"},
		"stored: judged and deleted":         {stored, nil, "1 1"},
		"judged already: deleted":            {stored, []strategyv1.CheckStatus{judgedAs("a", 1, "Pass")}, "0 1"},
		"a check the playbook does not have": {unknown, nil, "0 1"},
	} {
		t.Run(name, func(t *testing.T) {
			vars := func(ID) rules.Vars { return rules.Vars{Incident: map[string]any{"type": "PnL"}} }
			got := Collect(specs, c.records, []JobState{c.job}, vars)
			if text := fmt.Sprint(len(got.Records), len(got.Delete)); text != c.want {
				t.Fatalf("got %s, want %s", text, c.want)
			}
			for _, record := range got.Records {
				if record.Verdict != "Pass" || record.JobName != "job" || record.ImageID != "sha256:1" || record.Report.Key != "outcome" ||
					!record.StartTime.Equal(new(metav1.NewTime(t0))) || !record.CompletionTime.Equal(new(metav1.NewTime(t0.Add(time.Minute)))) {
					t.Errorf("%+v", record)
				}
				if got := Sentence(record); got != "Triage a: Pass, incident.type == 'PnL'" {
					t.Errorf("%q", got)
				}
			}
			for _, wanted := range got.Delete {
				if deleted := wanted.(action.DeleteJob); deleted.UID != c.job.Job.UID || deleted.Key.Name != c.job.Job.Name {
					t.Errorf("another Job is deleted: %+v", deleted)
				}
			}
		})
	}
}

func TestEarlier(t *testing.T) {
	later, never := t0.Add(time.Hour), time.Time{}
	for _, c := range [][3]time.Time{{t0, later, t0}, {later, t0, t0}, {never, t0, t0}, {t0, never, t0}, {never, never, never}} {
		if got := Earlier(c[0], c[1]); !got.Equal(c[2]) {
			t.Errorf("of %v and %v it is %v", c[0], c[1], got)
		}
	}
}

func TestAttemptOfALabelThatIsNotOurs(t *testing.T) {
	if got := AttemptOf(&batchv1.Job{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{strategyv1.LabelAttempt: "x"}}}); got != 0 {
		t.Errorf("%d", got)
	}
}
