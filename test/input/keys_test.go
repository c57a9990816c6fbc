package input

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/controllers/policies"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/test/scenarios"
)

// Whoever may read Secrets of a playbook's namespace cannot sign its logs: the key is kept in the operator's own.
func TestTheKeyIsKeptWhereNoTenantReadsIt(t *testing.T) {
	forged := []byte("a key that a tenant has put into the place of ours")
	for name, world := range map[string]func(s *story){
		"it was never anywhere else": func(s *story) { s.Delete(sim.Secret, &corev1.Secret{}) },
		"a copy was left behind":     func(*story) {},
		"another one is in the namespace": func(s *story) {
			s.changeSecret(func(k *corev1.Secret) { k.Data = map[string][]byte{"hmac-key": forged} })
		},
		"no Role of the namespace names it": func(s *story) {
			s.operator = s.Start(sim.Seams{Live: func(live client.Reader) client.Reader { return noSecrets{live, s.Namespace} }})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tell(t, nil)
			s.Create(kept(s, sim.SigningKey))
			s.later(recheck)
			world(s)
			s.later(recheck)
			s.ReportIncident(nil)
			s.settle()
			log := scenarios.StoredLog(s.World, s.Incident().ObjectMeta)
			if _, err := decisionlog.VerifyChain(log, decisionlog.Keys{{Secret: sim.SigningKey}}); err != nil || len(log) < 2 {
				t.Errorf("the log of %d entries is not signed by the key that is kept: %v (%v)", len(log), err, s.lastError())
			}
		})
	}
}

// A key of another namespace's is not ours, whatever name a playbook gives it.
func TestNoPlaybookSignsWithTheKeyOfAnother(t *testing.T) {
	s := tell(t, nil)
	s.Delete(sim.Secret, &corev1.Secret{})
	other := kept(s, sim.SigningKey)
	other.Name = "other." + sim.Secret
	s.Create(other)
	s.later(recheck)
	s.is(aPlaybook(), sim.Playbook, "SecretNotFound")
	s.changePlaybook(func(p *strategyv1.StrategyPlaybookSpec) { p.SigningKeySecretName = other.Name })
	s.later(recheck)
	s.is(aPlaybook(), sim.Playbook, "SecretNotFound")
}

// kept is a Secret in the operator's own namespace.
func kept(s *story, key []byte) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: policies.Home(sim.User), Name: s.Namespace + "." + sim.Secret, Labels: map[string]string{strategyv1.LabelManaged: strategyv1.ManagedValue},
		},
		Data: map[string][]byte{"hmac-key": key},
	}
}
