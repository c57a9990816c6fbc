package show

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// colour is the number of an escape sequence; none is 0.
type colour string

const (
	none   colour = ""
	bold   colour = "1"
	faint  colour = "2"
	red    colour = "31"
	green  colour = "32"
	yellow colour = "33"
	cyan   colour = "36"
)

func (w *writer) paint(c colour, text string) string {
	if !w.Colour || c == none || strings.TrimSpace(text) == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// mark is the sign in front of a fact. It says the same without colours.
type mark struct {
	sign   string
	colour colour
}

var (
	good    = mark{"✔", green}
	bad     = mark{"✘", red}
	careful = mark{"!", yellow}
	unclear = mark{"?", yellow}
	waiting = mark{"…", cyan}
	notYet  = mark{"○", faint}
	heading = mark{"", bold}
)

func verdictMark(verdict strategyv1.Verdict) mark {
	switch verdict {
	case strategyv1.VerdictPass:
		return good
	case strategyv1.VerdictWarn:
		return careful
	case strategyv1.VerdictFail:
		return bad
	}
	return unclear
}

// failures are the reasons with which a condition that is False tells that something went wrong, and not just that it has
// not come to it.
var failures = map[string]bool{
	strategyv1.ReasonEditRefused: true, strategyv1.ReasonTargetBelongsToOthers: true, strategyv1.ReasonDenied: true,
	strategyv1.ReasonApprovalExpired: true, strategyv1.ReasonIdentityUnenforced: true, strategyv1.ReasonNotInEffect: true,
	strategyv1.ReasonFailedAfter: true, strategyv1.ReasonUnmeasuredAfter: true, strategyv1.ReasonRestoreGateFailed: true,
	strategyv1.ReasonOverwritten: true, strategyv1.ReasonRecordForged: true, strategyv1.ReasonRecordLost: true, strategyv1.ReasonDeadlinePast: true, strategyv1.ReasonNobodyReached: true, strategyv1.ReasonCauseUnknown: true,
	strategyv1.ReasonRuleErrored: true, strategyv1.ReasonPlanChanged: true, strategyv1.ReasonProbeFailed: true,
	strategyv1.ReasonRepositoryInvalid: true, strategyv1.ReasonPushRefused: true, strategyv1.ReasonFileDiffers: true,
}

// warnings are the reasons with which a condition that is False tells that the scheduler does not do what the rollback wants, or that nobody
// watches over what it does.
var warnings = map[string]bool{strategyv1.ReasonGuardExceeded: true, strategyv1.ReasonExpired: true, strategyv1.ReasonRetained: true, strategyv1.ReasonPullRequestOpen: true}

func conditionMark(condition metav1.Condition) mark {
	switch {
	case condition.Status == metav1.ConditionTrue && condition.Type == strategyv1.ConditionEscalated:
		return careful
	case condition.Status == metav1.ConditionTrue && condition.Type == strategyv1.ConditionCommitted && condition.Reason != strategyv1.ReasonCommitted:
		return careful // Git holds what it should not
	case condition.Status == metav1.ConditionTrue:
		return good
	case condition.Status == metav1.ConditionFalse && failures[condition.Reason]:
		return bad
	case condition.Status == metav1.ConditionFalse && warnings[condition.Reason]:
		return careful
	case condition.Status == metav1.ConditionFalse:
		return notYet
	}
	return waiting
}

// diffColour is the colour of a line of a unified diff.
func diffColour(line string) colour {
	switch {
	case strings.HasPrefix(line, "@@"):
		return cyan
	case strings.HasPrefix(line, "+"):
		return green
	case strings.HasPrefix(line, "-"):
		return red
	}
	return none
}
