package change

import (
	"fmt"
	"strconv"
	"strings"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// Sentence is what actions do, in words: "disable schedule fast, switch to feed kraken".
func Sentence(actions []strategyv1.RollbackAction) string {
	words := make([]string, len(actions))
	for i, wanted := range actions {
		words[i] = Words(wanted)
	}
	return strings.Join(words, ", ")
}

// Words are what one action does.
func Words(wanted strategyv1.RollbackAction) string {
	switch wanted.Type {
	case strategyv1.ActionDisableSchedule:
		if wanted.Strategy != "" {
			return "disable every schedule of strategy " + wanted.Strategy
		}
		return "disable schedule " + wanted.Schedule
	case strategyv1.ActionSetAllocation:
		return fmt.Sprintf("set allocation %s/%s to %s", wanted.RiskProfile, wanted.Bucket, wanted.Allocation)
	case strategyv1.ActionSwitchFeed:
		return "switch to feed " + wanted.Feed
	case strategyv1.ActionSetResourceLimits:
		return "set resource limits" + limitsInWords(wanted.Limits)
	case strategyv1.ActionSetSignalLimit:
		limit := "-"
		if wanted.Limit != nil {
			limit = strconv.Itoa(int(*wanted.Limit))
		}
		return fmt.Sprintf("limit strategy %s in %s to %s signals", wanted.Strategy, wanted.RiskProfile, limit)
	}
	return string(wanted.Type)
}

func limitsInWords(limits *strategyv1.ResourceLimits) string {
	if limits == nil { // refused, and shown all the same
		return ""
	}
	text := ""
	for _, limit := range []struct{ name, value string }{
		{"CPU %", limits.CPUPercent}, {"memory MB", limits.MemoryMB}, {"reading MB/s", limits.IOReadMBs}, {"writing MB/s", limits.IOWriteMBs},
	} {
		if limit.value != "" {
			text += fmt.Sprintf(" %s=%s", limit.name, limit.value)
		}
	}
	return text
}
