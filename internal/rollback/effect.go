package rollback

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/pass"
	"tradeops.dev/strategy-operator/internal/schedulerconfig"
)

// checkBefore measures the baseline. Its verdicts do not block: the fault is often why we are here.
func (p *plan) checkBefore() bool {
	if p.claimed() != "" {
		return false
	}
	stage := p.run(strategyv1.StageBefore, 1, p.remediation.Before)
	if stage.Missing != "" {
		return true
	}
	if !stage.Done {
		p.Working(strategyv1.ReasonCheckingBefore, fmt.Sprintf("measuring the baseline: %d of %d checks judged", len(stage.Final), len(p.remediation.Before)))
		return true
	}
	return false
}

// claim asks the writer of the configuration for the edits, after the log says so.
func (p *plan) claim() bool {
	if p.claimed() != "" {
		return false
	}
	if until := p.status.Plan.Until; until != nil && !p.Now.Before(until.Time) {
		p.expireApproval(fmt.Sprintf("the time box ended at %s, before the change was made; nothing was changed. Create another rollback", until.UTC().Format(time.RFC3339)))
		return true
	}
	p.Working(strategyv1.ReasonApplying, p.summary())
	if p.Reason(strategyv1.ConditionApplied) != strategyv1.ReasonApplying {
		p.Set(strategyv1.ConditionApplied, metav1.ConditionFalse, strategyv1.ReasonApplying, "the edits are about to be written")
		p.Note("config_change", "writing the approved edits: "+p.summary(), "")
	}
	if !p.Logged() {
		p.AwaitLog()
		p.keepConfig("before", p.Config.Content)
		p.Keep(evidence.ConfigKey(p.Prefix, fmt.Sprintf("%d.diff", p.status.Plan.Revision)), []byte(p.status.Plan.Diff))
		return true
	}
	p.ask(strategyv1.ClaimHold)
	p.Wake(p.Now.Add(pass.Recheck))
	return true
}

func (p *plan) ask(claim strategyv1.ClaimState) {
	reference := p.Playbook.Spec.Scheduler.Config
	p.status.Config = &strategyv1.ConfigClaim{
		ConfigMapName: reference.ConfigMapName, Key: reference.Key, Claim: claim, ClaimedTime: new(p.Stamp()),
	}
	p.status.Proof = nil
}

// takeEffect waits until the running scheduler has the edits: written, rolled out, proved.
func (p *plan) takeEffect() bool {
	if p.Is(strategyv1.ConditionInEffect) {
		if !p.Logged() {
			p.keepConfig("after", p.Config.Content)
		}
		return false
	}
	if p.Reason(strategyv1.ConditionInEffect) != "" {
		return false // it was decided that it did not come into effect, or it ended
	}
	if !p.holds() {
		return p.awaitWriter()
	}
	p.Set(strategyv1.ConditionApplied, metav1.ConditionTrue, strategyv1.ReasonEdited, "the configuration holds the edits")
	proof := p.prove(strategyv1.StageProof, 1)
	switch {
	case proof.failed != "":
		p.notInEffect(proof.failed)
		return true
	case proof.unmeasured != "":
		p.unproved(proof.unmeasured)
		return false
	case proof.proved:
		p.inEffect()
		return false
	case p.late() && proof.reason == strategyv1.ReasonRollingOut:
		p.notInEffect(fmt.Sprintf("not in effect after %d s: %s", p.Playbook.Spec.Scheduler.Rollout.TimeoutSeconds, proof.waiting))
		return true
	case p.late(): // nothing was measured, so nothing is known
		p.unproved(fmt.Sprintf("not proved after %d s: %s", p.Playbook.Spec.Scheduler.Rollout.TimeoutSeconds, proof.waiting))
		return false
	}
	p.await(proof, proof.reason)
	p.Wake(p.effectDeadline())
	return true
}

// await says what the proof waits for. What only a person can bring back stalls.
func (p *plan) await(proof proofOf, reason string) {
	if proof.reason == strategyv1.ReasonDeploymentNotFound || proof.reason == strategyv1.ReasonPodTemplateNotFound {
		p.BadInput(proof.reason, proof.waiting)
		return
	}
	p.Working(reason, proof.waiting)
}

// awaitWriter gives the claim up if a person changed an edited path between the approval and the write: the plan must be
// made, and approved, again.
func (p *plan) awaitWriter() bool {
	for _, edit := range p.status.Plan.Edits {
		if p.holdsEarlier(edit) {
			continue
		}
		p.status.Config.Claim, p.status.Config.ClaimedTime = "", nil
		p.void(edit.Path + " was changed before the edits were written")
		p.revise(p.status.Plan.Edits)
		p.Working(strategyv1.ReasonPlanChanged, edit.Path+" was changed before the edits were written; planning again")
		p.Wake(p.Now)
		return true
	}
	if p.late() {
		p.notInEffect("the edits were not written in time; the events of the rollback and of the ConfigMap say why")
		return true
	}
	p.Working(strategyv1.ReasonApplying, "waiting for the configuration to be written")
	p.Wake(p.effectDeadline())
	return true
}

// holdsEarlier says whether an edited path holds what it held when it was planned.
func (p *plan) holdsEarlier(edit strategyv1.PlannedEdit) bool {
	value, found, err := config.Get([]byte(p.Config.Content), edit.Path)
	return err == nil && found == (edit.From != nil) && (edit.From == nil || value == *edit.From)
}

func (p *plan) inEffect() {
	p.Set(strategyv1.ConditionInEffect, metav1.ConditionTrue, strategyv1.ReasonProved, "the running scheduler has the edits in force")
	event := "config_applied"
	if len(p.disabled()) > 0 {
		event = "disabled"
	}
	p.Note(event, "in effect, proved by the running scheduler: "+p.summary(), "")
	p.keepConfig("after", p.Config.Content)
}

func (p *plan) notInEffect(message string) {
	p.Set(strategyv1.ConditionInEffect, metav1.ConditionFalse, strategyv1.ReasonNotInEffect, message)
	p.failed(strategyv1.ReasonNotInEffect, message)
}

func (p *plan) effectDeadline() time.Time {
	return p.status.Config.ClaimedTime.Add(time.Duration(p.Playbook.Spec.Scheduler.Rollout.TimeoutSeconds) * time.Second)
}

func (p *plan) late() bool {
	return !p.Now.Before(p.effectDeadline())
}

// unproved keeps the edits: what was approved stands in the configuration, and not knowing is no reason to trade again.
func (p *plan) unproved(message string) {
	message = "the edits are written and rolled out, but it could not be proved that they are in force: " + message
	p.Set(strategyv1.ConditionInEffect, metav1.ConditionUnknown, strategyv1.ReasonUnproved, message)
	p.Set(strategyv1.ConditionVerified, metav1.ConditionFalse, strategyv1.ReasonUnproved, message)
	p.Note("unverified", message, "")
}

// proofOf says how far the proof is. Exactly one of proved, failed, unmeasured and waiting is set.
type proofOf struct {
	proved     bool
	failed     string // measured: the scheduler does not have it
	unmeasured string // nobody knows
	waiting    string
	reason     string // of the waiting
}

// prove shows that the running scheduler has the configuration: rolled out, no pod of the old one left, and the proof
// check agrees. A pod can start with a stale copy of the ConfigMap; one more restart cures that.
func (p *plan) prove(stage strategyv1.Stage, attempt int32) proofOf {
	if p.status.Proof == nil {
		p.status.Proof = &strategyv1.ProofStatus{}
	}
	p.status.Proof.Edited, p.status.Proof.Stored = p.Config.State.SHA256, p.Config.SHA256
	round := 2*attempt - 1
	annotations := map[string]string{strategyv1.AnnotationConfigSHA256: p.Config.State.SHA256, strategyv1.AnnotationRestartedFor: ""}
	if p.Deployment != nil && p.restartedAgain(p.Deployment.Spec.Template.Annotations) {
		round++
		annotations[strategyv1.AnnotationRestartedFor] = p.Config.State.SHA256
	}
	if p.Deployment == nil {
		return proofOf{reason: strategyv1.ReasonDeploymentNotFound, waiting: fmt.Sprintf("Deployment %s does not exist in namespace %s, so nothing runs the configuration; create it",
			p.Playbook.Spec.Scheduler.Rollout.DeploymentName, p.Rollback.Namespace)}
	}
	if waiting := p.rollOut(annotations); waiting != "" {
		p.Wake(p.Now.Add(rolloutPoll))
		return proofOf{waiting: waiting, reason: strategyv1.ReasonRollingOut}
	}
	result := p.run(stage, round, []strategyv1.CheckUse{{Name: p.Playbook.Spec.Scheduler.Proof.Check}})
	if result.Missing != "" {
		return proofOf{waiting: result.Missing, reason: strategyv1.ReasonPodTemplateNotFound}
	}
	if !result.Done {
		return proofOf{waiting: "asking the running scheduler what it has in force", reason: strategyv1.ReasonProving}
	}
	record := result.Final[0]
	running := p.runningHash(record)
	p.status.Proof.Running = running
	if running != "" && running != p.Config.State.SHA256 && running != p.Config.SHA256 {
		if round == 2*attempt {
			return proofOf{failed: fmt.Sprintf("the scheduler still runs another configuration (%.12s) after one more restart", running)}
		}
		annotations[strategyv1.AnnotationRestartedFor] = p.Config.State.SHA256
		p.restart(annotations)
		p.Wake(p.Now.Add(rolloutPoll))
		return proofOf{waiting: "the scheduler started with a stale copy of the configuration; restarting once more", reason: strategyv1.ReasonRollingOut}
	}
	switch record.Verdict {
	case strategyv1.VerdictPass, strategyv1.VerdictWarn:
		return proofOf{proved: true}
	case strategyv1.VerdictFail:
		return proofOf{failed: "the proof does not hold: " + checks.Sentence(record)}
	}
	return proofOf{unmeasured: checks.Sentence(record)}
}

// restartedAgain: the one more restart was made for this configuration, whichever rollback asked for it.
func (p *plan) restartedAgain(annotations map[string]string) bool {
	wanted := p.Config.State.SHA256
	return annotations[strategyv1.AnnotationConfigSHA256] == wanted && annotations[strategyv1.AnnotationRestartedFor] == wanted
}

// runningHash is what the scheduler says it runs, empty if its report has no such field.
func (p *plan) runningHash(record strategyv1.CheckStatus) string {
	outcome := p.Runs.Outcomes[checks.IDOf(record)]
	report, _ := outcome.Decoded().(map[string]any)
	running, _ := report["config_sha256"].(string)
	if len(running) > 64 {
		return running[:64]
	}
	return running
}

// rollOut restarts the scheduler if its pods were not made for this configuration, and says what is still waited for.
func (p *plan) rollOut(annotations map[string]string) (waiting string) {
	deployment := p.Deployment
	if !hasAll(deployment.Spec.Template.Annotations, annotations) {
		p.restart(annotations)
		return "restarting Deployment " + deployment.Name
	}
	if deployment.Spec.Paused {
		return fmt.Sprintf("Deployment %s is paused; kubectl rollout resume deployment/%s", deployment.Name, deployment.Name)
	}
	wanted := int32(1)
	if deployment.Spec.Replicas != nil {
		wanted = *deployment.Spec.Replicas
	}
	status := deployment.Status
	if status.ObservedGeneration < deployment.Generation { // its figures are about the old pods
		status = appsv1.DeploymentStatus{Replicas: status.Replicas}
	}
	if status.UpdatedReplicas < wanted || status.Replicas > wanted || status.AvailableReplicas < wanted {
		return fmt.Sprintf("Deployment %s: %d of %d new pods are available", deployment.Name, min(status.UpdatedReplicas, status.AvailableReplicas), wanted)
	}
	for _, pod := range p.Pods {
		if ended(pod) {
			continue
		}
		if pod.DeletionTimestamp != nil {
			return fmt.Sprintf("pod %s is still ending, and trading until it has", pod.Name)
		}
		if !hasAll(pod.Annotations, annotations) {
			return fmt.Sprintf("pod %s still runs the old configuration", pod.Name)
		}
	}
	return ""
}

// ended: a pod whose containers are gone does not trade any more.
func ended(pod corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

func (p *plan) restart(annotations map[string]string) {
	p.Do(action.RestartWorkload{
		Key:             types.NamespacedName{Namespace: p.Deployment.Namespace, Name: p.Deployment.Name},
		ResourceVersion: p.Deployment.ResourceVersion, Annotations: annotations,
	})
}

func hasAll(have, want map[string]string) bool {
	for key, value := range want {
		if have[key] != value {
			return false
		}
	}
	return true
}

// keepConfig stores the whole document as evidence. The hash in the key keeps a repeated pass from meeting other bytes.
func (p *plan) keepConfig(what, content string) {
	p.Keep(evidence.ConfigKey(p.Prefix, fmt.Sprintf("%s-%.12s.yaml", what, schedulerconfig.Hash(content))), []byte(content))
}
