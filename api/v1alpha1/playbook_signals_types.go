package v1alpha1

// SignalsSpec is what is asked of Prometheus while an incident is open. See docs/signals.md.
type SignalsSpec struct {
	// prometheus is who is asked.
	// +required
	Prometheus PrometheusSpec `json:"prometheus,omitempty,omitzero"`

	// intervalSeconds between two samples; a number that is older than three intervals is unknown. Default: 30 seconds.
	// +optional
	// +default=30
	// +kubebuilder:validation:Minimum=5
	// +kubebuilder:validation:Maximum=3600
	IntervalSeconds int32 `json:"intervalSeconds,omitempty"`

	// queries yield one number each.
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Queries []SignalQuery `json:"queries,omitempty"`
}

// PrometheusSpec is where Prometheus answers.
type PrometheusSpec struct {
	// url of Prometheus, without /api/v1.
	// +required
	// +kubebuilder:validation:Pattern=`^https?://`
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=1024
	URL string `json:"url,omitempty"`

	// authSecretName is a Secret with the bearer token in "token", and in "url" the same text as url: whoever owns the
	// token says where it may be sent. The Secret must carry the label strategy.tradeops.dev/managed: "true". Default: no token.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	AuthSecretName string `json:"authSecretName,omitempty"`
}

// SignalQuery is one number.
type SignalQuery struct {
	// name in rules: signals.<name>.
	// +required
	// +kubebuilder:validation:Pattern=`^[a-z][a-z0-9_]*$`
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name,omitempty"`

	// query is a PromQL expression that yields one number. None, several or NaN is unknown, never zero. $schedule and $strategy stand for
	// a regular expression that matches the incident's (label=~$schedule), or all where it names none.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	Query string `json:"query,omitempty"`

	// unit for people, such as "percent".
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	Unit string `json:"unit,omitempty"`
}
