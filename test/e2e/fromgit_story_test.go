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
)

// An incident out of Git, in a Kustomization that waits for what it applies, by the shipped expressions: Flux waits as long as people do, calls it failed
// when its time is over, healthy when the incident is over, and takes the incident away with its file. Whoever approves reads that nobody knows who asked.
func TestAnIncidentOutOfGitIsWaitedForAndPruned(t *testing.T) {
	s := tell(t, long("Flux is to be built"))
	playbook := s.playbook(s.quick("from-git"))
	f := s.fluxController()
	account := s.fluxAccount()
	f.commitFile(incidentFile, s.incidentInGit(playbook))
	s.must(f.create(fluxGroup+"/v1", "Kustomization", "incidents", map[string]any{
		"interval": "10m", "retryInterval": "2s", "timeout": "30s", "path": "./incidents", "prune": true, "wait": true, "serviceAccountName": account,
		"sourceRef": map[string]any{"kind": "GitRepository", "name": fluxName}, "healthCheckExprs": shippedExpressions(s),
	}))
	rollback := s.rollbackOf(&strategyv1.StrategyIncident{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: incidentInGit}}, time.Minute)
	s.reaches(rollback, "AwaitingApproval", 30*time.Second)
	incident := &strategyv1.StrategyIncident{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: incidentInGit}}
	s.must(s.refresh(s.ctx, incident))
	if want := "system:serviceaccount:" + s.namespace + ":" + account; incident.Spec.RequestedBy != want {
		s.Errorf("%q asks, not %q", incident.Spec.RequestedBy, want)
	}
	s.says(rollback, strategyv1.ConditionPlanned, "Mind that", account)
	s.kustomization("waits", "Reconciling", "Progressing", "Running health checks")
	s.kustomization("gives up", "Ready", "HealthCheckFailed", "StrategyIncident/"+s.namespace+"/"+incidentInGit+" status: 'InProgress'")

	s.decides("bob", strategyv1.DecisionApprove, rollback)
	s.reaches(incident, "Contained", time.Minute)
	s.decides("bob", strategyv1.DecisionRestore, rollback)
	s.reaches(incident, "Resolved", time.Minute)
	s.kustomization("is content", "Ready", "ReconciliationSucceeded", "Applied revision")
	s.kustomization("is healthy", "Healthy", "Succeeded", "Health check passed")
	s.logHolds(incident)

	f.commitFile("incidents/kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n") // an empty folder is no folder in Git
	f.commitFile(incidentFile, "")
	s.isGone(incident, time.Minute)
	s.trace("the incident went with its file")
}

// fluxAccount is who applies incidents here, and may do nothing else.
func (s *story) fluxAccount() string {
	s.Helper()
	const name = "flux"
	s.accountToken(name)
	role := &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: name, Labels: ours},
		Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{strategyv1.GroupVersion.Group}, Resources: []string{"strategyincidents"},
			Verbs: []string{"get", "list", "watch", "create", "patch", "update", "delete"},
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

// kustomization waits until a condition of the Kustomization of incidents has that reason and those words.
func (s *story) kustomization(what, kind, reason, words string) {
	s.Helper()
	s.eventually("the Kustomization "+what, 40*time.Second, func(ctx context.Context) error {
		object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": fluxGroup + "/v1", "kind": "Kustomization"}}
		if err := admin.Get(ctx, client.ObjectKey{Namespace: s.namespace, Name: "incidents"}, object); err != nil {
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
