package checks

import (
	"fmt"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
)

// Reasons of an Outcome. Anything but Exited means that the check could not measure.
const (
	ReasonExited       = "Exited"           // the container ended by itself; see ExitCode
	ReasonNotStarted   = "NotStarted"       // it did not start within startTimeoutSeconds, or never can
	ReasonDeadline     = "DeadlineExceeded" // it ran longer than timeoutSeconds
	ReasonOutOfMemory  = "OOMKilled"
	ReasonPodGone      = "PodGone"      // the pod was deleted or its node is gone
	ReasonInterrupted  = "Interrupted"  // evicted, preempted, deleted or ended by a signal
	ReasonForeignJob   = "ForeignJob"   // its Job is not as the operator asked for it
	ReasonForeignPod   = "ForeignPod"   // its pod is not
	ReasonOutputFailed = "OutputFailed" // the log could not be read although the pod is there
)

// Outcome is everything that is known of a finished attempt. It is the evidence: stored once, and judged from there.
type Outcome struct {
	Stage          strategyv1.Stage `json:"stage"`
	Check          string           `json:"check"`
	Attempt        int32            `json:"attempt"`
	JobName        string           `json:"job"`
	Severity       string           `json:"severity,omitempty"` // of the incident, as the Job was told
	PodName        string           `json:"pod,omitempty"`
	ImageID        string           `json:"imageID,omitempty"`
	Reason         string           `json:"reason"`
	Message        string           `json:"message,omitempty"`
	ExitCode       *int32           `json:"exitCode,omitempty"`
	StartTime      *time.Time       `json:"startTime,omitempty"`
	CompletionTime *time.Time       `json:"completionTime,omitempty"`
	// Report is the JSON object that is judged, null without one; ReportProblem says why there is none.
	Report        Report `json:"report"`
	ReportProblem string `json:"reportProblem,omitempty"`
	// Ambiguous: several different objects might be the report, or the true one may have been cut off.
	Ambiguous bool `json:"ambiguous,omitempty"`
	// LastLine of the log, where there is no report: it often says why, and nobody has to be allowed to read logs to see it.
	LastLine string `json:"lastLine,omitempty"`
	// OutputSHA256 and OutputBytes are of the stored log, which is the tail of a longer one.
	OutputSHA256 string `json:"outputSHA256,omitempty"`
	OutputBytes  int    `json:"outputBytes,omitempty"`
}

// lastOwnExit is the highest exit code that a program gives itself: above it, a shell and a container runtime add the number of the signal
// that ended the program. A kubelet fills in nothing else for one.
const lastOwnExit = 128

// Ended is the outcome of a container that ended with an exit code, and of which nothing more is known. One that a signal ended was
// interrupted: what it had printed until then is no report.
func Ended(outcome Outcome, exitCode int32) Outcome {
	outcome.Reason, outcome.ExitCode = ReasonExited, &exitCode
	if exitCode > lastOwnExit {
		outcome.Reason = ReasonInterrupted
		outcome.Message = fmt.Sprintf("exit code %d says that signal %d ended it", exitCode, exitCode-lastOwnExit)
	}
	return outcome
}

// Unread is an outcome whose log cannot be read, although the pod is there. What ended otherwise than by itself keeps its own reason.
func Unread(outcome Outcome, why string) Outcome {
	if outcome.Reason == ReasonExited {
		outcome.Reason, outcome.Message = ReasonOutputFailed, bounded.Line(why, maxWords)
	}
	return outcome
}
