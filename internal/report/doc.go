// Package report writes the report of an incident: a page of HTML and one of Markdown, of what its folder in the evidence bucket holds.
//
//	Source -> Read -> Folder -> Make -> Report -> Markdown, HTML
//
// It is a pure function of the folder of one incident and those of its rollbacks: made again from the same files it is the same bytes, in a
// bucket, in a copy of one, today or in five years. So it reads no clock and no object of the API; what the log does not say, an incident's
// folder has in its snapshot, which the operator stores when the incident is closed. Every text is data here, and becomes part of a page only in
// markdown.go and html.go, which escape it.
//
// It checks what can be checked without a key: that each entry of a log is the one that the next was chained to, up to the head in the snapshot,
// and that each file has the hash that a status or its own name gives. What does not is shown as such, and nothing is concluded from it.
// Whether entry and snapshot were signed with the playbook's key is for whoever has that key (docs/evidence.md).
//
// It must not import a client, a kind's plan or facts. The trade-off: the report of an open incident says less, since it has no snapshot.
package report
