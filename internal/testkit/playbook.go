package testkit

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
)

// Document is a configuration with two strategies; "arb" has two schedules.
const Document = `risk_profiles:
  balanced:
    max_daily_loss_pct: 0.015
    strategy_allocations: {trend: 0.4, cross: 0.6} # weights
  bold:
    max_daily_loss_pct: 0.03
    strategy_allocations:
      trend: 1.0 # all in
runtime:
  multi_strategy_schedulers:
    main:
      # the schedules
      schedules:
        fast: {strategy: arb, risk_profile: bold}
        slow: {strategy: arb}
        trend_watch: {strategy: trend}
environments:
  paper: {exchange: kraken_spot, risk_profile: bold}
`

// FeedDocument is Document with instruments: kraken_spot and binance_spot quote all of them, okx_spot one.
var FeedDocument = strings.Replace(Document, "kraken_spot, risk_profile: bold}", "kraken_spot, risk_profile: bold, instrument_universe: core}", 1) + `instrument_universes:
  core:
    instruments:
      BTC_EUR: {exchanges: {kraken_spot: XBT/EUR, binance_spot: BTCEUR, okx_spot: BTC-EUR}}
      ETH_EUR: {exchanges: {kraken_spot: ETH/EUR, binance_spot: ETHEUR}}
`

// Names that tests refer to.
const (
	Namespace = "trading"
	ConfigMap = "bot-core-config"
	DataKey   = "core.yaml"
	Scheduler = "bot-core-scheduler"
)

// Check is a check whose report's status says the verdict.
func Check(name string, retries int32) strategyv1.CheckSpec {
	return strategyv1.CheckSpec{
		Name: name, PodTemplateName: "tools", Command: []string{"python", name + ".py"},
		TimeoutSeconds: 120, StartTimeoutSeconds: 300, Retries: new(retries), ReportFrom: strategyv1.ReportFromLog,
		Verdicts: []strategyv1.VerdictRule{
			{When: "report.status == 'fail'", Verdict: strategyv1.VerdictFail, Message: name + " failed"},
			{When: "report.status == 'warn'", Verdict: strategyv1.VerdictWarn},
			{When: "report.status == 'ok'", Verdict: strategyv1.VerdictPass},
		},
	}
}

// Playbook has two triage checks, two diagnosis checks, three causes and four remedies.
func Playbook() strategyv1.StrategyPlaybookSpec {
	audit, load, smoke, proof := Check("audit", 0), Check("load", 1), Check("smoke", 0), Check("running-plan", 0)
	load.Verdicts = append([]strategyv1.VerdictRule{
		{When: "has(before.ms) && report.ms > before.ms * 1.2", Verdict: strategyv1.VerdictFail, Message: "slower than before"},
	}, load.Verdicts...)
	proof.Verdicts = []strategyv1.VerdictRule{
		{When: "rollback.state == 'Applied' && !rollback.schedules.all(s, s in report.suspended)", Verdict: strategyv1.VerdictFail, Message: "a schedule still trades"},
		{When: "rollback.state == 'Restored' && rollback.schedules.exists(s, s in report.suspended)", Verdict: strategyv1.VerdictFail, Message: "a schedule is still suspended"},
		{When: "true", Verdict: strategyv1.VerdictPass, Message: "as planned"},
	}
	uses := func(names ...string) []strategyv1.CheckUse {
		var all []strategyv1.CheckUse
		for _, name := range names {
			all = append(all, strategyv1.CheckUse{Name: name})
		}
		return all
	}
	stage := func(names ...string) []strategyv1.StageCheck {
		var all []strategyv1.StageCheck
		for _, name := range names {
			all = append(all, strategyv1.StageCheck{Name: name, Need: strategyv1.NeedRequired})
		}
		return all
	}
	disable := []strategyv1.RollbackAction{{Type: strategyv1.ActionDisableSchedule}}
	return strategyv1.StrategyPlaybookSpec{
		Scheduler: strategyv1.SchedulerSpec{
			Name: "main", Environment: "paper",
			Config:  strategyv1.ConfigReference{ConfigMapName: ConfigMap, Key: DataKey, Format: strategyv1.FormatBotCore},
			Rollout: strategyv1.RolloutSpec{DeploymentName: Scheduler, TimeoutSeconds: 180},
			Proof:   strategyv1.ProofSpec{Check: "running-plan", Proves: strategyv1.ProvesRunning},
		},
		Checks: []strategyv1.CheckSpec{audit, load, smoke, proof},
		Triage: strategyv1.TriageSpec{
			RespondWithinSeconds: 300, Checks: stage("audit", "load"),
			FalseAlarm: &strategyv1.FalseAlarmRule{When: "checks.all(c, c.verdict == 'Pass')"},
			Escalate: []strategyv1.EscalateRule{
				{Name: "audit-failed", When: "checks.exists(c, c.name == 'audit' && c.verdict == 'Fail')"},
				{Name: "lasts", AfterSeconds: 240},
			},
		},
		Diagnosis: strategyv1.DiagnosisSpec{
			RespondWithinSeconds: 900, Checks: stage("load", "smoke"),
			Causes: []strategyv1.CauseRule{
				{Name: "SignalDegradation", When: "checks.exists(c, c.name == 'smoke' && c.verdict == 'Fail')", Remediation: "disable"},
				{Name: "Slow", When: "checks.exists(c, c.name == 'load' && c.verdict == 'Fail')"},
			},
		},
		Remediations: []strategyv1.RemediationSpec{{
			Name: "disable", Actions: disable, Before: uses("load"), After: uses("load", "smoke"),
			Approval:      strategyv1.ApprovalSpec{Mode: strategyv1.ApprovalRequired, TimeoutSeconds: 900, Requester: strategyv1.RequesterDenied},
			OnFailedAfter: strategyv1.FailedAfterRevert, MaxDurationSeconds: new(int32(14400)),
			Restore: &strategyv1.RestoreGate{Checks: uses("load")},
		}, {
			Name: "keep", Actions: disable, After: uses("smoke"),
			Approval:      strategyv1.ApprovalSpec{Mode: strategyv1.ApprovalRequired, TimeoutSeconds: 900, Requester: strategyv1.RequesterMayApprove},
			OnFailedAfter: strategyv1.FailedAfterKeep, MaxDurationSeconds: new(int32(0)),
		}, {
			Name: "automatic", Actions: disable, After: uses("smoke"),
			Approval:      strategyv1.ApprovalSpec{Mode: strategyv1.ApprovalAutomatic, TimeoutSeconds: 900},
			OnFailedAfter: strategyv1.FailedAfterRevert, MaxDurationSeconds: new(int32(3600)),
		}},
		SigningKeySecretName: "decision-log-key",
	}
}

// WithFeeds adds two feeds to a playbook, and the check that probes them.
func WithFeeds(spec strategyv1.StrategyPlaybookSpec) strategyv1.StrategyPlaybookSpec {
	spec.Checks = append(slices.Clone(spec.Checks), Check("feed-probe", 0))
	for _, exchange := range []string{"binance_spot", "okx_spot"} {
		spec.Feeds = append(spec.Feeds, strategyv1.FeedSpec{
			Name: strings.TrimSuffix(exchange, "_spot"), Probe: "feed-probe", RequiresExchange: exchange,
			Edits: []strategyv1.DocumentEdit{{Path: "/environments/paper/exchange", Value: &apiextensionsv1.JSON{Raw: []byte(`"` + exchange + `"`)}}},
		})
	}
	return spec
}

// Templates are the PodTemplates that the playbook needs.
func Templates() map[string]checks.Template {
	return map[string]checks.Template{"tools": {PodTemplateSpec: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "tools:1"}}}}}}
}
