//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

const (
	incidentInGit = "loss-in-git"
	incidentFile  = "incidents/" + incidentInGit + ".yaml"

	rollbackInGit = "risk-in-git"
	rollbackFile  = "rollbacks/" + rollbackInGit + ".yaml"

	emptyKustomization = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
)

// An incident out of Git, in a Kustomization that waits for what it applies, by the shipped expressions: Flux waits as long as people do, calls it failed
// when its time is over, healthy when the incident is over, and takes the incident away with its file. Whoever approves reads that nobody knows who asked.
func TestAnIncidentOutOfGitIsWaitedForAndPruned(t *testing.T) {
	s := tell(t, long("Flux has to be built"))
	playbook := s.playbook(s.quick("from-git"))
	f := s.fluxControllers()
	account := s.fluxAccount()
	f.repository.Put("main", incidentFile, s.incidentInGit(playbook), "ask for help")
	f.waitsFor("incidents", "10m", account)
	rollback := s.rollbackOf(&strategyv1.StrategyIncident{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: incidentInGit}}, time.Minute)
	s.reaches(rollback, "AwaitingApproval", 30*time.Second)
	incident := &strategyv1.StrategyIncident{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: incidentInGit}}
	s.must(s.refresh(s.ctx, incident))
	if want := "system:serviceaccount:" + s.namespace + ":" + account; incident.Spec.RequestedBy != want {
		s.Errorf("%q asks, not %q", incident.Spec.RequestedBy, want)
	}
	s.says(rollback, strategyv1.ConditionPlanned, "Mind that", account)
	s.kustomization("incidents", "waits", "Reconciling", "Progressing", "Running health checks")
	s.kustomization("incidents", "gives up", "Ready", "HealthCheckFailed", "StrategyIncident/"+s.namespace+"/"+incidentInGit+" status: 'InProgress'")

	s.decides("bob", strategyv1.DecisionApprove, rollback)
	s.reaches(incident, "Contained", time.Minute)
	s.decides("bob", strategyv1.DecisionRestore, rollback)
	s.reaches(incident, "Resolved", time.Minute)
	s.kustomization("incidents", "is content", "Ready", "ReconciliationSucceeded", "Applied revision")
	s.kustomization("incidents", "is healthy", "Healthy", "Succeeded", "Health check passed")
	s.logHolds(incident)

	f.repository.Put("main", "incidents/kustomization.yaml", emptyKustomization, "nothing to ask for") // a folder without files is no folder in Git
	f.repository.Remove("main", incidentFile, "over")
	s.isGone(incident, time.Minute)
	s.trace("the incident went with its file")
}

// A rollback out of Git, applied again every two seconds: who approves reads that nobody knows who asked, its desiredState in Git has it restored, and it
// goes with its file.
func TestARollbackOutOfGitIsRestoredAndPruned(t *testing.T) {
	s := tell(t, long("Flux has to be built"))
	playbook := s.playbook(s.quick("from-git"))
	f := s.fluxControllers()
	account := s.fluxAccount()
	f.repository.Put("main", rollbackFile, s.rollbackInGit(playbook, strategyv1.StateApplied), "less risk")
	f.waitsFor("rollbacks", fluxEvery.String(), account)
	rollback := &strategyv1.StrategyRollback{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: rollbackInGit}}
	s.eventually("Flux makes the rollback", 30*time.Second, func(ctx context.Context) error { return s.refresh(ctx, rollback) })
	s.carolApproves(rollback)
	s.says(rollback, strategyv1.ConditionPlanned, "Mind that", account)
	s.reaches(rollback, "Verified", time.Minute)
	s.kustomization("rollbacks", "is content", "Ready", "ReconciliationSucceeded", "Applied revision")
	written := s.configWrites()
	generation, applied := rollback.Generation, f.applied()
	s.eventually("Flux applies it a few times more", 30*time.Second, func(context.Context) error {
		if n := f.applied() - applied; n < 4 {
			return fmt.Errorf("%d times", n)
		}
		return nil
	})
	s.reaches(rollback, "Verified", 10*time.Second)
	if n := written(); n != 0 || rollback.Generation != generation {
		s.Errorf("%d writes, generation %d, not %d", n, rollback.Generation, generation)
	}

	f.repository.Put("main", rollbackFile, s.rollbackInGit(playbook, strategyv1.StateRestored), "as before")
	s.reaches(rollback, "Restored", time.Minute)
	s.configIsAsBefore()
	s.kustomization("rollbacks", "is healthy", "Healthy", "Succeeded", "Health check passed")
	s.logHolds(rollback)
	f.repository.Put("main", "rollbacks/kustomization.yaml", emptyKustomization, "nothing to change")
	f.repository.Remove("main", rollbackFile, "over")
	s.isGone(rollback, time.Minute)
}

func (s *story) rollbackInGit(playbook string, state strategyv1.RollbackState) string {
	s.Helper()
	text, err := yaml.Marshal(strategyv1.StrategyRollback{
		TypeMeta:   metav1.TypeMeta{APIVersion: strategyv1.GroupVersion.String(), Kind: strategyv1.KindRollback},
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: rollbackInGit},
		Spec: strategyv1.StrategyRollbackSpec{
			PlaybookName: playbook, Reason: "out of Git", DesiredState: state, Actions: []strategyv1.RollbackAction{allocate("aggressive", "cross_exchange", "0.1")},
		},
	})
	s.must(err)
	return string(text)
}

// waitsFor has Flux apply a folder of the repository as an account, prune it, and wait for what is in it by the shipped expressions.
func (f *fluxControllers) waitsFor(folder, interval, account string) {
	f.s.Helper()
	f.s.must(f.create(fluxGroup+"/v1", "Kustomization", folder, map[string]any{
		"interval": interval, "retryInterval": "2s", "timeout": "30s", "path": "./" + folder, "prune": true, "wait": true, "serviceAccountName": account,
		"sourceRef": map[string]any{"kind": "GitRepository", "name": fluxName}, "healthCheckExprs": shippedExpressions(f.s),
	}))
}

// fluxAccount is who applies incidents here, and may do nothing else.
func (s *story) fluxAccount() string {
	s.Helper()
	const name = "flux"
	s.accountToken(name)
	role := &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: name, Labels: ours},
		Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{strategyv1.GroupVersion.Group}, Resources: []string{"strategyincidents", "strategyrollbacks"},
			Verbs: []string{"get", "list", "watch", "create", "patch", "update", "delete", "restore"},
		}},
	}
	s.must(admin.Create(s.ctx, role))
	s.bindAccount(name, s.namespace, rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name})
	return name
}

func (s *story) incidentInGit(playbook string) string {
	s.Helper()
	text, err := yaml.Marshal(strategyv1.StrategyIncident{
		TypeMeta:   metav1.TypeMeta{APIVersion: strategyv1.GroupVersion.String(), Kind: strategyv1.KindIncident},
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: incidentInGit},
		Spec:       strategyv1.StrategyIncidentSpec{PlaybookName: playbook, Type: "PnL", Severity: "Critical", Schedule: "cross_exchange_watch", Summary: "out of Git"},
	})
	s.must(err)
	return string(text)
}

// shippedExpressions are what a Kustomization is told about the operator's kinds.
func shippedExpressions(s *story) []any {
	s.Helper()
	var shipped struct {
		HealthCheckExprs []any `json:"healthCheckExprs"`
	}
	s.must(yaml.Unmarshal([]byte(repositoryFile("config/gitops/flux-health.yaml")), &shipped))
	return shipped.HealthCheckExprs
}

// kustomization waits until a condition of a Kustomization has that reason and those words.
func (s *story) kustomization(name, what, kind, reason, words string) {
	s.Helper()
	s.eventually("the Kustomization "+name+" "+what, 40*time.Second, func(ctx context.Context) error {
		object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": fluxGroup + "/v1", "kind": "Kustomization"}}
		if err := admin.Get(ctx, client.ObjectKey{Namespace: s.namespace, Name: name}, object); err != nil {
			return err
		}
		conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
		for _, each := range conditions {
			if found, is := each.(map[string]any); is && found["type"] == kind && found["reason"] == reason && strings.Contains(fmt.Sprint(found["message"]), words) {
				s.trace("Flux: %s=%s/%s %s", kind, found["status"], reason, found["message"])
				return nil
			}
		}
		return fmt.Errorf("it has %v", conditions)
	})
}
