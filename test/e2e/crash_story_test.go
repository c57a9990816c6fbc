//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

func TestTheOperatorIsKilledInEveryStageAndTheStoryEndsTheSame(t *testing.T) {
	s := tell(t, alone)
	s.losingMoney()
	incident := s.report("alice", s.playbook(s.sample("killed-operator")), nil)
	s.killedIn(incident, "Triaging")
	s.killedIn(incident, "Diagnosing")
	rollback := s.rollbackOf(incident, time.Minute)
	s.killedIn(rollback, "AwaitingApproval")
	s.decides("bob", strategyv1.DecisionApprove, rollback) // nobody is there to see it
	for _, stage := range []string{"CheckingBefore", "RollingOut", "Proving", "CheckingAfter"} {
		s.killedIn(rollback, stage)
	}
	s.reaches(incident, "Contained", 90*time.Second)
	s.must(s.refresh(s.ctx, rollback))
	s.isInEffect(rollback)

	s.must(s.clearFaults(s.ctx))
	s.decides("bob", strategyv1.DecisionRestore, rollback)
	for _, stage := range []string{"CheckingRestore", "Restoring"} {
		s.killedIn(rollback, stage)
	}
	s.reaches(incident, "Resolved", 90*time.Second)
	s.must(s.refresh(s.ctx, rollback))
	s.expect(rollback, "Ready=True/Restored", "Restored=True/Restored", "Verified=True/Verified", "InEffect=False/Restored")
	s.expect(incident, "Ready=True/Resolved", "Resolved=True/Resolved", "Contained=False/Restored", "SLAMet=True/WithinLimits")
	s.configIsAsBefore()
	s.isSuspended()
	s.runs(s.original)

	s.endedWith(incident, wholeIncidentLog, 9)
	s.endedWith(rollback, wholeRollbackLog, 11)
	s.noSecret(incident, rollback)
}

// killedIn waits for a stage and kills the operator in it.
func (s *story) killedIn(object client.Object, stage string) {
	s.Helper()
	s.eventually(fmt.Sprintf("%s is in stage %s", nameOf(object), stage), 90*time.Second, func(context.Context) error {
		if went := s.seen.wentThrough(object); !slices.Contains(went, stage) {
			return fmt.Errorf("it went through %v", went)
		}
		return nil
	})
	s.trace("the operator is killed in %s (%s)", stage, s.kill())
}

// kill ends the operator: its process where it runs on this machine, so that it cannot even give its lease back, and its pod without a grace
// period. The Deployment makes a new one.
func (s *story) kill() (how string) {
	s.Helper()
	pod := s.operatorPod()
	var lease coordinationv1.Lease
	s.must(admin.Get(s.ctx, client.ObjectKey{Namespace: operatorNamespace, Name: "strategy-operator.tradeops.dev"}, &lease))
	if holder := *lease.Spec.HolderIdentity; !strings.HasPrefix(holder, pod.Name+"_") {
		s.Errorf("the pod that is killed is %s, but %s is at work", pod.Name, holder)
	}
	how = "its pod is deleted"
	if local {
		process, err := processOf(pod)
		s.must(err)
		s.must(process.Kill())
		how = fmt.Sprintf("SIGKILL to process %d", process.Pid)
	}
	s.must(admin.Delete(s.ctx, &corev1.Pod{ObjectMeta: pod.ObjectMeta}, client.GracePeriodSeconds(0)))
	return how
}

// processOf is the operator's process on this machine.
func processOf(pod *corev1.Pod) (*os.Process, error) {
	_, id, _ := strings.Cut(pod.Status.ContainerStatuses[0].ContainerID, "://")
	data, err := os.ReadFile("/run/strategy-operator-cluster/containerd/io.containerd.runtime.v2.task/k8s.io/" + id + "/init.pid")
	if err != nil {
		return nil, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return nil, err
	}
	command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(string(command), "/manager\x00") {
		return nil, fmt.Errorf("process %d is not the operator's but %q", pid, command)
	}
	return os.FindProcess(pid)
}
