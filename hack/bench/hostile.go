package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

const (
	// hostileLimit is how long all of this may take.
	hostileLimit = 8 * time.Minute
	// headStart is what an attack has before the first quiet incident.
	headStart = 2 * time.Second
	// quietEach is how many incidents come in the quiet namespace in each phase, one by one, and quietPause what is between two.
	quietEach  = 20
	quietPause = 250 * time.Millisecond
	// respondWithin is the deadline of the quiet incident that nobody answers.
	respondWithin = 5
)

// phase is what the quiet namespace went through in one time.
type phase struct {
	name         string
	wait, create time.Duration // medians: from an incident to its first Job, and of one raw create
	longest      time.Duration // wait
	late         time.Duration // from the deadline that nobody answered to when that was seen to be recorded
	peak         int64         // bytes, so far
	cpu, took    time.Duration
}

// siege is the run with two namespaces.
type siege struct {
	*rig
	bin      string
	limit    *group
	env      []string
	operator *process
	attacker client.Client
	next     int // number of the next quiet incident
	progress func(string, ...any)
}

func runHostile(ctx context.Context, root, bin string) error {
	begin := time.Now()
	text, err := os.ReadFile(filepath.Join(root, "config", "manager", "deployment.yaml"))
	if err != nil {
		return err
	}
	memory, env, err := shippedMemory(text)
	if err != nil {
		return fmt.Errorf("config/manager/deployment.yaml: %w", err)
	}
	r, err := newRig(root, namespace, hostile)
	if err != nil {
		return err
	}
	s := &siege{rig: r, bin: bin, limit: newGroup(memory), env: env, progress: progressSince(begin)}
	defer s.limit.remove() // after all that is in it has ended
	defer s.stop()
	phases, err := s.run(ctx)
	if err != nil {
		return err
	}
	limited := "not limited: that needs root and control groups"
	if s.limit != nil {
		limited = "in a control group of that size"
	}
	fmt.Printf("\nOne namespace while another does its worst. Shipped limit: %d MiB; the operator ran %s. %s.\n\n",
		memory>>20, limited, time.Since(begin).Round(time.Second))
	return printPhases(os.Stdout, phases, memory)
}

// run goes through all phases. The operator is never started again by itself: when it ends, so does the run.
func (s *siege) run(ctx context.Context) ([]phase, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, hostileLimit, fmt.Errorf("not within %s", hostileLimit))
	defer cancel()
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	calm := attack{"calm", func(context.Context, client.Client) error { return nil }}
	var phases []phase
	for _, one := range slices.Concat([]attack{calm}, attacks) {
		result, err := s.phase(ctx, one)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", one.name, err)
		}
		phases = append(phases, result)
	}
	if err := s.restart(ctx); err != nil {
		return nil, fmt.Errorf("started again: %w", err)
	}
	again, err := s.phase(ctx, attack{"restart", func(ctx context.Context, attacker client.Client) error {
		return stormFrom(ctx, attacker, stormIncidents)
	}})
	if err != nil {
		return nil, fmt.Errorf("started again: %w", err)
	}
	return append(phases, again), nil
}

// restart ends the operator and starts it again, with all that lies there, and waits for the first Job in the quiet namespace.
func (s *siege) restart(ctx context.Context) error {
	begin := time.Now()
	s.operator.stop()
	s.processes = slices.DeleteFunc(s.processes, func(p *process) bool { return p == s.operator })
	stopped := time.Now()
	if err := s.startLimited(ctx); err != nil {
		return err
	}
	_, err := s.single(ctx, s.next)
	s.next++
	s.progress("ended within %s, and at work again within %s", stopped.Sub(begin), time.Since(stopped))
	return err
}

func (s *siege) prepare(ctx context.Context) error {
	if err := s.up(ctx); err != nil {
		return err
	}
	if err := s.furnish(ctx, (quietEach+2)*(len(attacks)+2)); err != nil { // besides those of each phase, one that is not answered, or comes after the restart
		return err
	}
	unanswered := newPlaybook("unanswered")
	unanswered.Spec.Triage.FalseAlarm, unanswered.Spec.Triage.RespondWithinSeconds = nil, respondWithin
	if err := s.harness.Create(ctx, unanswered); err != nil {
		return err
	}
	if err := s.furnishHostile(ctx); err != nil {
		return err
	}
	access, err := s.access(userAttacker, administrators)
	if err != nil {
		return err
	}
	if s.attacker, err = client.New(access.Config(), client.Options{Scheme: s.scheme}); err != nil {
		return err
	}
	return s.startLimited(ctx)
}

// startLimited starts the operator under the limit.
func (s *siege) startLimited(ctx context.Context) (err error) {
	if s.operator, err = s.startOperator(s.bin, s.env...); err != nil {
		return err
	}
	if err := s.limit.add(s.operator); err != nil {
		return err
	}
	return s.playbooksReady(ctx, namespace)
}

// phase measures the quiet namespace during an attack.
func (s *siege) phase(ctx context.Context, what attack) (phase, error) {
	s.progress("%s", what.name)
	result := phase{name: what.name}
	begin := time.Now()
	before, err := s.operator.usage()
	if err != nil {
		return result, err
	}
	attacking, end := context.WithCancel(ctx)
	defer end()
	attacked := make(chan error, 1)
	go func() { attacked <- what.do(attacking, s.attacker) }()
	if err := pause(ctx, headStart); err != nil {
		return result, err
	}
	if err := s.quiet(ctx, &result); err != nil {
		return result, err
	}
	end()
	if err := <-attacked; err != nil && !errors.Is(err, context.Canceled) {
		return result, fmt.Errorf("the attack failed: %w", err)
	}
	after, err := s.operator.usage()
	result.took, result.cpu, result.peak = time.Since(begin), after.cpu-before.cpu, after.peak
	s.progress("... incident to first Job %s, at most %s; one create %s; the deadline's record after %s; %d MiB at most", result.wait, result.longest,
		result.create, result.late, result.peak>>20)
	return result, errors.Join(err, s.alive())
}

// quiet has the incidents of the quiet namespace come one by one, beside one that nobody answers.
func (s *siege) quiet(ctx context.Context, result *phase) error {
	unanswered := newIncident(s.next)
	unanswered.Spec.PlaybookName, unanswered.Name = "unanswered", "unanswered-"+result.name
	s.next++
	if err := s.harness.Create(ctx, unanswered); err != nil {
		return err
	}
	if err := pause(ctx, quietPause); err != nil {
		return err
	}
	first := time.Now()
	var creates []time.Duration
	recorded := make(chan error, 1)
	go func() { recorded <- s.recorded(ctx, unanswered.Name, &result.late) }()
	for range quietEach {
		create, err := s.single(ctx, s.next)
		if err != nil {
			return err
		}
		s.next++
		creates = append(creates, create)
		if err := pause(ctx, quietPause); err != nil {
			return err
		}
	}
	result.create = median(creates)
	if err := <-recorded; err != nil {
		return err
	}
	events, err := readAudit(s.auditLog())
	if err != nil {
		return err
	}
	waits := reactions(between(within(events, namespace), first, time.Now()), userHarness, userOperator)
	if len(waits) != quietEach {
		return fmt.Errorf("%d of %d single incidents were answered with a Job", len(waits), quietEach)
	}
	result.wait, result.longest = median(waits), slices.Max(waits)
	return nil
}

// recorded waits until it is recorded that nobody answered an incident in time, and says how late that was.
func (s *siege) recorded(ctx context.Context, name string, late *time.Duration) error {
	return poll(ctx, "the deadline of "+name+" is recorded", 20*time.Millisecond, func() (bool, error) {
		var incident strategyv1.StrategyIncident
		if err := s.seen.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &incident); err != nil {
			return false, client.IgnoreNotFound(err) // not seen yet
		}
		for _, deadline := range incident.Status.Deadlines {
			if deadline.BreachTime != nil && deadline.Level == strategyv1.LevelL1 {
				*late = time.Since(deadline.Time.Time)
				return true, nil
			}
		}
		return false, s.alive()
	})
}
