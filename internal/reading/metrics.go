package reading

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// Who read what is in the log: neither a user nor a key is a label.
var requestsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
	Name: "strategy_evidence_read_requests_total", Help: "Requests for evidence, by the code of the answer.",
}, []string{"code"})

// RegisterMetrics adds the metrics to controller-runtime's.
func RegisterMetrics() error { return metrics.Registry.Register(requestsTotal) }
