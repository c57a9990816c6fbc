// Package pauses is how long the operator waits where nothing tells it to go on. Whoever runs it may set them (the manager's
// flags); the plans get them among what they observe. It is a leaf, and pure: values only.
//
// Not here: times that are part of a procedure, which its playbook says, and times that mean something else when they are
// shorter, such as how long a Reloader may take.
package pauses

import "time"

// Pauses that a run of the operator waits for again and again. One that is not positive is its default.
type Pauses struct {
	// Gather is how long a claim on a configuration waits for others: claims that come together are written together,
	// because each write means a restart of the scheduler.
	Gather time.Duration
	// GatherLimit ends the gathering, however many claims come.
	GatherLimit time.Duration
	// Rollout is when pods that end or start are looked at again: they are not watched, and only a change in progress needs
	// them.
	Rollout time.Duration
	// Turn is when a rollback looks again whether it is its turn.
	Turn time.Duration
	// Lease is how long another manager waits after the last sign of life of the one at work.
	Lease time.Duration
}

// Default is for production.
func Default() Pauses {
	return Pauses{Gather: 2 * time.Second, GatherLimit: 10 * time.Second, Rollout: 2 * time.Second, Turn: 5 * time.Second, Lease: 15 * time.Second}
}

// OrDefault fills in what is not set.
func (p Pauses) OrDefault() Pauses {
	usual := Default()
	return Pauses{
		Gather: or(p.Gather, usual.Gather), GatherLimit: or(p.GatherLimit, usual.GatherLimit),
		Rollout: or(p.Rollout, usual.Rollout), Turn: or(p.Turn, usual.Turn), Lease: or(p.Lease, usual.Lease),
	}
}

// Renewal is when a manager that cannot renew its lease gives up, some time before others may take it, and how often it tries.
// They keep the proportions of 15, 10 and 2 seconds.
func (p Pauses) Renewal() (deadline, retry time.Duration) { return p.Lease * 2 / 3, p.Lease * 2 / 15 }

func or(set, usual time.Duration) time.Duration {
	if set > 0 { // a negative one would be no pause at all, again and again
		return set
	}
	return usual
}
