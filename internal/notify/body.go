package notify

import (
	"encoding/json"
	"fmt"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/conditions"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// version of the body. Fields are added in the same version, and none is taken away.
const version = "1"

// body is what is sent, in the words of docs/notifications.md.
type body struct {
	Version   string    `json:"version"`
	Key       string    `json:"key"`
	Event     string    `json:"event"`
	AskedTime string    `json:"askedTime"`
	Namespace string    `json:"namespace"`
	Playbook  string    `json:"playbook"`
	Incident  about     `json:"incident"`
	Level     string    `json:"level,omitempty"`
	OnCall    []onCall  `json:"onCall,omitempty"`
	Rollback  string    `json:"rollback,omitempty"`
	Route     string    `json:"route,omitempty"`
	Message   string    `json:"message"`
	Status    string    `json:"status,omitempty"`
	WaitsFor  string    `json:"waitsFor,omitempty"`
	DueTime   string    `json:"dueTime,omitempty"`
	Command   string    `json:"command"`
	Links     []linkOut `json:"links,omitempty"`
}

type about struct {
	Name     string `json:"name"`
	UID      string `json:"uid"`
	Type     string `json:"type"`
	Severity string `json:"severity"`
	Schedule string `json:"schedule,omitempty"`
	Strategy string `json:"strategy,omitempty"`
	Mode     string `json:"mode"`
	Summary  string `json:"summary,omitempty"`
}

type onCall struct {
	Level   string `json:"level"`
	Name    string `json:"name,omitempty"`
	Contact string `json:"contact,omitempty"`
}

type linkOut struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

// Body is a notification of an incident as it is now.
func Body(incident *strategyv1.StrategyIncident, n strategyv1.NotificationStatus) ([]byte, error) {
	spec, status := incident.Spec, incident.Status
	mode := spec.Mode
	if mode == "" {
		mode = strategyv1.IncidentLive
	}
	sent := body{
		Version: version, Key: n.Key, Event: string(n.Event), AskedTime: at(n.AskedTime.Time), Namespace: incident.Namespace, Playbook: spec.PlaybookName,
		Incident: about{
			Name: incident.Name, UID: string(incident.UID), Type: string(spec.Type), Severity: string(lifecycle.Severity(incident)),
			Schedule: spec.Schedule, Strategy: spec.Strategy, Mode: string(mode), Summary: spec.Summary,
		},
		Level: string(n.Level), Rollback: n.RollbackName, Route: n.RouteName, Message: n.Message, Status: bounded.Text(conditions.Message(status.Conditions, strategyv1.ConditionReady), 2048),
		WaitsFor: string(status.WaitsFor), Command: command(incident, n),
	}
	if status.DueTime != nil {
		sent.DueTime = at(status.DueTime.Time)
	}
	for _, shift := range status.OnCall {
		sent.OnCall = append(sent.OnCall, onCall{string(shift.Level), shift.Name, shift.Contact})
	}
	for _, dashboard := range status.Dashboards {
		sent.Links = append(sent.Links, linkOut(dashboard))
	}
	return json.Marshal(sent)
}

// command is what whoever is told runs next.
func command(incident *strategyv1.StrategyIncident, n strategyv1.NotificationStatus) string {
	verb, name := "status", incident.Name
	switch n.Event {
	case strategyv1.NotifyLevelCalled, strategyv1.NotifyRelapsed:
		verb = "acknowledge"
	case strategyv1.NotifyAwaitingApproval:
		verb, name = "approve", n.RollbackName
	}
	return fmt.Sprintf("kubectl strategy %s %s -n %s", verb, name, incident.Namespace)
}

func at(when time.Time) string { return when.UTC().Format(time.RFC3339) }
