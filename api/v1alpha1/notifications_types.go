package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// NotificationsSpec is how people are told that they are called or asked. See docs/notifications.md.
type NotificationsSpec struct {
	// channels are the ways to people, in the order in which they are tried: where one does not take a notification, the next gets it.
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Channels []ChannelSpec `json:"channels,omitempty"`

	// routes say who is told of what; each that matches gets a notification of its own. A call, a question or a relapse that no route matches
	// goes to all channels, in order. Default: everything goes to all channels, in order.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=8
	Routes []NotificationRoute `json:"routes,omitempty"`
}

// NotificationRoute is who is told of what.
type NotificationRoute struct {
	// name of the route, such as data-team.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name,omitempty"`

	// events that it is told of. Default: all.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=6
	// +kubebuilder:validation:XValidation:rule="self.all(event, event != 'PageEnded')",message="PageEnded goes by itself to every channel that may have a page open; a route is told of Closed"
	Events []NotificationEvent `json:"events,omitempty"`

	// levels whose calls and questions it is told of. Default: all.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=3
	Levels []Level `json:"levels,omitempty"`

	// channels by name, in the order in which they are tried.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=40
	Channels []string `json:"channels,omitempty"`
}

// ChannelType is what a channel speaks.
// +kubebuilder:validation:Enum=Webhook;Slack;PagerDuty;Email;Alertmanager;Teams;Ntfy
type ChannelType string

// The types of channels.
const (
	// ChannelWebhook: a signed POST.
	ChannelWebhook ChannelType = "Webhook"
	// ChannelSlack: an incoming webhook of Slack, or of what takes the same.
	ChannelSlack ChannelType = "Slack"
	// ChannelPagerDuty: the Events API, version 2.
	ChannelPagerDuty ChannelType = "PagerDuty"
	// ChannelEmail: SMTP, always over TLS.
	ChannelEmail ChannelType = "Email"
	// ChannelAlertmanager: an alert for the API of Alertmanager, version 2.
	ChannelAlertmanager ChannelType = "Alertmanager"
	// ChannelTeams: a workflow of Microsoft Teams that posts a card.
	ChannelTeams ChannelType = "Teams"
	// ChannelNtfy: a topic of ntfy.
	ChannelNtfy ChannelType = "Ntfy"
)

// ChannelSpec is one way to people.
// +kubebuilder:validation:XValidation:rule="has(self.url) != (self.type in ['Slack', 'Teams'])",message="the URL of Slack and Teams is a secret and stands in the Secret alone; every other type needs url"
// +kubebuilder:validation:XValidation:rule="!has(self.url) || self.url.startsWith('smtp') == (self.type == 'Email')",message="url begins with smtp:// or smtps:// for Email, with http:// or https:// for every other type"
// +kubebuilder:validation:XValidation:rule="has(self.email) == (self.type == 'Email')",message="email belongs to type Email, which needs it"
// +kubebuilder:validation:XValidation:rule="has(self.secretName) || self.type == 'Alertmanager'",message="every type but Alertmanager needs secretName"
type ChannelSpec struct {
	// name of the channel.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name,omitempty"`

	// type is what it speaks.
	// +required
	Type ChannelType `json:"type,omitempty"`

	// url of the server: of PagerDuty https://events.pagerduty.com/v2/enqueue, of Alertmanager without /api/v2, of ntfy with the topic, of
	// Email smtp://HOST:PORT (STARTTLS) or smtps://HOST:PORT. It must be one that the operator may ask: a Service of the playbook's
	// namespace, or what the manager's flag --webhook-allow names. Absent = the Secret alone has it (Slack, Teams).
	// +optional
	// +kubebuilder:validation:Pattern=`^(https?|smtps?)://`
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=1024
	URL string `json:"url,omitempty"`

	// secretName is a Secret with the channel's secret in "hmac-key" (Webhook, at least 32 bytes), "routing-key" (PagerDuty), "password"
	// (Email) or "token" (Ntfy, Alertmanager), and in "url" the same text as url: whoever owns the secret says where it may be used. Of Slack
	// and Teams "url" is the secret. The Secret must carry the label strategy.tradeops.dev/managed: "true". Absent = no token (Alertmanager).
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	SecretName string `json:"secretName,omitempty"`

	// email is whom mails come from and go to; absent = no Email.
	// +optional
	Email *EmailSpec `json:"email,omitempty"`
}

// MailOnCall is which address of people on call mails go to.
// +kubebuilder:validation:Enum=Contact
type MailOnCall string

// MailContact: the contact of the rotation.
const MailContact MailOnCall = "Contact"

// EmailSpec is whom mails come from and go to.
// +kubebuilder:validation:XValidation:rule="has(self.to) || has(self.onCall)",message="nobody would get a mail; name addresses in to, or set onCall: Contact"
type EmailSpec struct {
	// from is the address that mails come from.
	// +required
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=254
	// +kubebuilder:validation:Pattern=`^[^@\s<>,;:"]+@[^@\s<>,;:"]+$`
	From string `json:"from,omitempty"`

	// to are the addresses that mails go to; absent = onCall alone says whom.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=3
	// +kubebuilder:validation:items:MaxLength=254
	// +kubebuilder:validation:items:Pattern=`^[^@\s<>,;:"]+@[^@\s<>,;:"]+$`
	To []string `json:"to,omitempty"`

	// onCall Contact: mails go to whoever is on call for the level, too, at the contact that the rotation has of that person, where it is a mail
	// address; the end goes to whoever was called. Absent = only to the addresses of to.
	// +optional
	OnCall MailOnCall `json:"onCall,omitempty"`

	// user logs in with the password of the Secret. Default: from.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=254
	User string `json:"user,omitempty"`
}

// NotificationEvent is why people are told.
// +kubebuilder:validation:Enum=LevelCalled;PersonAsked;AwaitingApproval;Relapsed;FeedSwitched;Closed;PageEnded
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
	// NotifyFeedSwitched: a rollback of the incident made schedules use another feed, and that is in effect and verified.
	NotifyFeedSwitched NotificationEvent = "FeedSwitched"
	// NotifyClosed: the incident is over, of which somebody was told before.
	NotifyClosed NotificationEvent = "Closed"
	// NotifyPageEnded: the incident is over, and a channel that makes pages may have one open of which nobody knows any more: its answer was
	// lost, or what it took is not kept any more. Nobody waits for it, so one that is not delivered counts as nobody untold.
	NotifyPageEnded NotificationEvent = "PageEnded"
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
	// key is the same for each try, so that the server can tell a repetition: the incident's UID, the event, the level, the
	// round, where the same is asked several times what for or since when, and the route.
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

	// routeName is the route of the playbook that it goes to; absent = all channels.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	RouteName string `json:"routeName,omitempty"`

	// channelName is the channel that took it or, of an end, the only one that it is for; absent = none yet.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	ChannelName string `json:"channelName,omitempty"`

	// message is what happened, or what is asked.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Message string `json:"message,omitempty"`

	// askedTime is when it was decided to tell people.
	// +required
	AskedTime metav1.Time `json:"askedTime,omitempty,omitzero"`

	// attempts is how often it was tried, as far as the operator remembers; absent = never yet.
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

	// problem is why it is not delivered or, of one that was, which channels or people did not get it.
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
