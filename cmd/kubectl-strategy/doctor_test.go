package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// installed is a playbook with all around it in place.
func installed() (*strategyv1.StrategyPlaybook, *corev1.ConfigMap, *appsv1.Deployment) {
	book := published("multi-strategy")
	book.Spec.Scheduler.Config.ConfigMapName, book.Spec.Scheduler.Rollout.DeploymentName = "bot-config", "bot"
	meta := metav1.ObjectMeta{Namespace: "trading", Name: "bot-config", Labels: map[string]string{strategyv1.LabelManaged: "true"}}
	config := &corev1.ConfigMap{ObjectMeta: meta, Data: map[string]string{"core.yaml": "x"}}
	bot := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: "bot"}}
	bot.Spec.Strategy.Type = appsv1.RecreateDeploymentStrategyType
	bot.Spec.Template.Spec.Volumes = []corev1.Volume{{VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "bot-config"}}}}}
	return book, config, bot
}

// policed refuses decisions in another name.
func policed(ctx context.Context, c client.WithWatch, object client.Object, options ...client.CreateOption) error {
	if _, ok := object.(*strategyv1.StrategyDecision); ok {
		return apierrors.NewForbidden(schema.GroupResource{Resource: "strategydecisions"}, "", errors.New("ValidatingAdmissionPolicy denied request: a client may only name itself"))
	}
	return bobRuns(ctx, c, object, options...)
}

// lax accepts a decision in any name, as a dry run only.
func lax(_ context.Context, _ client.WithWatch, object client.Object, options ...client.CreateOption) error {
	if _, ok := object.(*strategyv1.StrategyDecision); ok && !slices.Contains(options, client.CreateOption(client.DryRunAll)) {
		return errors.New("doctor records a decision")
	}
	return nil
}

// examined is what doctor looks at.
type examined struct {
	book   *strategyv1.StrategyPlaybook
	config *corev1.ConfigMap
	bot    *appsv1.Deployment
}

// TestDoctorKnowsWellFromWrongFromUnknown: what cannot be seen is never said to be well.
func TestDoctorKnowsWellFromWrongFromUnknown(t *testing.T) {
	mayDecide := func(is metav1.ConditionStatus, says string) func(*examined) {
		return func(w *examined) {
			w.book.Status.Conditions = append(w.book.Status.Conditions, condition(strategyv1.ConditionOnCallMayDecide, is, "R", says))
		}
	}
	const isolated = "✔ names of decisions: a decision in another name is refused"
	for name, test := range map[string]struct {
		change func(*examined)
		create func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error
		code   int
		says   string
	}{
		"all in place":         {func(*examined) {}, policed, exitDone, isolated},
		"people on call":       {func(*examined) {}, policed, exitDone, "✔ playbook multi-strategy, L1: alice is on call"},
		"their rights unasked": {func(*examined) {}, policed, exitDone, "? playbook multi-strategy, rights: not known: the operator does not say what people on call may do"},
		"their rights":         {mayDecide(metav1.ConditionTrue, "all may"), policed, exitDone, "✔ playbook multi-strategy, rights: all may"},
		"a right unknown":      {mayDecide(metav1.ConditionUnknown, "no answer"), policed, exitDone, "? playbook multi-strategy, rights: not known: no answer"},
		"a right missing":      {mayDecide(metav1.ConditionFalse, "L2: carol may not approve"), policed, exitRefused, "✘ playbook multi-strategy, rights: L2: carol may not approve"},
		"no evidence is seen":  {func(*examined) {}, policed, exitDone, "? evidence: not known: no open incident"},
		"no policies":          {func(*examined) {}, lax, exitRefused, "✘ names of decisions: a decision in another name would be accepted"},
		"no right to try": {func(*examined) {}, func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.CreateOption) error {
			return apierrors.NewForbidden(schema.GroupResource{Resource: "x"}, "", nil)
		}, exitDone, "? names of decisions: not known: cannot try it"},
		"no label":       {func(w *examined) { w.config.Labels = nil }, policed, exitRefused, "✘ playbook multi-strategy, configuration: ConfigMap bot-config lacks the label"},
		"no key":         {func(w *examined) { w.config.Data = nil }, policed, exitRefused, "ConfigMap bot-config has no key core.yaml"},
		"no ConfigMap":   {func(w *examined) { w.config.Name = "other" }, policed, exitRefused, "✘ playbook multi-strategy, configuration: ConfigMap bot-config does not exist"},
		"two traders":    {func(w *examined) { w.bot.Spec.Strategy.Type = "" }, policed, exitRefused, "a restart runs two traders side by side"},
		"not mounted":    {func(w *examined) { w.bot.Spec.Template.Spec.Volumes = nil }, policed, exitRefused, "has no volume of ConfigMap bot-config"},
		"nobody on call": {func(w *examined) { w.book.Status.OnCall = []strategyv1.OnCallStatus{{Level: "L1"}} }, policed, exitRefused, "✘ playbook multi-strategy, L1: nobody is on call now"},
		"no rotation":    {func(w *examined) { w.book.Status.OnCall = nil }, policed, exitDone, "? playbook multi-strategy, on call: not known"},
		"not looked at":  {func(w *examined) { w.book.Generation = 2 }, policed, exitDone, "? playbook multi-strategy: not known: the operator has not looked at it"},
		"not ready": {func(w *examined) {
			w.book.Status.Conditions[0] = condition(strategyv1.ConditionReady, metav1.ConditionFalse, strategyv1.ReasonSecretNotFound, "no key")
		}, policed, exitRefused, "✘ playbook multi-strategy: SecretNotFound: no key"},
	} {
		t.Run(name, func(t *testing.T) {
			var at examined
			at.book, at.config, at.bot = installed()
			test.change(&at)
			w := newWorldWith(t, "", interceptor.Funcs{Create: test.create}, at.book, at.config, at.bot)
			code := w.run(t, "doctor")
			said := strings.Join(strings.Fields(w.out.String()), " ")
			if code != test.code || !strings.Contains(said, test.says) {
				t.Errorf("exit code %d, want %d and %q:\n%s%s", code, test.code, test.says, w.out, w.err)
			}
			if made := w.decisions(t); len(made) > 0 {
				t.Errorf("recorded: %+v", made)
			}
		})
	}
}

// TestDoctorHearsOpenIncidents: they are who asks queries, and writes evidence.
func TestDoctorHearsOpenIncidents(t *testing.T) {
	book, config, bot := installed()
	well, ill := incident(), renamed(incident(), "trading", "pnl-2").(*strategyv1.StrategyIncident)
	well.Status.Log = &strategyv1.LogStatus{Head: strings.Repeat("ab", 32)}
	well.Status.Conditions = append(well.Status.Conditions, condition(strategyv1.ConditionSignalsKnown, metav1.ConditionTrue, "Known", "all known"))
	ill.Status.Conditions = []metav1.Condition{
		condition(strategyv1.ConditionReady, metav1.ConditionFalse, strategyv1.ReasonEvidenceUnavailable, "disk full"),
		condition(strategyv1.ConditionSignalsKnown, metav1.ConditionFalse, "SignalUnknown", "unknown: drawdown"),
	}
	for _, test := range []struct {
		objects []client.Object
		code    int
		says    []string
	}{
		{[]client.Object{well}, exitDone, []string{"✔ evidence: incident pnl-1 has a log", "✔ queries: incident pnl-1: all known"}},
		{[]client.Object{well, ill}, exitRefused, []string{"✘ evidence: incident pnl-2: EvidenceUnavailable: disk full", "✘ queries: incident pnl-2: unknown: drawdown"}},
	} {
		w := newWorldWith(t, "", interceptor.Funcs{Create: policed}, append(test.objects, book, config, bot)...)
		code := w.run(t, "doctor", "multi-strategy")
		for _, want := range test.says {
			if code != test.code || !strings.Contains(w.out.String(), want) {
				t.Errorf("exit code %d, without %q:\n%s%s", code, want, w.out, w.err)
			}
		}
	}
}

func TestLogsOfACheck(t *testing.T) {
	seen := incident()
	seen.Status.Checks = []strategyv1.CheckStatus{
		{Stage: "Triage", Name: "smoke", Attempt: 1, Verdict: "Error", Message: "evicted", JobName: "triage-smoke-1"},
		{Stage: "Triage", Name: "smoke", Attempt: 2, Verdict: "Fail", Message: "4 failed", JobName: "triage-smoke-2"},
	}
	seen.Status.Running = []strategyv1.RunningCheck{{Stage: "Diagnosis", Name: "load-test", Attempt: 1}}
	pod := func(name, job string) client.Object {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: name, Labels: map[string]string{labelJobName: job}}}
	}
	for line, want := range map[string]struct {
		code int
		says string
	}{
		"pnl-1":                       {exitDone, "smoke, attempt 2 (Triage, incident pnl-1): Fail: 4 failed\nload-test, attempt 1 (Diagnosis, incident pnl-1): runs now\n"},
		"pnl-1 smoke":                 {exitDone, "log of pod-2\uFFFD[31m\n"},
		"sinc/pnl-1 SMOKE":            {exitDone, "log of pod-2"},
		"pnl-1 smoke --attempt 1":     {exitDone, "log of pod-1"},
		"pnl-1 smoke --attempt 3":     {exitRefused, "check smoke of pnl-1 has no attempt 3"},
		"pnl-1 smok":                  {exitRefused, "(did you mean smoke?)"},
		"pnl-1 load-test":             {exitRefused, "the pod of check load-test, attempt 1, is gone, or not there yet"},
		"pnl-1 load-test too-much":    {exitNotUnderstood, "accepts between 1 and 2 arg"},
		"rollback/stop-cross":         {exitDone, "stop-cross has run no check yet"},
		"rollback/stop-cross nothing": {exitRefused, `stop-cross has run no check "nothing"`},
	} {
		w := newWorld(t, "", seen.DeepCopy(), awaiting(), pod("pod-1", "triage-smoke-1"), pod("pod-2", "triage-smoke-2"))
		code := w.run(t, append([]string{"logs"}, strings.Fields(line)...)...)
		if text := w.out.String() + w.err.String(); code != want.code || !strings.Contains(text, want.says) {
			t.Errorf("%s: exit code %d, want %d and %q: %s", line, code, want.code, want.says, text)
		}
	}
	w := newWorldWith(t, "", interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
		if _, ok := list.(*corev1.PodList); ok {
			return apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "", nil)
		}
		return c.List(ctx, list, options...)
	}}, seen)
	if code := w.run(t, "logs", "pnl-1", "smoke"); code != exitRefused || !strings.Contains(w.err.String(), "ask for the right to read pods and pods/log") {
		t.Errorf("exit code %d: %s", code, w.err)
	}
}

// TestVersionSaysWhatIsKnown: of the plugin without a cluster, of the operator what its Deployment says.
func TestVersionSaysWhatIsKnown(t *testing.T) {
	operator := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: operatorNamespace, Name: operatorName}}
	operator.Spec.Template.Spec.Containers = []corev1.Container{{Name: "manager", Image: "strategy-operator:v1"}}
	up := operator.DeepCopy()
	up.Status.AvailableReplicas = 1
	for _, test := range []struct {
		args    []string
		objects []client.Object
		want    string
	}{
		{[]string{"--client"}, nil, "plugin: dev\n"},
		{nil, []client.Object{up}, "plugin: dev\noperator: image strategy-operator:v1\nKubernetes: v1.36.0\n"},
		{nil, []client.Object{operator}, "plugin: dev\noperator: image strategy-operator:v1, and NO POD OF IT IS AVAILABLE\nKubernetes: v1.36.0\n"},
	} {
		w := newWorld(t, "", test.objects...)
		if code := w.run(t, append([]string{"version"}, test.args...)...); code != exitDone || w.out.String() != test.want {
			t.Errorf("%v: exit code %d: %q", test.args, code, w.out)
		}
	}
	w := newWorld(t, "")
	if code := w.run(t, "version"); code != exitDone || !strings.Contains(w.out.String(), "operator: not known: ") {
		t.Errorf("exit code %d: %q", code, w.out)
	}
}
