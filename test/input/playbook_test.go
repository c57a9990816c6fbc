package input

import (
	"context"
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/controllers/namespaces"
	"tradeops.dev/strategy-operator/controllers/policies"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// TestAPlaybookThatCannotBeRunSaysWhy: the playbook names what is wrong; what wants to run on it repeats that and waits.
func TestAPlaybookThatCannotBeRunSaysWhy(t *testing.T) {
	for _, c := range []struct {
		name   string
		given  func(*story)
		reason string
		says   []string // NAMESPACE stands for the namespace
		fixed  func(*story)
	}{{
		"the ConfigMap is missing",
		func(s *story) { s.Delete(sim.ConfigMap, &corev1.ConfigMap{}) },
		"ConfigMapNotFound", []string{"ConfigMap NAMESPACE/bot-core-config does not exist"},
		func(s *story) { s.Create(s.ConfigMap()) },
	}, {
		"the ConfigMap is not labelled",
		func(s *story) { s.changeConfig(func(c *corev1.ConfigMap) { c.Labels = nil }) },
		"ConfigMapNotLabelled", []string{"kubectl label configmap bot-core-config -n NAMESPACE strategy.tradeops.dev/managed=true"},
		func(s *story) { s.changeConfig(func(c *corev1.ConfigMap) { c.Labels = s.ConfigMap().Labels }) },
	}, {
		"the ConfigMap is immutable",
		func(s *story) { s.changeConfig(func(c *corev1.ConfigMap) { c.Immutable = new(true) }) },
		"ConfigMapImmutable", []string{"ConfigMap NAMESPACE/bot-core-config is immutable"},
		func(s *story) { s.Delete(sim.ConfigMap, &corev1.ConfigMap{}); s.Create(s.ConfigMap()) },
	}, {
		"the ConfigMap has another key",
		func(s *story) {
			s.changeConfig(func(c *corev1.ConfigMap) { c.Data = map[string]string{"other.yaml": testkit.Document} })
		},
		"ConfigKeyNotFound", []string{`ConfigMap NAMESPACE/bot-core-config has no key "core.yaml" in data`},
		func(s *story) { s.changeConfig(func(c *corev1.ConfigMap) { c.Data = s.ConfigMap().Data }) },
	}, {
		"the key is in binaryData only",
		func(s *story) {
			s.changeConfig(func(c *corev1.ConfigMap) {
				c.Data, c.BinaryData = nil, map[string][]byte{testkit.DataKey: []byte(testkit.Document)}
			})
		},
		"ConfigKeyNotFound", []string{`has no key "core.yaml" in data (binaryData is not read)`},
		func(s *story) {
			s.changeConfig(func(c *corev1.ConfigMap) { c.Data, c.BinaryData = s.ConfigMap().Data, nil })
		},
	}, {
		"the configuration does not parse",
		func(s *story) { s.write(testkit.Document + "broken: [1,\n") },
		"ConfigInvalid", []string{"ConfigMap NAMESPACE/bot-core-config, key core.yaml: ", "line "},
		func(s *story) { s.write(testkit.Document) },
	}, {
		"the configuration is empty",
		func(s *story) { s.write("") },
		"ConfigInvalid", []string{"ConfigMap NAMESPACE/bot-core-config, key core.yaml: the configuration is empty"},
		func(s *story) { s.write(testkit.Document) },
	}, {
		"the record of the edits was changed by hand",
		func(s *story) {
			s.changeConfig(func(c *corev1.ConfigMap) { c.Annotations = map[string]string{strategyv1.AnnotationEdits: "{"} })
		},
		"RecordForged", []string{"ConfigMap NAMESPACE/bot-core-config, annotation " + strategyv1.AnnotationEdits},
		func(s *story) { s.changeConfig(func(c *corev1.ConfigMap) { c.Annotations = nil }) },
	}, {
		"the scheduler is not in the configuration",
		func(s *story) {
			s.changePlaybook(func(p *strategyv1.StrategyPlaybookSpec) { p.Scheduler.Name = "night" })
		},
		"ConfigInvalid", []string{"key core.yaml: ", `has no scheduler "night"`, "main"},
		func(s *story) {
			s.changePlaybook(func(p *strategyv1.StrategyPlaybookSpec) { p.Scheduler.Name = "main" })
		},
	}, {
		"the environment is not in the configuration",
		func(s *story) {
			s.changePlaybook(func(p *strategyv1.StrategyPlaybookSpec) { p.Scheduler.Environment = "live" })
		},
		"ConfigInvalid", []string{"key core.yaml: ", `environments has no environment "live"`, "paper"},
		func(s *story) { s.write(testkit.Document + "  live: {exchange: kraken_spot}\n") },
	}, {
		"the PodTemplate is missing",
		func(s *story) { s.Delete(sim.Template, &corev1.PodTemplate{}) },
		"PodTemplateNotFound", []string{"check audit needs PodTemplate tools, which does not exist in namespace NAMESPACE"},
		func(s *story) { s.Create(s.PodTemplate()) },
	}, {
		"the PodTemplate has the scheduler's labels",
		func(s *story) { s.labelTemplate(map[string]string{"app": "scheduler"}) },
		"PodTemplateNotAllowed", []string{"its labels are those by which Deployment bot-core-scheduler knows its pods (app=scheduler)", "give it others"},
		func(s *story) { s.labelTemplate(map[string]string{"app": "tools"}) },
	}, {
		"the Deployment is missing",
		func(s *story) { s.Delete(sim.Deployment, s.Deployment()) },
		"DeploymentNotFound", []string{"spec.scheduler.rollout: Deployment bot-core-scheduler does not exist in namespace NAMESPACE"},
		func(s *story) { s.Create(s.Deployment()) },
	}, {
		"the Secret is missing",
		func(s *story) { s.Delete(sim.Secret, &corev1.Secret{}) },
		"SecretNotFound", []string{
			"does not exist: neither Secret strategy-operator-system/NAMESPACE.decision-log-key, where no tenant can read it, nor Secret NAMESPACE/decision-log-key; create one",
			`"hmac-key" of at least 32 bytes`,
		},
		func(s *story) { s.Create(s.Secret()) },
	}, {
		"the Secret is not labelled",
		func(s *story) { s.changeSecret(func(k *corev1.Secret) { k.Labels = nil }) },
		"SecretNotLabelled", []string{"kubectl label secret decision-log-key -n NAMESPACE strategy.tradeops.dev/managed=true"},
		func(s *story) { s.changeSecret(func(k *corev1.Secret) { k.Labels = s.Secret().Labels }) },
	}, {
		"the Secret may not be read",
		func(s *story) {
			s.operator = s.Start(sim.Seams{Live: func(live client.Reader) client.Reader { return noSecrets{live, s.Namespace} }})
		},
		"SecretForbidden", []string{
			"put its name into Role strategy-operator-secrets in namespace NAMESPACE", "or keep the key in Secret strategy-operator-system/NAMESPACE.decision-log-key",
		},
		func(s *story) { s.operator = s.Start(sim.Seams{}) },
	}, {
		"whether the operator has a Secret of its own may not be asked",
		func(s *story) {
			s.operator = s.Start(sim.Seams{Live: func(live client.Reader) client.Reader { return noSecrets{live, policies.Home(sim.User)} }})
		},
		"SecretForbidden", []string{"Secret strategy-operator-system/NAMESPACE.decision-log-key may not be read by the operator, nor asked for; apply config/rbac again"},
		func(s *story) { s.operator = s.Start(sim.Seams{}) },
	}, {
		"the Secret's key is too short",
		func(s *story) {
			s.changeSecret(func(k *corev1.Secret) { k.Data = map[string][]byte{"hmac-key": []byte("short")} })
		},
		"SecretInvalid", []string{`Secret NAMESPACE/decision-log-key, key "hmac-key"`, "32"},
		func(s *story) { s.changeSecret(func(k *corev1.Secret) { k.Data = s.Secret().Data }) },
	}, {
		"a rule does not compile",
		func(s *story) {
			s.changePlaybook(func(p *strategyv1.StrategyPlaybookSpec) { p.Checks[0].Verdicts[1].When = "reprot.status == 'warn'" })
		},
		"RuleInvalid", []string{`check audit, verdict 2: rule "reprot.status == 'warn'": 1:1: undeclared reference to 'reprot'`},
		func(s *story) {
			s.changePlaybook(func(p *strategyv1.StrategyPlaybookSpec) { p.Checks[0].Verdicts[1].When = "report.status == 'warn'" })
		},
	}, {
		"a check does not exist",
		func(s *story) {
			s.changePlaybook(func(p *strategyv1.StrategyPlaybookSpec) { p.Triage.Checks[0].Name = "adit" })
		},
		"ReferenceInvalid", []string{`spec.triage uses check "adit", which is not in spec.checks`},
		func(s *story) {
			s.changePlaybook(func(p *strategyv1.StrategyPlaybookSpec) { p.Triage.Checks[0].Name = "audit" })
		},
	}, {
		"a remediation does not exist",
		func(s *story) {
			s.changePlaybook(func(p *strategyv1.StrategyPlaybookSpec) { p.Diagnosis.Causes[0].Remediation = "reboot" })
		},
		"ReferenceInvalid", []string{`cause SignalDegradation names remediation "reboot", which is not in spec.remediations`},
		func(s *story) {
			s.changePlaybook(func(p *strategyv1.StrategyPlaybookSpec) { p.Diagnosis.Causes[0].Remediation = "disable" })
		},
	}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := tell(t, nil)
			c.given(s)
			s.ReportIncident(nil)
			s.AskRollback("less", nil)
			s.breaks()
			s.settle()
			for i := range c.says {
				c.says[i] = strings.ReplaceAll(c.says[i], "NAMESPACE", s.Namespace)
			}
			waits := append([]string{"StrategyPlaybook multi-strategy is not ready: "}, c.says...)
			s.stalls(aPlaybook(), sim.Playbook, c.reason, c.says...)
			s.stalls(anIncident(), "pnl", "PlaybookNotReady", waits...)
			s.stalls(aRollback(), "less", "PlaybookNotReady", waits...)
			s.changedNothing()
			s.noJobs()

			c.fixed(s)
			s.later(recheck)
			s.is(aPlaybook(), sim.Playbook, "Valid")
			s.is(anIncident(), "pnl", "LooksLikeFalseAlarm")
			s.is(aRollback(), "less", "AwaitingApproval")
		})
	}
}

func TestANamespaceThatIsNotServedIsNotTouched(t *testing.T) {
	t.Parallel()
	s := tell(t, nil)
	served := namespaces.Fixed{"other"}
	s.operator = s.Start(sim.Seams{Namespaces: served})
	s.ReportIncident(nil)
	s.AskRollback("less", nil)
	s.breaks()
	s.settle()
	says := []string{"the operator does not serve namespace " + s.Namespace, strategyv1.LabelServe + "=true", "ClusterRole strategy-operator-namespace"}
	s.stalls(aPlaybook(), sim.Playbook, "NamespaceNotServed", says...)
	s.stalls(anIncident(), "pnl", "NamespaceNotServed", says...)
	s.stalls(aRollback(), "less", "NamespaceNotServed", says...)
	s.changedNothing()
	s.noJobs()
	if s.events() > 0 {
		t.Errorf("events in a namespace without rights: %v", s.Trace)
	}

	served[0] = s.Namespace
	s.later(recheck)
	s.is(aPlaybook(), sim.Playbook, "Valid")
	s.is(anIncident(), "pnl", "LooksLikeFalseAlarm")
	s.is(aRollback(), "less", "AwaitingApproval")
}

func (s *story) changeConfig(change func(*corev1.ConfigMap)) {
	s.t.Helper()
	sim.Change(s.World, sim.ConfigMap, &corev1.ConfigMap{}, change)
}

// write replaces the configuration.
func (s *story) write(content string) {
	s.t.Helper()
	s.changeConfig(func(c *corev1.ConfigMap) { c.Data = map[string]string{testkit.DataKey: content} })
}

func (s *story) changeSecret(change func(*corev1.Secret)) {
	s.t.Helper()
	sim.Change(s.World, sim.Secret, &corev1.Secret{}, change)
}

// noSecrets is what the operator may read where no Role of a namespace names its Secret.
type noSecrets struct {
	client.Reader
	namespace string
}

// Get implements client.Reader.
func (n noSecrets) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	if _, secret := object.(*corev1.Secret); secret && key.Namespace == n.namespace {
		return apierrors.NewForbidden(corev1.Resource("secrets"), key.Name, errors.New("no right"))
	}
	return n.Reader.Get(ctx, key, object, options...)
}
