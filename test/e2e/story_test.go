//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// story is one test with its world. What happens is told in the test's log, with the time since the story's start.
type story struct {
	*testing.T
	*world
	ctx      context.Context
	start    time.Time
	fresh    time.Duration // that it took to make the world fresh
	original string        // the configuration at the start
}

// manner is how a story is told.
type manner struct {
	content string
	alone   bool
	long    string // why it is
}

type option func(*manner)

// with lets the world start with another configuration than the demo's.
func with(content string) option { return func(m *manner) { m.content = content } }

// alone is for stories that touch what all worlds share: no other one is told meanwhile.
func alone(m *manner) { m.alone = true }

// long is for stories that take long and add little to the others: `make e2e-long` tells them.
func long(why string) option { return func(m *manner) { m.long = why } }

// tell starts a story in a fresh world.
func tell(t *testing.T, options ...option) *story {
	t.Helper()
	how := manner{content: demoConfig()}
	for _, option := range options {
		option(&how)
	}
	switch now := os.Getenv("E2E_LONG") != ""; {
	case now && how.long == "":
		t.Skip("make e2e tells it")
	case !now && how.long != "":
		t.Skip("make e2e-long tells it: " + how.long)
	}
	if !how.alone {
		t.Parallel()
	}
	s := &story{T: t, world: worlds.take(t), ctx: t.Context(), start: time.Now(), original: how.content}
	t.Cleanup(s.end)
	s.told = s.Name()
	s.must(s.reset(s.ctx, s.original))
	s.trace("%s is fresh", s.namespace)
	s.fresh = time.Since(s.start)
	s.start = time.Now()
	s.seen.follow(s)
	return s
}

// end gives the world back. A story that failed keeps it.
func (s *story) end() {
	s.seen.follow(nil)
	told.add(timed{s.Name(), s.namespace, s.fresh, time.Since(s.start)})
	if !s.Failed() {
		worlds.give(s.world)
		return
	}
	s.autopsy()
	s.Logf("its world is kept until the next run: namespace %s", s.namespace)
	worlds.keep()
}

func (s *story) trace(format string, values ...any) {
	s.Logf("%6.1f s  %s", time.Since(s.start).Seconds(), fmt.Sprintf(format, values...))
}

// Errorf, Fatal and Fatalf keep what failed for the end of the run.
func (s *story) Errorf(format string, values ...any) {
	s.Helper()
	told.fail(s.Name(), fmt.Sprintf(format, values...))
	s.T.Errorf(format, values...)
}

func (s *story) Fatal(values ...any) {
	s.Helper()
	told.fail(s.Name(), fmt.Sprint(values...))
	s.T.Fatal(values...)
}

func (s *story) Fatalf(format string, values ...any) {
	s.Helper()
	told.fail(s.Name(), fmt.Sprintf(format, values...))
	s.T.Fatalf(format, values...)
}

// must ends the story on an error.
func (s *story) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// patience is by what the stories' limits are multiplied: they are how long it takes where nothing else runs, and four stories at a time on two slow
// processors take longer. It costs only what fails.
const patience = 3

// eventually waits until there is no error; otherwise the story ends with the last one.
func (s *story) eventually(what string, within time.Duration, ask func(context.Context) error) {
	s.Helper()
	if err := poll(s.ctx, patience*within, ask); err != nil {
		s.Fatalf("%s: %v", what, err)
	}
}

// stays watches that something holds for a while.
func (s *story) stays(what string, during time.Duration, ask func(context.Context) error) {
	s.Helper()
	var broken error
	_ = wait.PollUntilContextTimeout(s.ctx, 250*time.Millisecond, during, true, func(ctx context.Context) (bool, error) {
		if err := ask(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			broken = err
		}
		return broken != nil, nil
	})
	if broken != nil {
		s.Fatalf("%s: %v", what, broken)
	}
}

// reaches waits until the object's Ready condition has the reason, and refreshes the object.
func (s *story) reaches(object client.Object, reason string, within time.Duration) {
	s.Helper()
	s.eventually(fmt.Sprintf("%s reaches %s", nameOf(object), reason), within, func(ctx context.Context) error {
		if err := s.refresh(ctx, object); err != nil {
			return err
		}
		if condition(object, strategyv1.ConditionReady).Reason != reason {
			return errors.New("it is at:\n" + describe(object))
		}
		return nil
	})
}

func (s *story) refresh(ctx context.Context, object client.Object) error {
	return admin.Get(ctx, client.ObjectKeyFromObject(object), object)
}

// expect compares conditions: "Type=Status/Reason".
func (s *story) expect(object client.Object, wanted ...string) {
	s.Helper()
	for _, want := range wanted {
		kind, _, _ := strings.Cut(want, "=")
		found := condition(object, kind)
		if got := fmt.Sprintf("%s=%s/%s", kind, found.Status, found.Reason); got != want {
			s.Errorf("%s has %s, not %s: %s", nameOf(object), got, want, found.Message)
		}
	}
}

// says checks a condition's message.
func (s *story) says(object client.Object, kind string, words ...string) {
	s.Helper()
	for _, word := range words {
		if message := condition(object, kind).Message; !strings.Contains(message, word) {
			s.Errorf("%s, condition %s, says %q, without %q", nameOf(object), kind, message, word)
		}
	}
}

// report is an incident as a person creates it.
func (s *story) report(by, playbook string, change func(*strategyv1.StrategyIncidentSpec)) *strategyv1.StrategyIncident {
	s.Helper()
	incident := &strategyv1.StrategyIncident{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, GenerateName: "pnl-cross-exchange-"},
		Spec: strategyv1.StrategyIncidentSpec{
			PlaybookName: playbook, Type: "PnL", Severity: "Critical", Schedule: "cross_exchange_watch",
			Summary: "cross_exchange_watch is more than 4 % below its best",
		},
	}
	if change != nil {
		change(&incident.Spec)
	}
	s.must(as(by).Create(s.ctx, incident))
	s.trace("%s reports %s", by, incident.Name)
	if incident.Spec.RequestedBy != by {
		s.Errorf("the incident is stamped with %q, not %q", incident.Spec.RequestedBy, by)
	}
	return incident
}

// playbook creates a playbook of the story's own and waits until incidents can run on it.
func (s *story) playbook(playbook *strategyv1.StrategyPlaybook) string {
	s.Helper()
	s.must(admin.Create(s.ctx, playbook))
	s.eventually("playbook "+playbook.Name+" is ready", 30*time.Second, func(ctx context.Context) error {
		return s.playbookReady(ctx, playbook.Name, s.original)
	})
	return playbook.Name
}

// rollbackOf waits for the rollback that an incident asks for.
func (s *story) rollbackOf(incident *strategyv1.StrategyIncident, within time.Duration) *strategyv1.StrategyRollback {
	s.Helper()
	var found strategyv1.StrategyRollback
	s.eventually("a rollback of "+incident.Name, within, func(ctx context.Context) error {
		var list strategyv1.StrategyRollbackList
		if err := admin.List(ctx, &list, client.InNamespace(s.namespace)); err != nil {
			return err
		}
		if len(list.Items) != 1 {
			_ = s.refresh(ctx, incident)
			return fmt.Errorf("there are %d; the incident is at:\n%s", len(list.Items), describe(incident))
		}
		found = list.Items[0]
		return nil
	})
	return &found
}

// decide is a person's decision about an object. What binds to a plan names it as it is now.
func (s *story) decide(by string, verdict strategyv1.DecisionVerdict, about client.Object) (*strategyv1.StrategyDecision, error) {
	decision := &strategyv1.StrategyDecision{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, GenerateName: by + "-"},
		Spec: strategyv1.StrategyDecisionSpec{
			Target: strategyv1.DecisionTarget{Kind: kindOf(about), Name: about.GetName()}, Verdict: verdict, Reason: "the story says so",
		},
	}
	if rollback, ok := about.(*strategyv1.StrategyRollback); ok && slices.Contains([]strategyv1.DecisionVerdict{strategyv1.DecisionApprove, strategyv1.DecisionOverride, strategyv1.DecisionRenew}, verdict) {
		if err := s.refresh(s.ctx, rollback); err != nil {
			return nil, err
		}
		decision.Spec.Digest = rollback.Status.Plan.Digest
	}
	err := as(by).Create(s.ctx, decision)
	return decision, err
}

// decides is a decision that the API server must accept.
func (s *story) decides(by string, verdict strategyv1.DecisionVerdict, about client.Object) *strategyv1.StrategyDecision {
	s.Helper()
	decision, err := s.decide(by, verdict, about)
	if err != nil {
		s.Fatal(err)
	}
	s.trace("%s decides: %s", by, verdict)
	return decision
}

// refused: the API server said no, in these words.
func (s *story) refused(err error, words ...string) {
	s.Helper()
	if err == nil {
		s.Errorf("it was accepted; it should be refused with %q", words)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			s.Errorf("refused with %q, without %q", err, word)
		}
	}
}

// bind gives a person a role for the rest of the story; the returned function takes it back.
func (s *story) bind(user, role string) (unbind func()) {
	s.Helper()
	return s.bindTo(user, rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role})
}

func (s *story) bindTo(user string, role rbacv1.RoleRef) (unbind func()) {
	s.Helper()
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: user + "-" + role.Name, Labels: ours}, RoleRef: role,
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	}
	s.must(admin.Create(s.ctx, binding))
	return func() { s.must(admin.Delete(s.ctx, binding)) }
}

// as is a client of that person.
func as(user string) client.Client {
	impersonating := rest.CopyConfig(server)
	impersonating.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: []string{"system:authenticated"}}
	acting, err := client.New(impersonating, client.Options{Scheme: scheme, Mapper: admin.RESTMapper()})
	if err != nil {
		panic(err) // the same configuration worked for admin
	}
	return acting
}

// config is the scheduler's configuration as it is stored now.
func (s *story) config() string {
	s.Helper()
	var configMap corev1.ConfigMap
	s.must(admin.Get(s.ctx, s.configAt(), &configMap))
	return configMap.Data[configKey]
}

// configIsAsBefore: not one byte differs from the start of the story.
func (s *story) configIsAsBefore() {
	s.Helper()
	if now := s.config(); now != s.original {
		s.Errorf("the configuration is not byte-identical to the original: %s", firstDifference(s.original, now))
	}
}

// onlyAddedLines checks that each line of the original is there, in order, with the same bytes; it returns the added ones.
func (s *story) onlyAddedLines(edited string) (added []string) {
	s.Helper()
	before, after := strings.SplitAfter(s.original, "\n"), strings.SplitAfter(edited, "\n")
	next := 0
	for _, line := range after {
		if next < len(before) && line == before[next] {
			next++
			continue
		}
		added = append(added, line)
	}
	if next < len(before) {
		s.Errorf("line %d of the original was changed or removed: %q", next+1, before[next])
	}
	if len(added) == 0 {
		s.Error("no line was added")
	}
	return added
}

// diffOnlyAdds checks the plan's diff, as people see it before they agree.
func (s *story) diffOnlyAdds(diff string) {
	s.Helper()
	for line := range strings.Lines(diff) {
		if strings.HasPrefix(line, "-") && !strings.HasPrefix(line, "---") {
			s.Errorf("the diff removes a line: %s", line)
		}
	}
	if !strings.Contains(diff, "\n+") {
		s.Errorf("the diff adds nothing: %q", diff)
	}
}

// isSuspended waits until the running scheduler has exactly these schedules suspended.
func (s *story) isSuspended(schedules ...string) {
	s.Helper()
	s.eventually("the running scheduler's suspensions", 20*time.Second, func(ctx context.Context) error {
		plan, err := s.runningPlan(ctx)
		if err != nil {
			return err
		}
		for name, suspended := range plan.suspended() {
			wanted := false
			for _, schedule := range schedules {
				wanted = wanted || schedule == name
			}
			if suspended != wanted {
				return fmt.Errorf("schedule %s: suspended %t, not %t", name, suspended, wanted)
			}
		}
		return nil
	})
}

// autopsy shows what a failed story left.
func (s *story) autopsy() {
	ctx := context.WithoutCancel(s.ctx)
	var incidents strategyv1.StrategyIncidentList
	var rollbacks strategyv1.StrategyRollbackList
	_ = admin.List(ctx, &incidents, client.InNamespace(s.namespace))
	_ = admin.List(ctx, &rollbacks, client.InNamespace(s.namespace))
	for i := range incidents.Items {
		s.Logf("%s\n%s", nameOf(&incidents.Items[i]), describe(&incidents.Items[i]))
	}
	for i := range rollbacks.Items {
		s.Logf("%s\n%s", nameOf(&rollbacks.Items[i]), describe(&rollbacks.Items[i]))
	}
	lines := strings.Split(strings.TrimSpace(operatorLogs(ctx)), "\n")
	for _, line := range lines[max(0, len(lines)-10):] {
		s.Logf("the operator's log: %.700s", line)
	}
}

// operatorLogs is what the operator's pods have written.
func operatorLogs(ctx context.Context) string {
	pods, err := podsOf(ctx, operatorAt)
	if err != nil {
		return err.Error()
	}
	var all strings.Builder
	for _, pod := range pods {
		stream, err := clientset.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, &corev1.PodLogOptions{}).Stream(ctx)
		if err != nil {
			continue
		}
		_, _ = io.Copy(&all, stream)
		_ = stream.Close()
	}
	return all.String()
}

func conditionsOf(object client.Object) []metav1.Condition {
	switch o := object.(type) {
	case *strategyv1.StrategyIncident:
		return o.Status.Conditions
	case *strategyv1.StrategyRollback:
		return o.Status.Conditions
	case *strategyv1.StrategyPlaybook:
		return o.Status.Conditions
	case *strategyv1.StrategyAlert:
		return o.Status.Conditions
	}
	return nil
}

func condition(object client.Object, kind string) metav1.Condition {
	if found := meta.FindStatusCondition(conditionsOf(object), kind); found != nil {
		return *found
	}
	return metav1.Condition{}
}

func isTrue(object client.Object, kind string) bool {
	return condition(object, kind).Status == metav1.ConditionTrue
}

func describe(object client.Object) string {
	var text strings.Builder
	for _, c := range conditionsOf(object) {
		fmt.Fprintf(&text, "    %s=%s/%s %s\n", c.Type, c.Status, c.Reason, c.Message)
	}
	if text.Len() == 0 {
		return "    no conditions\n"
	}
	return text.String()
}

func kindOf(object client.Object) string {
	return fmt.Sprintf("%T", object)[len("*v1alpha1."):]
}

func nameOf(object runtime.Object) string {
	accessor, err := meta.Accessor(object)
	if err != nil {
		return fmt.Sprintf("%T", object)
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", object), "*v1alpha1.") + " " + accessor.GetName()
}

func firstDifference(a, b string) string {
	left, right := strings.SplitAfter(a, "\n"), strings.SplitAfter(b, "\n")
	for i := range min(len(left), len(right)) {
		if left[i] != right[i] {
			return fmt.Sprintf("line %d is %q, was %q", i+1, right[i], left[i])
		}
	}
	return fmt.Sprintf("%d lines, were %d", len(right), len(left))
}

func containsAll(text string, words ...string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

func containsAllOf(found []string, wanted ...string) bool {
	for _, want := range wanted {
		if !slices.Contains(found, want) {
			return false
		}
	}
	return true
}

// changedLines are the lines that differ between two documents of as many lines: "old -> new".
func changedLines(a, b string) (changed []string) {
	left, right := strings.Split(a, "\n"), strings.Split(b, "\n")
	if len(left) != len(right) {
		return []string{fmt.Sprintf("%d lines -> %d lines", len(left), len(right))}
	}
	for i := range left {
		if left[i] != right[i] {
			changed = append(changed, left[i]+" -> "+strings.TrimSpace(right[i]))
		}
	}
	return changed
}
