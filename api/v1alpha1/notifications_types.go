package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// NotificationsSpec is how people are told that they are called or asked. See docs/notifications.md.
type NotificationsSpec struct {
	// webhook gets a signed POST for each notification.
	// +required
	Webhook WebhookSpec `json:"webhook,omitempty,omitzero"`
}

// WebhookSpec is a server that passes notifications on to people.
type WebhookSpec struct {
	// url that gets the POST. It must be one that the operator may ask: a Service of the playbook's namespace, or what the
	// manager's flag --webhook-allow names.
	// +required
	// +kubebuilder:validation:Pattern=`^https?://`
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=1024
	URL string `json:"url,omitempty"`

	// secretName is a Secret with the key that signs each body in "hmac-key" (at least 32 bytes), and in "url" the same text as
	// url: whoever owns the key says where it may be used. The Secret must carry the label strategy.tradeops.dev/managed: "true".
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	SecretName string `json:"secretName,omitempty"`
}

// NotificationEvent is why people are told.
// +kubebuilder:validation:Enum=LevelCalled;PersonAsked;AwaitingApproval;Relapsed;Closed
type NotificationEvent string

// The events that people are told of.
const (
	// NotifyLevelCalled: a level is called.
	NotifyLevelCalled NotificationEvent = "LevelCalled"
	// NotifyPersonAsked: the incident waits for a level to do something.
	NotifyPersonAsked NotificationEvent = "PersonAsked"
	// NotifyAwaitingApproval: a rollback of the incident waits to be approved or denied.
	NotifyAwaitingApproval NotificationEvent = "AwaitingApproval"
	// NotifyRelapsed: the fault is there again after its change was undone.
	NotifyRelapsed NotificationEvent = "Relapsed"
	// NotifyClosed: the incident is over, of which somebody was told before.
	NotifyClosed NotificationEvent = "Closed"
)

// DropReason is why a notification was given up.
// +kubebuilder:validation:Enum=NotNeeded;Unreached
type DropReason string

// The reasons.
const (
	// DropNotNeeded: somebody answered, or it is over.
	DropNotNeeded DropReason = "NotNeeded"
	// DropUnreached: it was still wanted, and the server did not take it.
	DropUnreached DropReason = "Unreached"
)

// NotificationStatus is one notification: what was to be said, and what became of it. With neither deliveredTime nor droppedTime it is
// still being tried.
type NotificationStatus struct {
	// key is the same for each try, so that the server can tell a repetition: the incident's UID, the event, the level, the round
	// and, where the same is asked several times, what for or since when.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Key string `json:"key,omitempty"`

	// event is why people are told.
	// +required
	Event NotificationEvent `json:"event,omitempty"`

	// level that is told; absent = the incident had not started.
	// +optional
	Level Level `json:"level,omitempty"`

	// rollbackName is the rollback that waits for an approval; absent = the notification is about none.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	RollbackName string `json:"rollbackName,omitempty"`

	// question is which of status.question it asks; absent = it asks none.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	Question string `json:"question,omitempty"`

	// message is what happened, or what is asked.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Message string `json:"message,omitempty"`

	// askedTime is when it was decided to tell people.
	// +required
	AskedTime metav1.Time `json:"askedTime,omitempty,omitzero"`

	// attempts is how often it was sent, as far as the operator remembers; absent = never yet.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Attempts int32 `json:"attempts,omitempty"`

	// deliveredTime is when the server took it; absent = not yet.
	// +optional
	DeliveredTime *metav1.Time `json:"deliveredTime,omitempty"`

	// droppedTime is when it was given up; problem says why. Absent = it was not.
	// +optional
	DroppedTime *metav1.Time `json:"droppedTime,omitempty"`

	// dropReason is NotNeeded, or Unreached if it was given up though it was still wanted: nobody was told. Absent = it was not given up.
	// +optional
	DropReason DropReason `json:"dropReason,omitempty"`

	// problem is why it is not delivered.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Problem string `json:"problem,omitempty"`
}

// QuestionStatus is what an incident asks of people.
type QuestionStatus struct {
	// digest tells one question from another: of a question to a level it is made of the message of Ready, of one to an approver of the
	// rollback and its plan.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	Digest string `json:"digest,omitempty"`

	// time is since when this is asked.
	// +required
	Time metav1.Time `json:"time,omitempty,omitzero"`
}

// UnreachedStatus counts the notifications that were given up though they were still wanted.
type UnreachedStatus struct {
	// times is how many there were.
	// +required
	// +kubebuilder:validation:Minimum=1
	Times int64 `json:"times,omitempty"`

	// lastTime is when the last one was given up.
	// +required
	LastTime metav1.Time `json:"lastTime,omitempty,omitzero"`

	// problem is why the last one was not delivered.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Problem string `json:"problem,omitempty"`
}
