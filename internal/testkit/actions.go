package testkit

import strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"

// Disable suspends one schedule.
func Disable(schedule string) strategyv1.RollbackAction {
	return strategyv1.RollbackAction{Type: strategyv1.ActionDisableSchedule, Schedule: schedule}
}

// DisableAll suspends every schedule of a strategy.
func DisableAll(strategy string) strategyv1.RollbackAction {
	return strategyv1.RollbackAction{Type: strategyv1.ActionDisableSchedule, Strategy: strategy}
}

// Allocate gives a bucket of the profile "balanced" its share.
func Allocate(bucket, share string) strategyv1.RollbackAction {
	return strategyv1.RollbackAction{Type: strategyv1.ActionSetAllocation, RiskProfile: "balanced", Bucket: bucket, Allocation: share}
}

// LimitSignals of a strategy in a profile.
func LimitSignals(strategy, profile string, limit int32) strategyv1.RollbackAction {
	return strategyv1.RollbackAction{Type: strategyv1.ActionSetSignalLimit, Strategy: strategy, RiskProfile: profile, Limit: new(limit)}
}

// SwitchFeed to one of the playbook's feeds.
func SwitchFeed(name string) strategyv1.RollbackAction {
	return strategyv1.RollbackAction{Type: strategyv1.ActionSwitchFeed, Feed: name}
}

// LimitResources sets budgets of CPU, in percent, and memory, in MB.
func LimitResources(cpu, memory string) strategyv1.RollbackAction {
	return strategyv1.RollbackAction{Type: strategyv1.ActionSetResourceLimits, Limits: &strategyv1.ResourceLimits{CPUPercent: cpu, MemoryMB: memory}}
}
