package show

import (
	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// gitItem is what becomes of a change in Git, where it is not there as it should be: a GitOps tool does what Git says. The condition has all of it.
func gitItem(status strategyv1.StrategyRollbackStatus) []item {
	condition, asked := find(status.Conditions, strategyv1.ConditionCommitted), status.WriteBack
	words := inGit[condition.Reason]
	if condition.Type == "" || asked == nil || words == "" {
		return nil
	}
	what := "the change "
	if asked.Change == strategyv1.WriteBackUndone {
		what = "its inverse "
	}
	if condition.Reason == strategyv1.ReasonPullRequestOpen {
		words += " " + or(asked.Branch)
	}
	return []item{{mark: conditionMark(condition), label: "git", text: what + words, lines: 2}}
}

// inGit are the reasons of Committed in words; those that are as they should be have none.
var inGit = map[string]string{
	strategyv1.ReasonCommitting:        "is being committed",
	strategyv1.ReasonRepositoryAway:    "is not committed: the repository gives no answer",
	strategyv1.ReasonBranchMoved:       "is not committed: others push all the time",
	strategyv1.ReasonRepositoryInvalid: "is not committed: its URL, branch, path or Secret is wrong",
	strategyv1.ReasonPushRefused:       "is not committed: the server refuses it",
	strategyv1.ReasonFileDiffers:       "is not committed: the file holds something else",
	strategyv1.ReasonPullRequestOpen:   "waits for somebody to merge branch",
	strategyv1.ReasonNotOurCommit:      "is not committed: somebody else committed the same edits, which stay",
}
