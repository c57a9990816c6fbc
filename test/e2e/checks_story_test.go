//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// misbehaving is a check whose program goes wrong in the named way.
func misbehaving(name, how string, arguments ...string) strategyv1.CheckSpec {
	return strategyv1.CheckSpec{
		Name: name, PodTemplateName: toolsTemplate, TimeoutSeconds: 60,
		Command: append([]string{"/demo", "misbehave", "--how=" + how}, arguments...),
		Verdicts: []strategyv1.VerdictRule{
			{When: "report.status == 'fail' || exitCode != 0.0", Verdict: strategyv1.VerdictFail, Message: "measured bad"},
			{When: "report.status == 'ok'", Verdict: strategyv1.VerdictPass, Message: "measured well"},
		},
	}
}

func TestAnImageThatDoesNotExistIsAnErrorAndEndsAtAPerson(t *testing.T) {
	s := tell(t)
	s.must(s.templateWithoutImage("image-never", corev1.PullNever))
	s.must(s.templateWithoutImage("image-absent", corev1.PullIfNotPresent))
	playbook := s.quick("no-image")
	never, absent := misbehaving("never-pulled", "escapes"), misbehaving("not-there", "escapes")
	never.PodTemplateName, never.Retries, never.StartTimeoutSeconds = "image-never", new(int32(2)), 120
	absent.PodTemplateName, absent.Retries, absent.StartTimeoutSeconds = "image-absent", new(int32(1)), 8
	playbook.Spec.Checks = append(playbook.Spec.Checks, never, absent)
	playbook.Spec.Triage.Checks = []strategyv1.StageCheck{{Name: "never-pulled"}, {Name: "not-there"}}
	playbook.Spec.Triage.Escalate = []strategyv1.EscalateRule{{Name: "unmeasured", When: "size(checks) == 2 && checks.exists(c, c.verdict == 'Error')"}}
	playbook.Spec.Triage.FalseAlarm = &strategyv1.FalseAlarmRule{When: "checks.all(c, c.verdict in ['Pass', 'Warn'])"}
	playbook.Spec.Diagnosis.Causes = []strategyv1.CauseRule{{Name: "Adapter", When: "incident.type == 'AdapterFailure'"}}
	incident := s.report("alice", s.playbook(playbook), nil)
	s.reaches(incident, "NeedsPerson", 90*time.Second)
	s.expect(incident, "Escalated=True/RuleHeld", "Diagnosed=False/CauseUnknown", "Stalled=True/NeedsPerson")
	attempts := map[string]int{}
	for _, check := range incident.Status.Checks {
		if check.Stage != strategyv1.StageTriage {
			continue
		}
		attempts[check.Name]++
		if check.Verdict != strategyv1.VerdictError {
			s.Errorf("%s is %s: %s", check.Name, check.Verdict, check.Message)
		}
		s.trace("%s, attempt %d: %s, %s", check.Name, check.Attempt, check.Verdict, check.Message)
	}
	if attempts["never-pulled"] != 3 || attempts["not-there"] != 2 {
		s.Errorf("the attempts are %v, not retries + 1 each", attempts)
	}
	wanted := []string{"Diagnosis/journal/1", "Triage/never-pulled/1", "Triage/never-pulled/2", "Triage/never-pulled/3", "Triage/not-there/1", "Triage/not-there/2"}
	if jobs := s.oneJobPerAttempt(incident); !slices.Equal(jobs, wanted) {
		s.Errorf("the Jobs are %v", jobs)
	}
	s.evidenceHolds(incident)
	s.eventually("the head of its log is in the status", 10*time.Second, func(ctx context.Context) error {
		if err := s.refresh(ctx, incident); err != nil {
			return err
		}
		if timeline := incident.Status.Timeline; *incident.Status.Log.Entries != timeline[len(timeline)-1].Seq {
			return fmt.Errorf("it is at entry %d of %d", *incident.Status.Log.Entries, timeline[len(timeline)-1].Seq)
		}
		return nil
	})
	version := incident.ResourceVersion
	s.stays("the incident waits for a person and does nothing", 8*time.Second, func(ctx context.Context) error {
		if err := s.refresh(ctx, incident); err != nil {
			return err
		}
		if jobs := s.oneJobPerAttempt(incident); len(jobs) != len(wanted) || incident.ResourceVersion != version {
			return fmt.Errorf("it went on: Jobs %v, version %s, was %s", jobs, incident.ResourceVersion, version)
		}
		return nil
	})
	s.noRollback()
}

// templateWithoutImage is the demo's PodTemplate with an image that nobody has.
func (s *story) templateWithoutImage(name string, pull corev1.PullPolicy) error {
	var template corev1.PodTemplate
	if err := admin.Get(s.ctx, client.ObjectKey{Namespace: s.namespace, Name: toolsTemplate}, &template); err != nil {
		return err
	}
	template.ObjectMeta = metav1.ObjectMeta{Namespace: s.namespace, Name: name, Labels: ours}
	container := &template.Template.Spec.Containers[0]
	container.Image, container.ImagePullPolicy = "localhost/nobody-has-this:dev", pull
	return admin.Create(s.ctx, &template)
}

// howJudged is what each misbehaviour deserves: only a report that was read whole is measured.
var howJudged = []struct {
	how       string
	verdict   strategyv1.Verdict
	arguments []string
}{
	{"no-report", strategyv1.VerdictInconclusive, nil},
	{"not-json", strategyv1.VerdictInconclusive, nil},
	{"cut-off", strategyv1.VerdictInconclusive, nil},
	{"nan", strategyv1.VerdictInconclusive, nil},
	{"deep", strategyv1.VerdictInconclusive, nil},
	{"wrong-types", strategyv1.VerdictInconclusive, nil},
	{"invalid-utf8", strategyv1.VerdictInconclusive, nil},
	{"huge", strategyv1.VerdictInconclusive, []string{"--bytes=52428800"}},
	{"crash", strategyv1.VerdictError, nil},
	{"hang", strategyv1.VerdictError, nil},
	{"oom", strategyv1.VerdictError, []string{"--bytes=268435456"}},
	{"many-json", strategyv1.VerdictInconclusive, nil}, // which of them is the report?
	{"fail-but-pass", strategyv1.VerdictFail, nil},
	{"escapes", strategyv1.VerdictFail, nil},
	{"noise-around", strategyv1.VerdictPass, nil}, // a good report among log lines
	{"chatty", strategyv1.VerdictPass, []string{"--bytes=52428800"}},
}

func TestToolsThatMisbehaveAreJudgedRightAndHarmNobody(t *testing.T) {
	s := tell(t)
	playbook := s.quick("misbehaving")
	playbook.Spec.Triage.Checks = nil
	wanted := map[string]strategyv1.Verdict{}
	for _, c := range howJudged {
		check := misbehaving(c.how, c.how, c.arguments...)
		if c.how == "hang" {
			check.TimeoutSeconds = 5
		}
		playbook.Spec.Checks = append(playbook.Spec.Checks, check)
		playbook.Spec.Triage.Checks = append(playbook.Spec.Triage.Checks, strategyv1.StageCheck{Name: c.how})
		wanted[c.how] = c.verdict
	}
	playbook.Spec.Triage.Escalate = []strategyv1.EscalateRule{{Name: "judged", When: "size(checks) == 16"}}
	playbook.Spec.Triage.FalseAlarm = &strategyv1.FalseAlarmRule{When: "checks.all(c, c.verdict in ['Pass', 'Warn'])"}
	playbook.Spec.Diagnosis.Causes = nil
	operator := s.operatorPod()
	incident := s.report("alice", s.playbook(playbook), nil)
	highest := int64(0)
	s.eventually("the incident ends at a person", 3*time.Minute, func(ctx context.Context) error {
		if used, err := memoryOf(ctx, operator); err == nil {
			highest = max(highest, used)
		}
		if err := s.refresh(ctx, incident); err != nil {
			return err
		}
		if reason := condition(incident, strategyv1.ConditionReady).Reason; reason != "NeedsPerson" {
			return fmt.Errorf("it is at:\n%s", describe(incident))
		}
		return nil
	})
	for _, check := range incident.Status.Checks {
		if verdict, ok := wanted[check.Name]; ok && check.Verdict != verdict {
			s.Errorf("%s is %s, not %s: %s", check.Name, check.Verdict, verdict, check.Message)
		}
	}
	s.evidenceHolds(incident)
	s.oneJobPerAttempt(incident)
	s.logVerifies(incident)
	after := s.operatorPod()
	if after.UID != operator.UID || after.Status.ContainerStatuses[0].RestartCount != operator.Status.ContainerStatuses[0].RestartCount {
		s.Errorf("the operator was restarted: %+v", after.Status.ContainerStatuses[0].LastTerminationState)
	}
	if local {
		highest = max(highest, peakOf(after))
	}
	s.trace("the operator used at most %d MiB", highest>>20)
	if highest == 0 || highest > 200<<20 {
		s.Errorf("the operator's memory was %d bytes", highest)
	}
}

func (s *story) operatorPod() *corev1.Pod {
	s.Helper()
	pods, err := podsOf(s.ctx, operatorAt)
	s.must(err)
	if len(pods) != 1 {
		s.Fatalf("the operator has %d pods", len(pods))
	}
	return &pods[0]
}

// peakOf is the most memory that the operator's process ever had, where it runs on this machine.
func peakOf(pod *corev1.Pod) (peak int64) {
	process, err := processOf(pod)
	if err != nil {
		return 0
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", process.Pid))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	_, _ = fmt.Sscan(after, &peak)
	return peak << 10
}

// memoryOf is the working set of a pod, as its node measures it.
func memoryOf(ctx context.Context, pod *corev1.Pod) (int64, error) {
	data, err := clientset.CoreV1().RESTClient().Get().AbsPath("/api/v1/nodes", pod.Spec.NodeName, "proxy/stats/summary").DoRaw(ctx)
	if err != nil {
		return 0, err
	}
	var summary struct {
		Pods []struct {
			PodRef struct {
				UID string `json:"uid"`
			} `json:"podRef"`
			Containers []struct {
				Memory struct {
					WorkingSetBytes int64 `json:"workingSetBytes"`
				} `json:"memory"`
			} `json:"containers"`
		} `json:"pods"`
	}
	if err := json.Unmarshal(data, &summary); err != nil {
		return 0, err
	}
	for _, found := range summary.Pods {
		if found.PodRef.UID == string(pod.UID) && len(found.Containers) > 0 {
			return found.Containers[0].Memory.WorkingSetBytes, nil
		}
	}
	return 0, fmt.Errorf("the node does not know pod %s", pod.Name)
}
