// Package botcore is the dialect of the trading scheduler's core.yaml: where schedules, suspensions, allocations and limits
// live, and which edit of [config] has which effect at run time.
//
// It is pure: it must not import Kubernetes, do I/O, log or read a clock; times come in as arguments.
//
// The trade-off taken: reading is as tolerant as the scheduler's own loader (of duplicate keys the last wins, aliases and merge
// keys are followed, unknown shapes are skipped), because a summary must show what the scheduler will see. Writing is strict:
// the edits name one place each, and package config refuses that place if it is ambiguous.
package botcore
