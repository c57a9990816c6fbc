//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/record"
)

// ours marks the worlds, and what a story adds to one, so that the next one can take it away.
var ours = map[string]string{"strategy.tradeops.dev/e2e": "true"}

// What is in a world, under the names that the demo gives.
const (
	demoNamespace = "trading"
	schedulerName = "bot-core-scheduler"
	exchangeName  = "exchange"
	configName    = "bot-core-config"
	configKey     = "core.yaml"
	signingKey    = "decision-log-key"
)

var onlyConfig = metav1.ListOptions{FieldSelector: "metadata.name=" + configName}

// world is a namespace that the operator serves, with a scheduler and an exchange. One story at a time is told in it.
type world struct {
	namespace string
	seen      *observer
	told      string // the name of the story
}

func (w *world) configAt() client.ObjectKey {
	return client.ObjectKey{Namespace: w.namespace, Name: configName}
}

func (w *world) schedulerAt() client.ObjectKey {
	return client.ObjectKey{Namespace: w.namespace, Name: schedulerName}
}

// here is a text about the demo's namespace, told about this one: its objects, its services, its series in Prometheus.
func (w *world) here(text string) string {
	return strings.NewReplacer(
		"namespace: "+demoNamespace+"\n", "namespace: "+w.namespace+"\n",
		fmt.Sprintf("namespace=%q", demoNamespace), fmt.Sprintf("namespace=%q", w.namespace),
		"."+demoNamespace+":", "."+w.namespace+":",
	).Replace(text)
}

// install makes the world anew. One that is there was kept by a story that failed.
func (w *world) install(ctx context.Context) error {
	if err := poll(ctx, time.Minute, w.remove); err != nil { // kinds that were just created are served some time later
		return err
	}
	labels := maps.Clone(ours)
	labels["pod-security.kubernetes.io/enforce"], labels[strategyv1.LabelServe] = "restricted", "false" // a flag of the manager has it served
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.namespace, Labels: labels}}
	err := poll(ctx, 2*time.Minute, func(ctx context.Context) error { return admin.Create(ctx, namespace.DeepCopy()) }) // when the old one is gone
	if err != nil {
		return err
	}
	if err := w.putConfig(ctx, demoConfig()); err != nil {
		return err
	}
	if err := w.makeSigningKey(ctx); err != nil {
		return err
	}
	var objects []string
	for _, path := range []string{
		"config/namespace/rolebinding.yaml",
		"hack/demo/world/podtemplate.yaml", "hack/demo/world/exchange.yaml", "hack/demo/world/scheduler.yaml",
		"config/samples/demo/oncall.yaml", "config/samples/demo/prometheus-rules.yaml", "config/samples/demo/users.yaml",
	} {
		objects = append(objects, w.here(repositoryFile(path)))
	}
	objects = append(objects, w.unalerted())
	return apply(ctx, strings.Join(objects, "\n---\n"), "--namespace="+w.namespace, "-f", "-")
}

// begin waits until a story can be told.
func (w *world) begin(ctx context.Context) (err error) {
	for _, name := range []string{exchangeName, schedulerName} {
		at := client.ObjectKey{Namespace: w.namespace, Name: name}
		if err := poll(ctx, 2*time.Minute, func(ctx context.Context) error { return available(ctx, at) }); err != nil {
			return err
		}
	}
	w.seen, err = observe(ctx, w.namespace)
	return err
}

// remove deletes the world, whether or not the operator serves it; never a namespace that somebody else made.
func (w *world) remove(ctx context.Context) error {
	var namespace corev1.Namespace
	if err := admin.Get(ctx, client.ObjectKey{Name: w.namespace}, &namespace); err != nil {
		return client.IgnoreNotFound(err)
	}
	for label, value := range ours {
		if namespace.Labels[label] != value {
			return fmt.Errorf("namespace %s is in the way: without the label %s=%s it is no world of these tests", w.namespace, label, value)
		}
	}
	here := client.InNamespace(w.namespace)
	if err := admin.DeleteAllOf(ctx, &strategyv1.StrategyRollback{}, here); err != nil {
		return err
	}
	var rollbacks strategyv1.StrategyRollbackList
	if err := admin.List(ctx, &rollbacks, here); err != nil {
		return err
	}
	for i := range rollbacks.Items {
		freed := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`))
		if err := admin.Patch(ctx, &rollbacks.Items[i], freed); client.IgnoreNotFound(err) != nil {
			return err
		}
	}
	return client.IgnoreNotFound(admin.Delete(ctx, &namespace))
}

func demoConfig() string { return repositoryFile("hack/demo/world/core.yaml") }

func repositoryFile(path string) string {
	data, err := os.ReadFile(filepath.Join(repository, path))
	if err != nil {
		panic(err) // it is part of this repository
	}
	return string(data)
}

// putConfig makes the configuration be as if the operator had never seen it.
func (w *world) putConfig(ctx context.Context, content string) error {
	return poll(ctx, 10*time.Second, func(ctx context.Context) error {
		var current corev1.ConfigMap
		err := admin.Get(ctx, w.configAt(), &current)
		if apierrors.IsNotFound(err) {
			current.Namespace, current.Name = w.namespace, configName
			current.Labels = map[string]string{strategyv1.LabelManaged: strategyv1.ManagedValue}
			current.Data = map[string]string{configKey: content}
			return admin.Create(ctx, &current)
		}
		if err != nil {
			return err
		}
		_, touched := current.Annotations[strategyv1.AnnotationEdits]
		if !touched && current.Labels[strategyv1.LabelManaged] == strategyv1.ManagedValue && current.Data[configKey] == content {
			return nil
		}
		delete(current.Annotations, strategyv1.AnnotationEdits)
		if current.Labels == nil {
			current.Labels = map[string]string{}
		}
		current.Labels[strategyv1.LabelManaged] = strategyv1.ManagedValue
		current.Data = map[string]string{configKey: content}
		return admin.Update(ctx, &current)
	})
}

// signingKey is the Secret with the key of the world's namespace, in the operator's.
func (w *world) signingKey() client.ObjectKey {
	return client.ObjectKey{Namespace: operatorNamespace, Name: w.namespace + "." + signingKey}
}

func (w *world) makeSigningKey(ctx context.Context) error {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	at := w.signingKey()
	err := admin.Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: at.Namespace, Name: at.Name, Labels: map[string]string{strategyv1.LabelManaged: strategyv1.ManagedValue},
		},
		StringData: map[string]string{"key-id": "e2e", "hmac-key": base64.StdEncoding.EncodeToString(random)},
	})
	return client.IgnoreAlreadyExists(err) // of a run that failed, which kept its worlds
}

// reset brings the world to where each story starts: nothing open, that configuration running, no fault, no loss. What the
// last story left as it should be is left alone.
func (w *world) reset(ctx context.Context, content string) error {
	steps := []func(context.Context) error{
		w.removeRecords, w.removeOurs,
		func(ctx context.Context) error { return w.putConfig(ctx, content) },
		w.clearFaults,
		func(ctx context.Context) error { return w.runScheduler(ctx, content) },
		w.measured, w.askAnew,
		func(ctx context.Context) error { return w.playbookReady(ctx, samplePlaybook, content) },
	}
	if content == demoConfig() {
		steps = append(steps, w.heard)
	}
	for _, step := range steps {
		if err := poll(ctx, 90*time.Second, step); err != nil {
			return err
		}
	}
	return nil
}

// removeRecords deletes what earlier stories left: rollbacks first, so that no claim is carried out meanwhile.
func (w *world) removeRecords(ctx context.Context) error {
	background := client.PropagationPolicy(metav1.DeletePropagationBackground)
	here := client.InNamespace(w.namespace)
	if err := admin.DeleteAllOf(ctx, &strategyv1.StrategyAlert{}, here); err != nil { // first: one that fires opens its incident again
		return err
	}
	for _, kind := range []client.Object{&strategyv1.StrategyRollback{}, &strategyv1.StrategyIncident{}, &strategyv1.StrategyDecision{}, &batchv1.Job{}} {
		if err := admin.DeleteAllOf(ctx, kind, here, background); err != nil {
			return err
		}
	}
	for _, list := range []client.ObjectList{&strategyv1.StrategyRollbackList{}, &strategyv1.StrategyIncidentList{}, &strategyv1.StrategyDecisionList{}, &batchv1.JobList{}} {
		if err := admin.List(ctx, list, here, client.Limit(1)); err != nil {
			return err
		}
		if n := lenOf(list); n > 0 {
			return fmt.Errorf("some of %T are still there", list)
		}
	}
	return nil
}

func lenOf(list client.ObjectList) int {
	switch l := list.(type) {
	case *strategyv1.StrategyRollbackList:
		return len(l.Items)
	case *strategyv1.StrategyIncidentList:
		return len(l.Items)
	case *strategyv1.StrategyDecisionList:
		return len(l.Items)
	case *batchv1.JobList:
		return len(l.Items)
	}
	return 0
}

func (w *world) removeOurs(ctx context.Context) error {
	for _, kind := range []client.Object{&strategyv1.StrategyPlaybook{}, &corev1.PodTemplate{}, &rbacv1.RoleBinding{}, &rbacv1.Role{}} {
		if err := admin.DeleteAllOf(ctx, kind, client.InNamespace(w.namespace), client.MatchingLabels(ours)); err != nil {
			return err
		}
	}
	return nil
}

// runScheduler restarts the scheduler if it runs another configuration, or remembers losses of an earlier story.
func (w *world) runScheduler(ctx context.Context, content string) error {
	at := w.schedulerAt()
	if err := available(ctx, at); err != nil {
		return err
	}
	plan, err := w.runningPlan(ctx)
	if err != nil {
		return err
	}
	telemetry, err := w.readTelemetry(ctx)
	if err != nil {
		return err
	}
	clean := plan.ConfigSHA256 == record.Hash(content)
	for _, figures := range telemetry {
		clean = clean && figures["pnl_drawdown_pct"] > -1
	}
	if clean {
		return nil
	}
	patch := fmt.Sprintf(`{"spec":{"template":{"metadata":{"annotations":{%q:null,%q:null,"strategy.tradeops.dev/e2e-restart":%q}}}}}`,
		strategyv1.AnnotationConfigSHA256, strategyv1.AnnotationRestartedFor, time.Now().Format(time.RFC3339Nano))
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: at.Namespace, Name: at.Name}}
	if err := admin.Patch(ctx, deployment, client.RawPatch("application/merge-patch+json", []byte(patch))); err != nil {
		return err
	}
	if err := poll(ctx, time.Minute, func(ctx context.Context) error { return available(ctx, at) }); err != nil {
		return err
	}
	return fmt.Errorf("the scheduler was restarted; its configuration is looked at again")
}

// heard: Prometheus knows of signals within the last minute, which the demo's own configuration always emits.
func (w *world) heard(ctx context.Context) error {
	if !local {
		return nil
	}
	emitted, err := askPrometheus(ctx, w.here(signalsOfAMinute))
	if err == nil && emitted == 0 {
		err = errors.New("Prometheus has no signal of the last minute")
	}
	return err
}

// signalsOfAMinute is the query of the demo's playbook.
const signalsOfAMinute = `sum(increase(bot_strategy_decisions_total{namespace="trading"}[1m]))`

// measured: Prometheus, too, knows of no loss and no dead feed any more.
func (w *world) measured(ctx context.Context) error {
	if !local {
		return nil
	}
	loss, err := askPrometheus(ctx, w.here(`min(bot_core_multi_strategy_pnl_drawdown_pct{namespace="trading"})`))
	if err != nil {
		return err
	}
	feeds, err := askPrometheus(ctx, w.here(`sum(bot_exchange_health_status{namespace="trading"})`))
	if err == nil && (loss <= -1 || feeds != 2) {
		err = fmt.Errorf("Prometheus still says %g %% and %g feeds", loss, feeds)
	}
	return err
}

// askAnew lets the sample playbook ask for the signals of this story: the operator remembers answers for an interval, and one
// that it got for the story before would be about that one's loss. Alerts open nothing.
func (w *world) askAnew(ctx context.Context) error {
	wanted := w.demoPlaybook()
	patch := fmt.Appendf(nil, `{"spec":{"alerts":null,"signals":{"prometheus":{"url":%q}}}}`, wanted.Spec.Signals.Prometheus.URL)
	return admin.Patch(ctx, &wanted, client.RawPatch("application/merge-patch+json", patch))
}

func (w *world) playbookReady(ctx context.Context, name, content string) error {
	var playbook strategyv1.StrategyPlaybook
	if err := admin.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: name}, &playbook); err != nil {
		return err
	}
	status := playbook.Status
	if status.ObservedGeneration != playbook.Generation || !isTrue(&playbook, strategyv1.ConditionReady) {
		return fmt.Errorf("playbook %s is not ready:\n%s", name, describe(&playbook))
	}
	if status.Config == nil || status.Config.SHA256 != record.Hash(content) {
		return fmt.Errorf("playbook %s has not seen the configuration yet", name)
	}
	return nil
}

// demoPlaybook is the demo's playbook as it stands in its file, for this world.
func (w *world) demoPlaybook() strategyv1.StrategyPlaybook {
	var playbook strategyv1.StrategyPlaybook
	if err := yaml.UnmarshalStrict([]byte(w.here(repositoryFile("config/samples/demo/playbook.yaml"))), &playbook); err != nil {
		panic(err) // it is part of this repository
	}
	playbook.Spec.Signals.Prometheus.URL += "?story=" + w.told // nothing to Prometheus; to the operator another source
	playbook.Spec.Alerts = nil
	return playbook
}

// unalerted is the demo's playbook, by which alerts open nothing: in most stories people report, and an incident of an alert would be in
// their way. The alerts come all the same, as in any namespace, and nobody can place them.
func (w *world) unalerted() string {
	var object map[string]any
	if err := yaml.Unmarshal([]byte(w.here(repositoryFile("config/samples/demo/playbook.yaml"))), &object); err != nil {
		panic(err) // it is part of this repository
	}
	delete(object["spec"].(map[string]any), "alerts")
	text, err := yaml.Marshal(object)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// sample is the demo's playbook under another name, for a story to change.
func (w *world) sample(name string) *strategyv1.StrategyPlaybook {
	playbook := w.demoPlaybook()
	playbook.Name, playbook.Labels = name, ours
	// Stories about the technical lead and about quiet set their own; in the others a loss may grow as it likes.
	playbook.Spec.Escalation.Levels = nil
	playbook.Spec.Recovery = &strategyv1.RecoverySpec{BackoffSeconds: new(int32(0)), MaxStrikes: 100}
	if !local {
		withoutSignals(&playbook.Spec)
	}
	return &playbook
}

// withoutSignals is for clusters that may have no Prometheus: what needs a signal is left out.
func withoutSignals(spec *strategyv1.StrategyPlaybookSpec) {
	spec.Signals = nil
	spec.Triage.FalseAlarm = &strategyv1.FalseAlarmRule{When: "checks.all(c, c.verdict in ['Pass', 'Warn'])"}
	spec.Triage.Escalate = slices.DeleteFunc(spec.Triage.Escalate, func(rule strategyv1.EscalateRule) bool { return strings.Contains(rule.When, "signals.") })
	spec.Diagnosis.Causes = slices.DeleteFunc(spec.Diagnosis.Causes, func(cause strategyv1.CauseRule) bool { return strings.Contains(cause.When, "signals.") })
}

// quick is the demo's playbook with one fast check before and one after each decision, and every PnL incident has the remedy
// disable-schedule: for stories about what comes after.
func (w *world) quick(name string) *strategyv1.StrategyPlaybook {
	playbook := w.sample(name)
	spec := &playbook.Spec
	spec.Triage.Checks = []strategyv1.StageCheck{{Name: "stage4-audit"}}
	spec.Triage.Escalate = []strategyv1.EscalateRule{{Name: "judged", When: "size(checks) == 1"}}
	spec.Triage.FalseAlarm = nil
	spec.Diagnosis.Checks = []strategyv1.StageCheck{{Name: "journal"}}
	spec.Diagnosis.Causes = []strategyv1.CauseRule{{Name: "SignalDegradation", When: "incident.type == 'PnL'", Remediation: "disable-schedule"}}
	disable := remediation(spec, "disable-schedule")
	disable.Before, disable.After, disable.Restore = nil, []strategyv1.CheckUse{{Name: "security-baseline"}}, nil
	return playbook
}

func remediation(spec *strategyv1.StrategyPlaybookSpec, name string) *strategyv1.RemediationSpec {
	for i := range spec.Remediations {
		if spec.Remediations[i].Name == name {
			return &spec.Remediations[i]
		}
	}
	panic("the sample playbook has no remediation " + name)
}

// runtimePlan is what the running scheduler says it has in force.
type runtimePlan struct {
	ConfigSHA256 string `json:"config_sha256"`
	Schedules    []struct {
		Name             string `json:"name"`
		Suspended        bool   `json:"suspended"`
		ActiveMaxSignals int    `json:"active_max_signals"`
	} `json:"schedules"`
	Exchange    string                        `json:"exchange"`
	Limits      map[string]float64            `json:"resource_limits"`
	Allocations map[string]map[string]float64 `json:"strategy_allocations"`
}

// suspended is every schedule with whether it is suspended.
func (p runtimePlan) suspended() map[string]bool {
	found := map[string]bool{}
	for _, schedule := range p.Schedules {
		found[schedule.Name] = schedule.Suspended
	}
	return found
}

func (w *world) runningPlan(ctx context.Context) (runtimePlan, error) {
	var plan runtimePlan
	return plan, w.call(ctx, http.MethodGet, schedulerName, "/v1/plan", nil, &plan)
}

func (w *world) readTelemetry(ctx context.Context) (map[string]map[string]float64, error) {
	var telemetry map[string]map[string]float64
	return telemetry, w.call(ctx, http.MethodGet, schedulerName, "/v1/telemetry", nil, &telemetry)
}

// smoke returns after every schedule had its turn that many times more.
func (w *world) smoke(ctx context.Context, cycles int) error {
	return w.call(ctx, http.MethodPost, schedulerName, "/v1/smoke", map[string]int{"cycles": cycles}, nil)
}

func (w *world) setFault(ctx context.Context, name string) error { return w.setFaultOn(ctx, name, "") }

// setFaultOn lets a fault bite one feed.
func (w *world) setFaultOn(ctx context.Context, name, feed string) error {
	return w.call(ctx, http.MethodPut, exchangeName, "/v1/faults/"+name, map[string]string{"exchange": feed}, nil)
}

func (w *world) clearFaults(ctx context.Context) error {
	var faults map[string]any
	if err := w.call(ctx, http.MethodGet, exchangeName, "/v1/faults", nil, &faults); err != nil {
		return err
	}
	for name := range faults {
		if err := w.call(ctx, http.MethodDelete, exchangeName, "/v1/faults/"+name, nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// call speaks HTTP with a service of the world, by the API server's proxy.
func (w *world) call(ctx context.Context, method, service, path string, body, into any) error {
	request := clientset.CoreV1().RESTClient().Verb(method).Namespace(w.namespace).
		Resource("services").Name("http:" + service + ":http").SubResource("proxy").Suffix(strings.TrimPrefix(path, "/"))
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return err
		}
		request = request.SetHeader("Content-Type", "application/json").Body(bytes.NewReader(data))
	}
	data, err := request.DoRaw(ctx)
	if err != nil {
		return fmt.Errorf("%s %s%s: %w: %.300s", method, service, path, err, data)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(data, into)
}
