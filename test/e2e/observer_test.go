//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// observer watches a world from the outside, so that short stages are seen and every Job is counted.
type observer struct {
	sync.Mutex
	story   *story
	reasons map[types.UID][]string // of Ready, in order
	jobs    map[types.UID]job
}

// job is a Job as it was first seen.
type job struct {
	name, stage, check, attempt string
	owner                       types.UID
	deleted                     time.Time
}

func observe(ctx context.Context, namespace string) (*observer, error) {
	o := &observer{}
	o.follow(nil)
	watched, err := cache.New(server, cache.Options{Scheme: scheme, DefaultNamespaces: map[string]cache.Config{namespace: {}}})
	if err != nil {
		return nil, err
	}
	for _, kind := range []client.Object{&strategyv1.StrategyIncident{}, &strategyv1.StrategyRollback{}, &batchv1.Job{}} {
		informer, err := watched.GetInformer(ctx, kind, cache.BlockUntilSynced(false))
		if err != nil {
			return nil, err
		}
		_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
			AddFunc:    func(object any) { o.take(object) },
			UpdateFunc: func(_, object any) { o.take(object) },
			DeleteFunc: func(object any) { o.drop(object) },
		})
		if err != nil {
			return nil, err
		}
	}
	go func() { _ = watched.Start(ctx) }() // ends with the tests
	if !watched.WaitForCacheSync(ctx) {
		return nil, fmt.Errorf("the observer's watches did not start")
	}
	return o, nil
}

// follow forgets everything and tells a new story.
func (o *observer) follow(s *story) {
	o.Lock()
	defer o.Unlock()
	o.story, o.reasons, o.jobs = s, map[types.UID][]string{}, map[types.UID]job{}
}

func (o *observer) take(object any) {
	o.Lock()
	defer o.Unlock()
	if j, ok := object.(*batchv1.Job); ok {
		if _, known := o.jobs[j.UID]; !known {
			o.jobs[j.UID] = job{
				name: j.Name, stage: j.Labels[strategyv1.LabelStage], check: j.Labels[strategyv1.LabelCheck],
				attempt: j.Labels[strategyv1.LabelAttempt], owner: types.UID(j.Labels[strategyv1.LabelOwnerUID]),
			}
		}
		return
	}
	object2, ok := object.(client.Object)
	if !ok {
		return
	}
	reason := condition(object2, strategyv1.ConditionReady).Reason
	before := o.reasons[object2.GetUID()]
	if reason == "" || len(before) > 0 && before[len(before)-1] == reason {
		return
	}
	o.reasons[object2.GetUID()] = append(before, reason)
	if o.story != nil {
		short := strings.ToLower(strings.TrimPrefix(kindOf(object2), "Strategy"))
		o.story.trace("%s: %s", short, reason)
	}
}

func (o *observer) drop(object any) {
	if j, ok := object.(*batchv1.Job); ok {
		o.Lock()
		defer o.Unlock()
		if known, ok := o.jobs[j.UID]; ok {
			known.deleted = time.Now()
			o.jobs[j.UID] = known
		}
	}
}

// wentThrough is every reason that an object's Ready condition had.
func (o *observer) wentThrough(object client.Object) []string {
	o.Lock()
	defer o.Unlock()
	return slices.Clone(o.reasons[object.GetUID()])
}

// jobsOf is every Job that was ever seen for an object.
func (o *observer) jobsOf(object client.Object) []job {
	o.Lock()
	defer o.Unlock()
	var found []job
	for _, j := range o.jobs {
		if j.owner == object.GetUID() {
			found = append(found, j)
		}
	}
	return found
}

// passes waits until an object has gone through these reasons, in this order.
func (s *story) passes(object client.Object, within time.Duration, reasons ...string) {
	s.Helper()
	s.eventually(fmt.Sprintf("%s goes through %s", nameOf(object), strings.Join(reasons, ", ")), within, func(context.Context) error {
		next := 0
		went := s.seen.wentThrough(object)
		for _, reason := range went {
			if next < len(reasons) && reason == reasons[next] {
				next++
			}
		}
		if next < len(reasons) {
			return fmt.Errorf("it went through %s", strings.Join(went, ", "))
		}
		return nil
	})
}

// oneJobPerAttempt: no attempt of a check was ever run by two Jobs. It returns the Jobs by "stage/check/attempt".
func (s *story) oneJobPerAttempt(object client.Object) []string {
	s.Helper()
	counts := map[string]int{}
	for _, j := range s.seen.jobsOf(object) {
		counts[j.stage+"/"+j.check+"/"+j.attempt]++
	}
	for attempt, count := range counts {
		if count != 1 {
			s.Errorf("%s: %d Jobs for %s", nameOf(object), count, attempt)
		}
	}
	return slices.Sorted(maps.Keys(counts))
}
