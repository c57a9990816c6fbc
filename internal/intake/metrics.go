package intake

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// Neither a namespace nor a sender is a label: whoever reaches the port could make any number of them.
var (
	requestsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "strategy_intake_requests_total", Help: "Requests to the alert intake, by the code of the answer.",
	}, []string{"code"})
	refusedTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "strategy_intake_refused_total", Help: "Requests to the alert intake that Alertmanager does not send again (4xx), by reason: what they said is lost.",
	}, []string{"reason"})
	alertsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "strategy_intake_alerts_total", Help: "Alerts that the intake heard, by what that did: created, changed, repeated, late (old news), again (said to fire though just resolved, to be sent again), refused (nothing could be made of it).",
	}, []string{"result"})
	truncatedTotal = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "strategy_intake_truncated_alerts_total", Help: "Alerts that senders left out of their messages, because of max_alerts of the receiver.",
	})
	requestSeconds = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "strategy_intake_request_seconds", Help: "How long requests to the alert intake took.",
		Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
	})
)

// RegisterMetrics adds the metrics to controller-runtime's. Each label value is there from the beginning: an alert waits for a number.
func RegisterMetrics() error {
	for _, reason := range reasons {
		refusedTotal.WithLabelValues(reason)
	}
	for _, what := range []result{created, changed, repeated, late, again, refused} {
		alertsTotal.WithLabelValues(string(what))
	}
	for _, one := range []prometheus.Collector{requestsTotal, refusedTotal, alertsTotal, truncatedTotal, requestSeconds} {
		if err := metrics.Registry.Register(one); err != nil {
			return err
		}
	}
	return nil
}
