//go:build e2e

package e2e

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

func TestFluxPutsTheChangeBackAndNothingIsWrittenAgain(t *testing.T) {
	s := tell(t)
	s.putsBack(s.fluxEngine(), strategyv1.GitOpsReport, 20*time.Second)
}

func TestFluxsOwnControllersPutTheChangeBackForMinutes(t *testing.T) {
	s := tell(t, long("three minutes, and Flux has to be built"))
	s.putsBack(s.fluxControllers(), strategyv1.GitOpsReport, 3*time.Minute)
}

// Coexist: what Flux puts back is written again three times, with growing pauses, and then it is over: Flux has the last word.
func TestTheOperatorWritesThreeTimesAgainstFluxAndNoMore(t *testing.T) {
	s := tell(t)
	s.putsBack(s.fluxEngine(), strategyv1.GitOpsCoexist, 20*time.Second)
}

func TestTheOperatorWritesThreeTimesAgainstFluxsOwnControllersAndNoMoreForMinutes(t *testing.T) {
	s := tell(t, long("three minutes, and Flux has to be built"))
	s.putsBack(s.fluxControllers(), strategyv1.GitOpsCoexist, 3*time.Minute)
}

// putsBack: whoever approves is told before. The change takes effect while the tool is suspended, the tool puts it back, as often as the mode has it
// written, L2 is told by whom, and for all the time that the tool applies on, nobody writes: it finds what it wants, and the operator does not fight.
func (s *story) putsBack(f gitOps, mode strategyv1.GitOpsMode, during time.Duration) {
	s.Helper()
	told := f.marks()
	incident, rollback := s.planned(f, mode)
	s.says(rollback, strategyv1.ConditionPlanned, told.words, "puts the edit back")
	again := 0
	if mode == strategyv1.GitOpsCoexist {
		again = 3
		s.says(rollback, strategyv1.ConditionPlanned, "at most three times")
	}
	sheet, _ := s.plugin("", "status", "rollback/"+rollback.Name, "--all", "--ascii")
	if words := strings.Join(strings.Fields(strings.ReplaceAll(sheet, "|", "")), " "); !containsAll(words, told.words, told.keep) {
		s.Errorf("the sheet does not tell what the tool does, and how to stop it:\n%s", sheet)
	}
	s.decides("bob", strategyv1.DecisionApprove, rollback)
	s.reaches(rollback, "Verified", time.Minute)
	s.isSuspended("cross_exchange_watch")

	writers := s.configWriters()
	f.resume()
	s.reaches(rollback, "Overwritten", time.Minute)
	s.configIsAsBefore()
	s.says(rollback, strategyv1.ConditionReady, told.manager)
	if rollback.Status.WaitsFor != strategyv1.WhoL2 {
		s.Errorf("it waits for %s", rollback.Status.WaitsFor)
	}
	if rollback.Status.Config.Reapplies != int32(again) {
		s.Errorf("%d times written again, not %d", rollback.Status.Config.Reapplies, again)
	}
	if all := writers(); len(all) != 2*again+1 { // the operator between those of the tool
		s.Errorf("%d writes, not %d: %v", len(all), 2*again+1, all)
	}
	s.nothingIsWritten(f, rollback, "Overwritten", during)
	s.decides("bob", strategyv1.DecisionRestore, rollback)
	s.reaches(rollback, "Restored", time.Minute)
	s.reaches(incident, "Resolved", time.Minute)
	s.configIsAsBefore()
	s.isSuspended()
	s.logHolds(rollback)
}

// A commit that changes the edited path is somebody's will, who applies it does not matter.
func TestACommitIsNotWrittenOver(t *testing.T) {
	s := tell(t)
	f := s.fluxEngine()
	playbook := s.ownedPlaybook(f, strategyv1.GitOpsCoexist)
	rollback := s.asks("less-risk", playbook, nil, allocate("aggressive", "cross_exchange", "0.1"))
	s.carolApproves(rollback)
	s.reaches(rollback, "Verified", time.Minute)
	committed := strings.Replace(s.original, "cross_exchange: 0.5", "cross_exchange: 0.3", 1)
	f.commit(committed)
	f.resume()
	s.reaches(rollback, "Overwritten", 20*time.Second)
	s.nothingIsWritten(f, rollback, "Overwritten", 5*time.Second)
	if now := s.config(); now != committed || rollback.Status.Config.Reapplies != 0 {
		s.Errorf("%d times written again; %s", rollback.Status.Config.Reapplies, firstDifference(committed, now))
	}
}

// Pause: the annotation that comes with the edits keeps Flux away, and goes with them. Then Flux applies again.
func TestFluxIsPausedWhileTheChangeIsIn(t *testing.T) {
	s := tell(t)
	s.pauses(s.fluxEngine(), 20*time.Second)
}

func TestFluxsOwnControllersArePausedForMinutesWhileTheChangeIsIn(t *testing.T) {
	s := tell(t, long("three minutes, and Flux has to be built"))
	s.pauses(s.fluxControllers(), 3*time.Minute)
}

func (s *story) pauses(f gitOps, during time.Duration) {
	s.Helper()
	incident, rollback := s.planned(f, strategyv1.GitOpsPause)
	s.says(rollback, strategyv1.ConditionPlanned, fluxGroup+"/reconcile=disabled")
	f.resume()
	s.decides("bob", strategyv1.DecisionApprove, rollback)
	s.reaches(rollback, "Verified", time.Minute)
	s.nothingIsWritten(f, rollback, "Verified", during)
	s.onlyAddedLines(s.config())
	s.isSuspended("cross_exchange_watch")
	s.decides("bob", strategyv1.DecisionRestore, rollback)
	s.reaches(incident, "Resolved", time.Minute)
	s.configIsAsBefore()
	s.commitArrives(f)
	var configMap corev1.ConfigMap
	s.must(admin.Get(s.ctx, s.configAt(), &configMap))
	if value, left := configMap.Annotations[fluxGroup+"/reconcile"]; left {
		s.Errorf("the annotation is left: %s", value)
	}
	s.logHolds(rollback)
}

// commitArrives: what somebody commits now is applied.
func (s *story) commitArrives(f gitOps) {
	s.Helper()
	committed := s.original + "# and one line more\n"
	f.commit(committed)
	s.eventually("a commit arrives", 20*time.Second, func(context.Context) error {
		if now := s.config(); now != committed {
			return errors.New(firstDifference(committed, now))
		}
		return nil
	})
}

// planned is the rollback of an incident whose configuration a tool owns, before anybody agreed. The tool is suspended.
func (s *story) planned(f gitOps, mode strategyv1.GitOpsMode) (*strategyv1.StrategyIncident, *strategyv1.StrategyRollback) {
	s.Helper()
	incident := s.report("alice", s.ownedPlaybook(f, mode), nil)
	rollback := s.rollbackOf(incident, time.Minute)
	s.reaches(rollback, "AwaitingApproval", 20*time.Second)
	return incident, rollback
}

func (s *story) ownedPlaybook(f gitOps, mode strategyv1.GitOpsMode) string {
	s.Helper()
	playbook := s.quick("owned-by-a-tool")
	playbook.Spec.Scheduler.GitOps = &strategyv1.GitOpsSpec{Mode: mode}
	s.playbook(playbook)
	s.owned(f, playbook.Name)
	return playbook.Name
}

// nothingIsWritten watches that the tool applies on, nobody writes, nothing restarts, and the rollback says the same all the time.
func (s *story) nothingIsWritten(f gitOps, rollback *strategyv1.StrategyRollback, reason string, during time.Duration) {
	s.Helper()
	before := f.applied()
	writers := s.configWriters()
	restarted := s.restarts(func() {
		s.stays("it is said all the time", during, func(ctx context.Context) error {
			if err := s.refresh(ctx, rollback); err != nil {
				return err
			}
			if condition(rollback, strategyv1.ConditionReady).Reason != reason {
				return errors.New("it is at:\n" + describe(rollback))
			}
			return nil
		})
	})
	turns := f.applied() - before
	if all := writers(); len(all) != 0 || restarted != 0 {
		s.Errorf("writes by %v and %d restarts while the tool applied %d times", all, restarted, turns)
	}
	if least := int(during / fluxEvery / 2); turns < least {
		s.Errorf("the tool applied %d times in %s; fewer than %d prove nothing", turns, during, least)
	}
	s.trace("the tool applied %d times more, and nothing was written", turns)
}
