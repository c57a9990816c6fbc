package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// singles are the incidents that come one by one, before all others, for the time of the reaction. They warm everything
	// up, too.
	singles = 20
	// reporters create the incidents of a storm side by side.
	reporters = 16
	// settle is what events need that are sent after the work.
	settle = 10 * time.Second
	// idle is how long it is counted what the operator does that has nothing to do.
	idle = time.Minute
)

// program is what is measured.
type program struct {
	name, user string
	idle       time.Duration // how long it is watched in the end
	start      func(context.Context, *rig) (*process, error)
}

// measured is what one run of a program with a number of incidents gave.
type measured struct {
	user       string
	incidents  int
	work, idle tally
	begin, end usage         // around the work
	idleTime   time.Duration // 0: not watched
	idleCPU    time.Duration // in the idle time
	reaction   time.Duration // from an incident to its first Job, median
	create     time.Duration // of one raw create request, median
}

// measure runs a program on a rig of its own: incidents one by one, then all at once, then none.
func measure(ctx context.Context, root string, what program, incidents int) (*measured, error) {
	limit := 4*time.Minute + time.Duration(incidents)*400*time.Millisecond
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not within %s", limit))
	defer cancel()
	r, err := newRig(root, namespace)
	if err != nil {
		return nil, err
	}
	defer r.stop()
	if err := r.up(ctx); err != nil {
		return nil, err
	}
	if err := r.furnish(ctx, incidents+singles); err != nil {
		return nil, err
	}
	running, err := what.start(ctx, r)
	if err != nil {
		return nil, err
	}
	result := &measured{user: what.user, incidents: incidents, idleTime: what.idle}
	began := time.Now()
	if err := r.oneByOne(ctx, result); err != nil {
		return nil, err
	}
	storm := time.Now()
	if err := r.allAtOnce(ctx, running, result); err != nil {
		return nil, err
	}
	quiet := time.Now()
	if err := r.nothing(ctx, running, result); err != nil {
		return nil, err
	}
	over := time.Now()

	events, err := readAudit(r.auditLog())
	if err != nil {
		return nil, err
	}
	result.work, result.idle = count(events, storm, quiet), count(events, quiet, over)
	times := reactions(between(events, began, storm), userHarness, what.user)
	if len(times) != singles {
		return nil, fmt.Errorf("%d of %d single incidents were answered with a Job", len(times), singles)
	}
	result.reaction = median(times)
	return result, nil
}

// oneByOne creates single incidents, each after the Jobs of the one before, and waits until all are closed.
func (r *rig) oneByOne(ctx context.Context, result *measured) error {
	var creates []time.Duration
	for i := range singles {
		create, err := r.single(ctx, result.incidents+i) // after those of the storm
		if err != nil {
			return err
		}
		creates = append(creates, create)
	}
	result.create = median(creates)
	return r.closed(ctx, singles)
}

// single creates the i-th incident and waits until it has its Jobs. It says how long a raw create took just before.
func (r *rig) single(ctx context.Context, i int) (create time.Duration, err error) {
	incident := newIncident(i)
	begin := time.Now()
	raw := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: incident.Name}}
	if err := r.harness.Create(ctx, raw); err != nil {
		return 0, err
	}
	create = time.Since(begin)
	if err := r.harness.Create(ctx, incident); err != nil {
		return 0, err
	}
	return create, poll(ctx, incident.Name+" has its Jobs", 10*time.Millisecond, func() (bool, error) {
		jobs, err := r.jobs(ctx, incident.Name)
		return jobs == checksPerIncident, errors.Join(err, r.alive())
	})
}

// allAtOnce creates the storm and waits until all of it is closed, and what was left to say is said.
func (r *rig) allAtOnce(ctx context.Context, running *process, result *measured) (err error) {
	if result.begin, err = running.usage(); err != nil {
		return err
	}
	if err := sideBySide(result.incidents, func(i int) error { return r.harness.Create(ctx, newIncident(i)) }); err != nil {
		return err
	}
	if err := r.closed(ctx, singles+result.incidents); err != nil {
		return err
	}
	if err := pause(ctx, settle); err != nil {
		return err
	}
	result.end, err = running.usage()
	return err
}

// sideBySide does something so many times, by all reporters, until one fails.
func sideBySide(times int, one func(int) error) error { return byMany(reporters, times, one) }

func byMany(reporters, times int, one func(int) error) error {
	next, failed := make(chan int), make(chan error, reporters)
	var reporting sync.WaitGroup
	for range reporters {
		reporting.Go(func() {
			for i := range next {
				if err := one(i); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	var err error
	for i := 0; i < times && err == nil; i++ {
		select {
		case next <- i:
		case err = <-failed:
		}
	}
	close(next)
	reporting.Wait()
	if err == nil && len(failed) > 0 {
		err = <-failed
	}
	return err
}

// nothing lets time pass.
func (r *rig) nothing(ctx context.Context, running *process, result *measured) error {
	if err := pause(ctx, result.idleTime); err != nil {
		return err
	}
	after, err := running.usage()
	result.idleCPU = after.cpu - result.end.cpu
	return errors.Join(err, r.alive())
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

func median(all []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
