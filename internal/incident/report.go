package incident

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/pass"
	"tradeops.dev/strategy-operator/internal/report"
)

// storeReport stores the report of a closed incident, once: first what the log does not say, signed; then the pages that are made of the
// whole folder; and when they are seen to lie there, the status names them. Nothing waits for it. A crash in between leaves one of these
// three states, and the next pass goes on from it.
func (p *plan) storeReport() {
	known := p.next.Report != nil && p.next.Report.Problem == ""
	if known || p.next.Log == nil || p.seen.Log.Problem != nil || p.seen.Playbook.Problem != nil || !p.out.Logged() {
		return
	}
	made := p.madeReport()
	switch {
	case p.needs != 0:
	case made.Problem != nil:
		p.reportFails(made.Problem.Message)
	case !made.Snapshot:
		p.keepSnapshot(made.Signals)
	case !made.Stored:
		for _, page := range made.Pages {
			p.out.Keep(page.At.Key, page.Data)
		}
	default:
		p.next.Report = &strategyv1.ReportStatus{}
		for _, page := range made.Pages {
			p.next.Report.Pages = append(p.next.Report.Pages, page.At)
		}
	}
}

func (p *plan) keepSnapshot(signals []string) {
	object := p.seen.Incident.DeepCopy()
	object.Status = p.next
	data, hash, err := report.Take(object, p.seen.Playbook.Spec, p.seen.Rollbacks, signals).Encode()
	if err != nil {
		p.reportFails(err.Error())
		return
	}
	p.out.KeepSealed(evidence.SnapshotKey(p.seen.Prefix, hash), data, decisionlog.Sealed{Kind: report.SnapshotKind, ObjectUID: string(object.UID)})
}

// reportFails says once why there is no report, and tries again in a while.
func (p *plan) reportFails(why string) {
	why = bounded.Line(why, 1024)
	if p.next.Report == nil || p.next.Report.Problem != why {
		p.next.Report = &strategyv1.ReportStatus{Problem: why}
		p.out.Tell(corev1.EventTypeWarning, strategyv1.ReasonReportNotStored, fmt.Sprintf("the report cannot be stored: %s", why))
	}
	p.out.Wake(p.now.Add(pass.Recheck))
}
