package rollback

import (
	"fmt"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
)

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
func (p *plan) prove(stage strategyv1.Stage) proofOf {
	if p.isDrill() {
		return p.drilled()
	}
	wanted := p.Config.State.SHA256
	p.askAnew(wanted)
	annotations := map[string]string{strategyv1.AnnotationConfigSHA256: wanted, strategyv1.AnnotationRestartedFor: p.status.Proof.RestartedFor}
	if p.Deployment == nil {
		return proofOf{reason: strategyv1.ReasonDeploymentNotFound, waiting: fmt.Sprintf("Deployment %s does not exist in namespace %s, so nothing runs the configuration; create it",
			p.Playbook.Spec.Scheduler.Rollout.DeploymentName, p.Rollback.Namespace)}
	}
	if waiting := p.rollOut(annotations); waiting != "" {
		p.Wake(p.Now.Add(p.Pauses.Rollout))
		return proofOf{waiting: waiting, reason: strategyv1.ReasonRollingOut}
	}
	result := p.run(stage, p.status.Proof.Round, []strategyv1.CheckUse{{Name: p.Playbook.Spec.Scheduler.Proof.Check}})
	if result.Missing != "" {
		return proofOf{waiting: result.Missing, reason: strategyv1.ReasonPodTemplateNotFound}
	}
	if !result.Done {
		return proofOf{waiting: "asking the running scheduler what it has in force", reason: strategyv1.ReasonProving}
	}
	return p.judgeProof(result.Final[0], annotations)
}

// askAnew starts another round when the configuration is not the one that was asked about: another rollback may have
// changed it meanwhile, and what the scheduler said before is no answer any more. The one more restart was made for this
// configuration, whichever rollback asked for it.
func (p *plan) askAnew(wanted string) {
	if p.status.Proof == nil {
		p.status.Proof = &strategyv1.ProofStatus{}
	}
	proof, again := p.status.Proof, ""
	if p.Deployment != nil && p.restartedAgain(p.Deployment.Spec.Template.Annotations) {
		again = wanted
	}
	if proof.Edited != wanted || again != "" && proof.RestartedFor != again {
		proof.Round, proof.RestartedFor, proof.Running = proof.Round+1, again, ""
	}
	proof.Edited, proof.Stored = wanted, p.Config.SHA256
}

// judgeProof compares what the scheduler says it runs with the stored configuration, then looks at the verdict.
func (p *plan) judgeProof(record strategyv1.CheckStatus, annotations map[string]string) proofOf {
	running := p.runningHash(record)
	p.status.Proof.Running = running
	if running == "" && p.leftToReloader(annotations) && !hasAll(p.Deployment.Spec.Template.Annotations, annotations) {
		return proofOf{unmeasured: "Reloader restarts Deployment " + p.Deployment.Name + ", so only config_sha256 in the report of check " + record.Name + " can tell which configuration runs; it is missing"}
	}
	if running != "" && running != p.Config.State.SHA256 && running != p.Config.SHA256 {
		if p.status.Proof.RestartedFor != "" {
			return proofOf{failed: fmt.Sprintf("the scheduler still runs another configuration (%.12s) after one more restart", running)}
		}
		annotations[strategyv1.AnnotationRestartedFor] = p.Config.State.SHA256
		p.restart(annotations)
		p.Wake(p.Now.Add(p.Pauses.Rollout))
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

// restartedAgain: the one more restart was made for this configuration.
func (p *plan) restartedAgain(annotations map[string]string) bool {
	wanted := p.Config.State.SHA256
	return annotations[strategyv1.AnnotationConfigSHA256] == wanted && annotations[strategyv1.AnnotationRestartedFor] == wanted
}

// runningHash is what the scheduler says it runs, empty if its report has no such field.
func (p *plan) runningHash(record strategyv1.CheckStatus) string {
	running := p.Runs.Outcomes[checks.IDOf(record)].Report.Value().Text("config_sha256")
	if len(running) > 64 {
		return running[:64]
	}
	return running
}
