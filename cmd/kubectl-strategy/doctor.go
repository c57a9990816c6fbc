package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/show"
)

func newDoctor(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor [PLAYBOOK]",
		Short: "Look whether everything is in place, before an incident does",
		Long: `Look whether everything is in place for the playbooks of the namespace, as far as one can see with your rights: whether names are checked, what
the operator says of the playbook (its ConfigMap, key, Secrets, templates, rules), label, Deployment and mount, who is on call and
whether they may decide, whether the evidence and the queries of open incidents can be reached, and whether the bucket locks what is in it. What you
may not see, or what nobody can see from outside, is said to be not known, and is no reason to believe that it is well. Nothing is recorded: the one request that would be is
a dry run.

Exit codes: 0 nothing is known to be wrong; 1 something is; 2 usage, or no cluster.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.doctor(cmd.Context(), args) },
	}
}

func (a *app) doctor(ctx context.Context, args []string) error {
	c, err := a.connect()
	if err != nil {
		return err
	}
	books, err := c.playbooks(ctx, args)
	if err != nil {
		return err
	}
	found := []show.Finding{c.servesKubernetes(), c.checksNames(ctx)}
	for i := range books {
		found = append(found, c.examine(ctx, &books[i])...)
	}
	found = append(found, c.reached(ctx)...)
	found = append(found, c.evidenceServed(ctx))
	if _, err := io.WriteString(a.Out, show.Findings(found, a.layout(true))); err != nil {
		return err
	}
	if wrong := howMany(found, show.Wrong); wrong > 0 {
		return refuse("%s wrong, %d not known", count(wrong, "thing"), howMany(found, show.Unknown))
	}
	return nil
}

func howMany(found []show.Finding, is show.Health) (n int) {
	for _, one := range found {
		if one.Is == is {
			n++
		}
	}
	return n
}

func (c cluster) servesKubernetes() show.Finding {
	serves, err := c.serverVersion()
	if err != nil {
		return show.Finding{Is: show.Unknown, What: "Kubernetes", Text: messageOf(err)}
	}
	return show.Finding{Is: show.Well, What: "Kubernetes", Text: serves}
}

// checksNames asks, as a dry run, for a decision in a name that nobody has.
func (c cluster) checksNames(ctx context.Context) show.Finding {
	forged := newDecision(c.namespace, verdict{word: "doctor", value: strategyv1.DecisionEscalate, kind: strategyv1.KindIncident}, "doctor", "", "a dry run of kubectl strategy doctor")
	forged.Spec.By = "kubectl-strategy-doctor:nobody"
	err := c.Create(ctx, forged, client.DryRunAll)
	one := show.Finding{What: "names of decisions"}
	switch {
	case err == nil:
		one.Is, one.Text = show.Wrong, "a decision in another name would be accepted: install config/admission; the operator honours none until then"
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), "may only name itself"):
		one.Is, one.Text = show.Well, "a decision in another name is refused"
	default:
		one.Is, one.Text = show.Unknown, "cannot try it: "+messageOf(err)
	}
	return one
}

// examine is what there is to see of one playbook.
func (c cluster) examine(ctx context.Context, book *strategyv1.StrategyPlaybook) []show.Finding {
	name := "playbook " + book.Name
	found := []show.Finding{operatorsView(book, name)}
	found = append(found, c.configured(ctx, book, name), c.deployed(ctx, book, name))
	if conditions.True(book.Status.Conditions, strategyv1.ConditionOnHold) {
		found = append(found, show.Finding{Is: show.Wrong, What: name + ", hold", Text: "on hold: nothing new is started: " + conditions.Message(book.Status.Conditions, strategyv1.ConditionOnHold)})
	}
	if meta.IsStatusConditionFalse(book.Status.Conditions, strategyv1.ConditionReviewed) {
		found = append(found, show.Finding{Is: show.Wrong, What: name + ", review", Text: conditions.Message(book.Status.Conditions, strategyv1.ConditionReviewed)})
	}
	return append(found, calledPeople(book, name)...)
}

func operatorsView(book *strategyv1.StrategyPlaybook, name string) show.Finding {
	one := show.Finding{Is: show.Well, What: name, Text: conditions.Message(book.Status.Conditions, strategyv1.ConditionReady)}
	switch {
	case book.Status.ObservedGeneration != book.Generation || one.Text == "":
		one.Is, one.Text = show.Unknown, "the operator has not looked at it as it is now; does it run, and serve this namespace?"
	case !conditions.True(book.Status.Conditions, strategyv1.ConditionReady):
		one.Is, one.Text = show.Wrong, conditions.Reason(book.Status.Conditions, strategyv1.ConditionReady)+": "+one.Text
	}
	return one
}

// configured looks at the scheduler's configuration: whether it is opted in, and has its key.
func (c cluster) configured(ctx context.Context, book *strategyv1.StrategyPlaybook, name string) show.Finding {
	at := book.Spec.Scheduler.Config
	one := show.Finding{What: name + ", configuration"}
	var config corev1.ConfigMap
	if err := c.Get(ctx, types.NamespacedName{Namespace: book.Namespace, Name: at.ConfigMapName}, &config); err != nil {
		one.Is, one.Text = unseen(err, "ConfigMap "+at.ConfigMapName)
		return one
	}
	key := or(at.Key, "core.yaml")
	_, has := config.Data[key]
	switch {
	case config.Labels[strategyv1.LabelManaged] != strategyv1.ManagedValue:
		one.Is, one.Text = show.Wrong, fmt.Sprintf("ConfigMap %s lacks the label %s: %q", config.Name, strategyv1.LabelManaged, strategyv1.ManagedValue)
	case !has:
		one.Is, one.Text = show.Wrong, fmt.Sprintf("ConfigMap %s has no key %s", config.Name, key)
	default:
		one.Is, one.Text = show.Well, fmt.Sprintf("ConfigMap %s has its label, and key %s", config.Name, key)
	}
	return one
}

// unseen tells what is not there from what may not be seen.
func unseen(err error, what string) (show.Health, string) {
	if apierrors.IsNotFound(err) {
		return show.Wrong, what + " does not exist"
	}
	return show.Unknown, "cannot read " + what + ": " + messageOf(err)
}

// deployed looks at the scheduler's Deployment: whether one trader ends before the next begins, and whether it reads the ConfigMap.
func (c cluster) deployed(ctx context.Context, book *strategyv1.StrategyPlaybook, name string) show.Finding {
	one := show.Finding{What: name + ", scheduler"}
	var deployment appsv1.Deployment
	deploymentName := book.Spec.Scheduler.Rollout.DeploymentName
	if err := c.Get(ctx, types.NamespacedName{Namespace: book.Namespace, Name: deploymentName}, &deployment); err != nil {
		one.Is, one.Text = unseen(err, "Deployment "+deploymentName)
		return one
	}
	config := book.Spec.Scheduler.Config.ConfigMapName
	switch {
	case deployment.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType:
		one.Is, one.Text = show.Wrong, fmt.Sprintf("Deployment %s is not of strategy Recreate, so a restart runs two traders side by side for a while", deploymentName)
	case !slices.ContainsFunc(deployment.Spec.Template.Spec.Volumes, func(volume corev1.Volume) bool { return mounts(volume, config) }):
		one.Is, one.Text = show.Wrong, fmt.Sprintf("Deployment %s has no volume of ConfigMap %s: what is changed in it reaches no scheduler", deploymentName, config)
	default:
		one.Is, one.Text = show.Well, fmt.Sprintf("Deployment %s is of strategy Recreate and mounts ConfigMap %s", deploymentName, config)
	}
	return one
}

func mounts(volume corev1.Volume, config string) bool {
	if volume.ConfigMap != nil && volume.ConfigMap.Name == config {
		return true
	}
	return volume.Projected != nil && slices.ContainsFunc(volume.Projected.Sources, func(source corev1.VolumeProjection) bool {
		return source.ConfigMap != nil && source.ConfigMap.Name == config
	})
}

// calledPeople are those on call, and what the operator says of their rights: who asks about others needs more rights than people on call have.
func calledPeople(book *strategyv1.StrategyPlaybook, name string) (found []show.Finding) {
	if len(book.Status.OnCall) == 0 {
		return []show.Finding{{Is: show.Unknown, What: name + ", on call", Text: "who is on call is not known: " + or(conditions.Message(book.Status.Conditions, strategyv1.ConditionOnCallKnown), "the playbook has no rotation")}}
	}
	for _, shift := range book.Status.OnCall {
		one := show.Finding{Is: show.Well, What: fmt.Sprintf("%s, %s", name, shift.Level), Text: shift.Name + " is on call"}
		if shift.Name == "" {
			one.Is, one.Text = show.Wrong, "nobody is on call now"
		}
		found = append(found, one)
	}
	return append(found, rightsOfPeople(book, name))
}

// rightsOfPeople is whether whoever is, or will be, on call may decide.
func rightsOfPeople(book *strategyv1.StrategyPlaybook, name string) show.Finding {
	one := show.Finding{Is: show.Unknown, What: name + ", rights", Text: "the operator does not say what people on call may do"}
	may := meta.FindStatusCondition(book.Status.Conditions, strategyv1.ConditionOnCallMayDecide)
	if may == nil {
		return one
	}
	one.Text = may.Message
	switch may.Status {
	case metav1.ConditionTrue:
		one.Is = show.Well
	case metav1.ConditionFalse:
		one.Is = show.Wrong
	}
	return one
}

// broken are the reasons with which an object says that the evidence cannot be kept or believed.
var broken = []string{strategyv1.ReasonEvidenceUnavailable, strategyv1.ReasonEvidenceForged, strategyv1.ReasonLogConflict}

// reached is what open incidents say of the evidence and the queries. Without one nobody has tried.
func (c cluster) reached(ctx context.Context) []show.Finding {
	evidence := show.Finding{Is: show.Unknown, What: "evidence", Text: "no open incident writes any now, and it cannot be seen from here"}
	queries := show.Finding{Is: show.Unknown, What: "queries", Text: "no open incident asks any now"}
	var list strategyv1.StrategyIncidentList
	if err := c.List(ctx, &list, client.InNamespace(c.namespace)); err != nil {
		evidence.Text, queries.Text = messageOf(err), messageOf(err)
		return []show.Finding{evidence, queries}
	}
	for i := range list.Items {
		one := &list.Items[i]
		if one.Status.ClosedTime != nil || !one.DeletionTimestamp.IsZero() {
			continue
		}
		ready := conditions.Reason(one.Status.Conditions, strategyv1.ConditionReady)
		switch log := one.Status.Log; {
		case slices.Contains(broken, ready):
			evidence.Is, evidence.Text = show.Wrong, fmt.Sprintf("incident %s: %s: %s", one.Name, ready, conditions.Message(one.Status.Conditions, strategyv1.ConditionReady))
		case evidence.Is != show.Wrong && log != nil && log.Head != "":
			evidence.Is, evidence.Text = show.Well, fmt.Sprintf("incident %s has a log with a signed head", one.Name)
		}
		known := meta.FindStatusCondition(one.Status.Conditions, strategyv1.ConditionSignalsKnown)
		switch {
		case known == nil:
		case known.Status == metav1.ConditionFalse:
			queries.Is, queries.Text = show.Wrong, fmt.Sprintf("incident %s: %s", one.Name, known.Message)
		case known.Status == metav1.ConditionTrue && queries.Is != show.Wrong:
			queries.Is, queries.Text = show.Well, fmt.Sprintf("incident %s: %s", one.Name, known.Message)
		}
	}
	return []show.Finding{evidence, queries}
}
