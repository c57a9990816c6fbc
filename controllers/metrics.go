package controllers

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/controllers/namespaces"
	"tradeops.dev/strategy-operator/internal/conditions"
)

// Names of objects are never labels: a year of incidents would be a year of time series.
var (
	verdictsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "strategy_check_verdicts_total", Help: "Checks judged, by stage and verdict.",
	}, []string{"stage", "verdict"})
	breachesTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "strategy_sla_breaches_total", Help: "Deadlines of incidents that passed without an answer, by level. Drills do not count.",
	}, []string{"level"})
	escalationsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "strategy_escalations_total", Help: "Levels that were called, by level, reason and mode of the incident.",
	}, []string{"level", "reason", "mode"})
	notificationsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "strategy_notifications_total",
		Help: "Notifications of incidents, by event and result: delivered, unreached (given up though still wanted), dropped (not wanted any more), and failed (one try).",
	}, []string{"event", "result"})
	unjudgedTotal = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "strategy_lead_rules_unevaluated_total", Help: "How often rules of the technical lead turned out not to be evaluable, e.g. because a signal is unknown.",
	})
	samplesLost = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "strategy_signal_samples_lost_total", Help: "Samples of signals that nothing was decided on and that were not kept, because the bucket took none for long.",
	})
	treeCheckpoint = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "strategy_log_checkpoint_time_seconds", Help: "When the newest checkpoint over the decision logs of a namespace was signed, in Unix time: every hour at least.",
	}, []string{"namespace"})
	treeTrouble = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "strategy_log_checkpoint_problem",
		Help: "1 while no checkpoint is signed in a namespace (CheckpointKeyMissing, CheckpointConflict), or a log is not the one that its tree has (LogNotInTree).",
	}, []string{"namespace", "reason"})
	incidentsDesc = prometheus.NewDesc("strategy_incidents", "Incidents, by type, state, reason of Ready, level, mode and whom they wait for.",
		[]string{"type", "state", "reason", "level", "mode", "waits_for"}, nil)
	rollbacksDesc = prometheus.NewDesc("strategy_rollbacks", "Rollbacks, by state, reason of Ready, mode and whom they wait for.",
		[]string{"state", "reason", "mode", "waits_for"}, nil)
	playbooksDesc  = prometheus.NewDesc("strategy_playbooks", "Playbooks, by reason of Ready; AwaitingReview waits for a second person.", []string{"reason"}, nil)
	heldDesc       = prometheus.NewDesc("strategy_held", "Playbooks and incidents on which nothing new is done, by kind and reason of OnHold; drills do not count.", []string{"kind", "reason"}, nil)
	alertsDesc     = prometheus.NewDesc("strategy_alerts", "Alerts that are kept, by namespace, state and outcome; Unroutable ones have no incident.", []string{"namespace", "state", "outcome"}, nil)
	heardDesc      = prometheus.NewDesc("strategy_heartbeat_heard_time_seconds", "When a heartbeat alert was last heard in a namespace, in Unix time; it may lag minutes behind.", []string{"namespace"}, nil)
	beatDesc       = prometheus.NewDesc("strategy_heartbeat_time_seconds", "When the operator last looked at a heartbeat alert of a namespace, in Unix time: every 30 s while it works.", []string{"namespace"}, nil)
	namespacesDesc = prometheus.NewDesc("strategy_namespaces", "Namespaces to be served, by state: Served, Starting (being read for the first time), or Refused (a right is missing).", []string{"state"}, nil)
)

// registerMetrics adds the operator's own metrics to controller-runtime's.
func registerMetrics(reader client.Reader, readers *namespaces.Readers, beats *beats, timeout time.Duration) error {
	for _, counter := range []prometheus.Collector{verdictsTotal, breachesTotal, escalationsTotal, unjudgedTotal, samplesLost, notificationsTotal, effectSeconds, stageSeconds, approvalSeconds, treeCheckpoint, treeTrouble} {
		if err := metrics.Registry.Register(counter); err != nil {
			return err
		}
	}
	for _, level := range []strategyv1.Level{strategyv1.LevelL1, strategyv1.LevelL2, strategyv1.LevelLead} {
		breachesTotal.WithLabelValues(string(level)) // zero, too: nobody sees a series grow that begins with its first breach
	}
	for _, event := range []strategyv1.NotificationEvent{strategyv1.NotifyLevelCalled, strategyv1.NotifyPersonAsked, strategyv1.NotifyAwaitingApproval,
		strategyv1.NotifyRelapsed, strategyv1.NotifyFeedSwitched, strategyv1.NotifyClosed, strategyv1.NotifyPageEnded} {
		for _, result := range []string{"unreached", "failed"} {
			notificationsTotal.WithLabelValues(string(event), result)
		}
	}
	return metrics.Registry.Register(&objectCounter{reader, readers, beats, timeout})
}

// countVerdicts counts what a status write added, after it succeeded: a conflict must not count twice.
func countVerdicts(judged []strategyv1.CheckStatus, before int) {
	for _, record := range judged[min(before, len(judged)):] {
		verdictsTotal.WithLabelValues(string(record.Stage), string(record.Verdict)).Inc()
	}
}

// countCalls counts what a status write of an incident added about its levels.
func countCalls(object *strategyv1.StrategyIncident, before strategyv1.StrategyIncidentStatus) {
	breached := map[strategyv1.Level]bool{}
	for _, deadline := range before.Deadlines {
		breached[deadline.Level] = deadline.BreachTime != nil
	}
	for _, deadline := range object.Status.Deadlines {
		if deadline.BreachTime != nil && !breached[deadline.Level] {
			breachesTotal.WithLabelValues(string(deadline.Level)).Inc()
		}
	}
	after := object.Status.Conditions
	for kind, level := range map[string]strategyv1.Level{strategyv1.ConditionEscalated: strategyv1.LevelL2, strategyv1.ConditionLeadCalled: strategyv1.LevelLead} {
		if conditions.True(after, kind) && !conditions.True(before.Conditions, kind) {
			escalationsTotal.WithLabelValues(string(level), conditions.Reason(after, kind), string(object.Spec.Mode)).Inc()
		}
	}
	if unjudged(after) && !unjudged(before.Conditions) {
		unjudgedTotal.Inc()
	}
}

// unjudged: a rule of the lead cannot be evaluated, and that was told.
func unjudged(all []metav1.Condition) bool {
	known := meta.FindStatusCondition(all, strategyv1.ConditionSignalsKnown)
	return known != nil && known.Status == metav1.ConditionFalse && known.Reason == strategyv1.ReasonLeadUnjudged
}

// objectCounter counts the objects in the cache when it is asked, so the figures cannot drift.
type objectCounter struct {
	reader     client.Reader
	namespaces *namespaces.Readers
	beats      *beats
	timeout    time.Duration // of reading the cache for one scrape
}

// Describe implements prometheus.Collector.
func (c *objectCounter) Describe(out chan<- *prometheus.Desc) {
	out <- incidentsDesc
	out <- rollbacksDesc
	out <- playbooksDesc
	out <- heldDesc
	out <- alertsDesc
	out <- heardDesc
	out <- beatDesc
	out <- namespacesDesc
}

// Collect implements prometheus.Collector.
func (c *objectCounter) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	counts := c.namespaces.Count()
	for _, state := range namespaces.States { // zero, too: an alert waits for a number
		out <- prometheus.MustNewConstMetric(namespacesDesc, prometheus.GaugeValue, float64(counts[state]), string(state))
	}
	held := map[[2]string]int{}
	c.collectPlaybooks(ctx, out, held)
	c.collectIncidents(ctx, out, held)
	for labels, n := range held {
		out <- prometheus.MustNewConstMetric(heldDesc, prometheus.GaugeValue, float64(n), labels[:]...)
	}
	c.collectRollbacks(ctx, out)
	c.collectAlerts(ctx, out)
}

func (c *objectCounter) collectPlaybooks(ctx context.Context, out chan<- prometheus.Metric, held map[[2]string]int) {
	var playbooks strategyv1.StrategyPlaybookList
	if err := c.reader.List(ctx, &playbooks, client.UnsafeDisableDeepCopy); err != nil {
		return
	}
	counts := map[string]int{}
	for i := range playbooks.Items {
		all := playbooks.Items[i].Status.Conditions
		counts[conditions.Reason(all, strategyv1.ConditionReady)]++
		countHeld(held, strategyv1.KindPlaybook, all)
	}
	for reason, n := range counts {
		out <- prometheus.MustNewConstMetric(playbooksDesc, prometheus.GaugeValue, float64(n), reason)
	}
}

func (c *objectCounter) collectIncidents(ctx context.Context, out chan<- prometheus.Metric, held map[[2]string]int) {
	var incidents strategyv1.StrategyIncidentList
	if err := c.reader.List(ctx, &incidents, client.UnsafeDisableDeepCopy); err != nil {
		return
	}
	counts := map[[6]string]int{}
	for i := range incidents.Items {
		status, spec := &incidents.Items[i].Status, &incidents.Items[i].Spec
		reason := conditions.Reason(status.Conditions, strategyv1.ConditionReady)
		counts[[6]string{string(spec.Type), string(status.State), reason, string(status.Level), string(spec.Mode), string(status.WaitsFor)}]++
		if spec.Mode != strategyv1.IncidentDrill {
			countHeld(held, strategyv1.KindIncident, status.Conditions)
		}
	}
	for labels, n := range counts {
		out <- prometheus.MustNewConstMetric(incidentsDesc, prometheus.GaugeValue, float64(n), labels[:]...)
	}
}

func (c *objectCounter) collectRollbacks(ctx context.Context, out chan<- prometheus.Metric) {
	var rollbacks strategyv1.StrategyRollbackList
	if err := c.reader.List(ctx, &rollbacks, client.UnsafeDisableDeepCopy); err != nil {
		return
	}
	counts := map[[4]string]int{}
	for i := range rollbacks.Items {
		status, mode := &rollbacks.Items[i].Status, rollbacks.Items[i].Spec.Mode
		reason := conditions.Reason(status.Conditions, strategyv1.ConditionReady)
		counts[[4]string{string(status.State), reason, string(mode), string(status.WaitsFor)}]++
	}
	for labels, n := range counts {
		out <- prometheus.MustNewConstMetric(rollbacksDesc, prometheus.GaugeValue, float64(n), labels[:]...)
	}
}

// countHeld counts an object that somebody holds.
func countHeld(held map[[2]string]int, kind string, all []metav1.Condition) {
	if conditions.True(all, strategyv1.ConditionOnHold) {
		held[[2]string{kind, conditions.Reason(all, strategyv1.ConditionOnHold)}]++
	}
}

// collectAlerts counts alerts, and tells when heartbeats were heard and looked at.
func (c *objectCounter) collectAlerts(ctx context.Context, out chan<- prometheus.Metric) {
	var alerts strategyv1.StrategyAlertList
	if err := c.reader.List(ctx, &alerts, client.UnsafeDisableDeepCopy); err != nil {
		return
	}
	counts, heard := map[[3]string]int{}, map[string]time.Time{}
	for i := range alerts.Items {
		alert := &alerts.Items[i]
		counts[[3]string{alert.Namespace, string(alert.Spec.State), string(alert.Status.Outcome)}]++
		if alert.Status.Outcome == strategyv1.AlertHeartbeat && alert.Spec.State == strategyv1.AlertFiring && alert.Spec.HeardTime.After(heard[alert.Namespace]) {
			heard[alert.Namespace] = alert.Spec.HeardTime.Time
		}
	}
	for labels, n := range counts {
		out <- prometheus.MustNewConstMetric(alertsDesc, prometheus.GaugeValue, float64(n), labels[:]...)
	}
	for namespace, at := range heard {
		out <- prometheus.MustNewConstMetric(heardDesc, prometheus.GaugeValue, float64(at.Unix()), namespace)
		if last := c.beats.last(namespace); !last.IsZero() {
			out <- prometheus.MustNewConstMetric(beatDesc, prometheus.GaugeValue, float64(last.Unix()), namespace)
		}
	}
}
