package facts

import strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"

// Report is the report of an incident that was closed, as its folder in the bucket makes it.
type Report struct {
	// Snapshot says whether the folder has the objects as they were when it was closed. Without it there are no pages.
	Snapshot bool
	Signals  []string // without it: the names of the files of signals that lie in the folder, which the snapshot is to tell
	Pages    []Page   // that the report consists of
	Stored   bool     // all of them lie in the bucket, as they are
	Problem  *Problem // then nothing else is known
}

// Page is one file of a report.
type Page struct {
	At   strategyv1.EvidenceReference
	Data []byte
}
