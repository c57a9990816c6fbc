package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apitypes "k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/rules/bombs"
)

// hostile is the namespace of somebody who may do there whatever an editor may, and does.
const hostile = "hostile"

// works is its playbook whose incidents run. Its rules are bombs, too.
const works = "works"

// What there is of each. Playbooks, incidents and decisions are as many as config/quota lets there be, or fewer for the time it takes.
const (
	stormIncidents   = 500
	hostilePlaybooks = 19 // and one that works
	largeObjects     = 70 // of each of three kinds
	decisions        = 2000
	hostileLogBytes  = 3 << 20
)

// large is the size of what is large: the API server stores objects of up to 1.5 MB, ConfigMaps of up to 1 MiB.
const large = 1_000_000

// attack is one way to harm others. It goes on until its context ends, or it has nothing more to do.
type attack struct {
	name string
	do   func(context.Context, client.Client) error
}

var attacks = []attack{
	{"incidents", storm},
	{"bombs", explode},
	{"objects", fatten},
	{"decisions", decide},
}

// storm is as many incidents at once, each as large as it may be, whose checks print megabytes that are judged by bombs.
func storm(ctx context.Context, attacker client.Client) error { return stormFrom(ctx, attacker, 0) }

func stormFrom(ctx context.Context, attacker client.Client, first int) error {
	return sideBySide(stormIncidents, func(i int) error { return attacker.Create(ctx, largeIncident(first+i)) })
}

func hostilePlaybook(i int) string { return fmt.Sprintf("bombs-%02d", i) }

func largeIncident(i int) *strategyv1.StrategyIncident {
	incident := newIncident(i)
	incident.Namespace, incident.Name = hostile, fmt.Sprintf("attack-%05d", i)
	incident.Spec.PlaybookName = works
	incident.Spec.Summary = strings.Repeat("ﷺ", 512)
	incident.Annotations = largeAnnotations()
	return incident
}

// largeAnnotations are what the policies let there be.
func largeAnnotations() map[string]string {
	return map[string]string{"large": strings.Repeat("x", 16_000)}
}

// bombRules are the rules that only fail when they are evaluated, in order.
func bombRules() (found []string) {
	all := bombs.All()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if bomb := all[name]; bomb.Says == "" || bomb.Says == bombs.CostLimit {
			found = append(found, bomb.Rule)
		}
	}
	return found
}

// sampleReport has what the bombs are about, and is as long as a sample may be.
func sampleReport() string {
	return fmt.Sprintf(`{"status":"ok","text":"%s","short":"x","list":[%s0],"object":{"a":1}}`, strings.Repeat("x", 2000), strings.Repeat("0,", 900))
}

// bombVerdicts are as many bombs as a check may have, and then that it passes. Each edition is another one.
func bombVerdicts(first, edition int) (verdicts []strategyv1.VerdictRule) {
	rules := bombRules()
	for n := range 31 {
		verdicts = append(verdicts, strategyv1.VerdictRule{
			When: rules[(first+n)%len(rules)] + " && false", Verdict: strategyv1.VerdictFail, Message: fmt.Sprintf("edition %d", edition),
		})
	}
	return append(verdicts, strategyv1.VerdictRule{When: "true", Verdict: strategyv1.VerdictPass, Message: "in order"})
}

// newBombs is a playbook of about a megabyte whose rules are bombs, with samples for all of them.
func newBombs(i, edition int) *strategyv1.StrategyPlaybook {
	const samplesOfEach, checksOfEach = 16, 14
	playbook := newPlaybook(hostilePlaybook(i))
	playbook.Namespace = hostile
	check := playbook.Spec.Checks[0]
	check.Verdicts, check.Samples = bombVerdicts(7*i, edition), nil
	for range samplesOfEach {
		check.Samples = append(check.Samples, strategyv1.ReportSample{Report: sampleReport(), Verdict: strategyv1.VerdictPass})
	}
	for n := range checksOfEach {
		check.Name = fmt.Sprintf("bomb-%02d", n)
		playbook.Spec.Checks = append(playbook.Spec.Checks, check)
	}
	return playbook
}

// explode applies the playbooks again and again, so that each is judged again.
func explode(ctx context.Context, attacker client.Client) error {
	for edition := 1; ctx.Err() == nil; edition++ {
		err := sideBySide(hostilePlaybooks, func(i int) error {
			var before strategyv1.StrategyPlaybook
			playbook := newBombs(i, edition)
			err := attacker.Get(ctx, client.ObjectKeyFromObject(playbook), &before)
			if client.IgnoreNotFound(err) != nil {
				return err
			}
			if err != nil {
				return attacker.Create(ctx, playbook)
			}
			playbook.ResourceVersion = before.ResourceVersion
			err = attacker.Update(ctx, playbook)
			if apierrors.IsConflict(err) { // the operator wrote: next time
				return nil
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// fatten makes large objects of the kinds that the operator reads, opted in, and then touches them again and again.
func fatten(ctx context.Context, attacker client.Client) error {
	text := strings.Repeat("x", large)
	pod := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "large"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "played", Env: []corev1.EnvVar{{Name: "LARGE", Value: text}}}}},
	}
	var all []client.Object
	for i := range largeObjects {
		meta := metav1.ObjectMeta{
			Namespace: hostile, Name: fmt.Sprintf("large-%03d", i), Labels: map[string]string{strategyv1.LabelManaged: strategyv1.ManagedValue},
		}
		all = append(all,
			&corev1.ConfigMap{ObjectMeta: meta, Data: map[string]string{"core.yaml": text}},
			&corev1.PodTemplate{ObjectMeta: meta, Template: pod},
			&appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{
				Replicas: new(int32(0)), Selector: &metav1.LabelSelector{MatchLabels: pod.Labels}, Template: pod,
			}})
	}
	// One copy of the text is enough for all: what the API server answers is not kept.
	err := sideBySide(len(all), func(i int) error { return attacker.Create(ctx, all[i].DeepCopyObject().(client.Object)) })
	// In turn, since the API server keeps every edition for a while, too.
	for n := 0; err == nil; n++ {
		if pause(ctx, 100*time.Millisecond) != nil {
			return nil //nolint:nilerr // the phase has ended
		}
		touch := client.RawPatch(apitypes.MergePatchType, fmt.Appendf(nil, `{"metadata":{"annotations":{"edition":"%d"}}}`, n))
		err = attacker.Patch(ctx, all[n%len(all)].DeepCopyObject().(client.Object), touch)
	}
	return err
}

// decide makes decisions about the incidents of the storm, as large as they may be.
func decide(ctx context.Context, attacker client.Client) error {
	verdicts := []strategyv1.DecisionVerdict{
		strategyv1.DecisionAcknowledge, strategyv1.DecisionHold, strategyv1.DecisionEscalate, strategyv1.DecisionRelease, strategyv1.DecisionReopen,
	}
	return sideBySide(decisions, func(i int) error {
		return attacker.Create(ctx, &strategyv1.StrategyDecision{
			ObjectMeta: metav1.ObjectMeta{Namespace: hostile, Name: fmt.Sprintf("decision-%05d", i), Annotations: largeAnnotations()},
			Spec: strategyv1.StrategyDecisionSpec{
				Target:  strategyv1.DecisionTarget{Kind: "StrategyIncident", Name: fmt.Sprintf("attack-%05d", i%stormIncidents)},
				Verdict: verdicts[i/stormIncidents%len(verdicts)], Reason: strings.Repeat("ﷺ", 512),
			},
		})
	})
}

// furnishHostile makes what the hostile namespace needs: a configuration, a playbook that works, the quota, and the logs.
func (r *rig) furnishHostile(ctx context.Context) error {
	config, playbook := newConfig(2*stormIncidents), newPlaybook(works)
	config.Namespace, playbook.Namespace = hostile, hostile
	for n := range playbook.Spec.Checks {
		playbook.Spec.Checks[n].Verdicts = bombVerdicts(7*n, 0)
	}
	for _, object := range []client.Object{config, playbook} {
		if err := r.harness.Create(ctx, object); err != nil {
			return err
		}
	}
	if err := r.createFiles(ctx, hostile, "quota"); err != nil {
		return err
	}
	return os.WriteFile(r.hostileLog(), []byte(hostileLog(hostileLogBytes)), 0o600)
}

// hostileLog is about so many bytes of what makes a reader of reports work, in the format of a kubelet's log file: many reports, deep ones
// that never end, lines without an end; last the report on which the bombs go off.
func hostileLog(size int) string {
	const stamp = "2026-11-23T10:15:00.000000000Z stdout "
	var b strings.Builder
	deep := strings.Repeat(`{"a":[`, 2000)
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "%sF {\"status\":\"ok\",\"n\":%d}\n", stamp, i)
		fmt.Fprintf(&b, "%sP %s\n", stamp, deep)
		fmt.Fprintf(&b, "%sF %s\n", stamp, strings.Repeat("\x00\xff{\"", 200))
	}
	fmt.Fprintf(&b, "%sF %s\n", stamp, `{"status":"ok",`+strings.TrimPrefix(bombs.Report(), "{"))
	return b.String()
}
