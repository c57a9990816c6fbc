package rollback

import (
	"cmp"
	"fmt"

	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/rollout"
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
	wanted := p.wantedHash()
	p.askAnew(wanted)
	annotations := map[string]string{strategyv1.AnnotationConfigSHA256: wanted, strategyv1.AnnotationRestartedFor: p.next.Proof.RestartedFor}
	if p.seen.Deployment == nil {
		return proofOf{reason: strategyv1.ReasonDeploymentNotFound, waiting: fmt.Sprintf("Deployment %s does not exist in namespace %s, so nothing runs the configuration; create it",
			p.seen.Playbook.Spec.Scheduler.Rollout.DeploymentName, p.seen.Rollback.Namespace)}
	}
	look := p.scheduler().Look(annotations, p.now)
	if p.unseenPods != nil {
		p.out.Wake(p.now.Add(p.unseenPods.Retry))
		return proofOf{waiting: p.unseenPods.Message, reason: strategyv1.ReasonProving}
	}
	if look.Restart {
		p.restart(annotations)
	}
	if look.Waiting != "" {
		p.out.Wake(p.now.Add(p.seen.Pauses.Rollout))
		return proofOf{waiting: look.Waiting, reason: strategyv1.ReasonRollingOut}
	}
	result := p.run(stage, p.next.Proof.Round, []strategyv1.CheckUse{{Name: p.seen.Playbook.Spec.Scheduler.Proof.Check}})
	if result.Missing != "" {
		return proofOf{waiting: result.Missing, reason: strategyv1.ReasonPodTemplateNotFound}
	}
	if !result.Done {
		return proofOf{waiting: p.asking(), reason: strategyv1.ReasonProving}
	}
	return p.judgeProof(result.Final[0], annotations)
}

// wantedHash is the configuration that the scheduler's pods must run: as it was written last; where the record of that is gone, as it is.
func (p *plan) wantedHash() string {
	return cmp.Or(p.seen.Config.State.SHA256, p.seen.Config.SHA256)
}

// askAnew starts another round when the configuration is not the one that was asked about: another rollback may have
// changed it meanwhile, and what the scheduler said before is no answer any more. The one more restart was made for this
// configuration, whichever rollback asked for it.
func (p *plan) askAnew(wanted string) {
	if p.next.Proof == nil {
		p.next.Proof = &strategyv1.ProofStatus{}
	}
	proof, again := p.next.Proof, ""
	if p.seen.Deployment != nil && p.restartedAgain(p.seen.Deployment.Spec.Template.Annotations) {
		again = wanted
	}
	if proof.Edited != wanted || again != "" && proof.RestartedFor != again {
		proof.Round, proof.RestartedFor, proof.Running = proof.Round+1, again, ""
		proof.Loaded = ""
	}
	proof.Edited, proof.Stored = wanted, p.seen.Config.SHA256
}

// judgeProof compares what the scheduler says it runs with the stored configuration, then looks at the verdict.
func (p *plan) judgeProof(record strategyv1.CheckStatus, annotations map[string]string) proofOf {
	if !p.provesRunning() {
		return p.judgeLoaded(record, annotations)
	}
	running := p.reportedHash(record)
	p.next.Proof.Running = running
	if running == "" && p.scheduler().LeftToReloader(annotations, p.now) && !p.scheduler().Annotated(annotations) {
		return proofOf{unmeasured: "Reloader restarts Deployment " + p.seen.Deployment.Name + ", so only config_sha256 in the report of check " + record.Name + " can tell which configuration runs; it is missing"}
	}
	if running != "" && !p.isStored(running) {
		if p.next.Proof.RestartedFor != "" {
			return proofOf{failed: fmt.Sprintf("the scheduler still runs another configuration (%.12s) after one more restart", running)}
		}
		annotations[strategyv1.AnnotationRestartedFor] = p.wantedHash()
		p.restart(annotations)
		p.out.Wake(p.now.Add(p.seen.Pauses.Rollout))
		return proofOf{waiting: "the scheduler started with a stale copy of the configuration; restarting once more", reason: strategyv1.ReasonRollingOut}
	}
	return judged(record)
}

// judged is what the verdict of a proof means.
func judged(record strategyv1.CheckStatus) proofOf {
	switch record.Verdict {
	case strategyv1.VerdictPass, strategyv1.VerdictWarn:
		return proofOf{proved: true}
	case strategyv1.VerdictFail:
		return proofOf{failed: "the proof does not hold: " + checks.Sentence(record)}
	}
	return proofOf{unmeasured: checks.Sentence(record)}
}

// isStored says whether a hash is of the configuration as it was written, or as it is stored now.
func (p *plan) isStored(hash string) bool {
	return hash == p.wantedHash() || hash == p.seen.Config.SHA256
}

// scheduler is what is seen of the Deployment that runs the configuration.
func (p *plan) scheduler() rollout.Scheduler {
	return rollout.Scheduler{
		Deployment: p.seen.Deployment, Pods: p.pods, ConfigMap: p.seen.Playbook.Spec.Scheduler.Config.ConfigMapName, Match: p.seen.Config.Match,
		Written: p.seen.Config.State.Written, Patience: p.seen.Pauses.Reloader,
	}
}

func (p *plan) restart(annotations map[string]string) {
	p.out.Do(action.RestartWorkload{
		Key:             types.NamespacedName{Namespace: p.seen.Deployment.Namespace, Name: p.seen.Deployment.Name},
		ResourceVersion: p.seen.Deployment.ResourceVersion, Annotations: annotations,
	})
}

// restartedAgain says whether the one more restart that a stale copy needs was made for this configuration: it counts for each hash, whichever
// rollback on the same ConfigMap asked for it.
func (p *plan) restartedAgain(annotations map[string]string) bool {
	wanted := p.wantedHash()
	return annotations[strategyv1.AnnotationConfigSHA256] == wanted && annotations[strategyv1.AnnotationRestartedFor] == wanted
}

// reportedHash is of the configuration that a proof speaks of, empty if its report has no such field.
func (p *plan) reportedHash(record strategyv1.CheckStatus) string {
	hash := p.seen.Runs.Outcomes[checks.IDOf(record)].Report.Value().Text("config_sha256")
	return bounded.Line(hash, 64)
}
