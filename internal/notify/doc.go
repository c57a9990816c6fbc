// Package notify sends notifications of incidents to the webhook of a playbook: what is sent, how it is signed, and what counts as
// delivered. Whether and when something is sent is decided elsewhere.
package notify
