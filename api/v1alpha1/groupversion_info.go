package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the API group and version of every kind in this package.
var GroupVersion = schema.GroupVersion{Group: "strategy.tradeops.dev", Version: "v1alpha1"}

// The kinds, as they stand in object references, labels of metrics and messages.
const (
	KindPlaybook = "StrategyPlaybook"
	KindIncident = "StrategyIncident"
	KindRollback = "StrategyRollback"
	KindDecision = "StrategyDecision"
	KindAlert    = "StrategyAlert"
)

// AddToScheme registers the kinds of this package with a scheme.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion,
		&StrategyPlaybook{}, &StrategyPlaybookList{},
		&StrategyIncident{}, &StrategyIncidentList{},
		&StrategyRollback{}, &StrategyRollbackList{},
		&StrategyDecision{}, &StrategyDecisionList{},
		&StrategyAlert{}, &StrategyAlertList{},
	)
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
