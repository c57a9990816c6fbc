// Package notify sends notifications of incidents over the channels of a playbook: what is sent, how a server knows that it is genuine, and
// what counts as delivered. Whether, when and to whom something is sent is decided elsewhere.
//
//	News -> body (Webhook), text and title (all others) -> one request, or one mail -> nil, or why not
//
// All channels but e-mail are one POST by one HTTP client, which asks only servers that playbooks may have asked, follows no redirect and
// sends nothing twice. The trade-off taken: libraries for chat services bring clients of their own, which know no such policy, or give no
// status back; a POST of a few fields is shorter than the guards around one. E-mail goes by a library over a connection that is made here.
package notify
