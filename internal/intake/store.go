package intake

import (
	"context"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

const (
	// lag is how far what was heard of an alert that does not change may be ahead of what is stored.
	lag = 5 * time.Minute
	// tries is how often an alert is merged again with what somebody else stored meanwhile.
	tries = 8
	// sideBySide is how many alerts of one message are stored at a time.
	sideBySide = 4
	// maxUnwritten is for how many alerts it is remembered how often they were heard since the last write. Beyond it counts are forgotten,
	// and nothing else is.
	maxUnwritten = 20_000
)

// store keeps alerts in the API server.
type store struct {
	client client.Client // reads come from a cache
	live   client.Reader
	clock  clock.PassiveClock

	mu        sync.Mutex
	unwritten map[client.ObjectKey]int64
}

// all stores the alerts of a message, and whatever fails, the others. The results are those of what is stored; an error says that not
// everything is.
func (s *store) all(ctx context.Context, namespace string, alerts []heard) (results map[result]int, err error) {
	var (
		order  []string
		byName = map[string][]heard{}
		mu     sync.Mutex
		failed int
		group  sync.WaitGroup
	)
	for _, one := range alerts {
		if byName[one.name] == nil {
			order = append(order, one.name)
		}
		byName[one.name] = append(byName[one.name], one)
	}
	results = map[result]int{}
	names := make(chan string)
	for range min(sideBySide, len(order)) {
		group.Go(func() {
			for name := range names {
				done, failure := s.one(ctx, client.ObjectKey{Namespace: namespace, Name: name}, byName[name])
				mu.Lock()
				for _, what := range done {
					results[what]++
				}
				if failure != nil {
					failed++
					err = failure
				}
				mu.Unlock()
			}
		})
	}
	for _, name := range order {
		names <- name
	}
	close(names)
	group.Wait()
	if err != nil {
		err = fmt.Errorf("%d of %d alerts are not stored, one of them because: %w", failed, len(order), err)
	}
	return results, err
}

// one stores what was heard of one alert, in order.
func (s *store) one(ctx context.Context, key client.ObjectKey, news []heard) ([]result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var stored strategyv1.StrategyAlert
	cached := s.client.Get(ctx, key, &stored)
	if cached == nil && stored.DeletionTimestamp == nil {
		if _, results, write := s.fold(&stored.Spec, news); !write {
			s.count(key, int64(len(news)))
			return results, nil
		}
	}
	if apierrors.IsNotFound(cached) {
		results, err := s.create(ctx, key, news)
		if !apierrors.IsAlreadyExists(err) {
			return results, err
		}
	}
	return s.change(ctx, key, news)
}

// fold merges all of it, one after the other, and says whether that is to be written at once.
func (s *store) fold(before *strategyv1.StrategyAlertSpec, news []heard) (after *strategyv1.StrategyAlertSpec, results []result, write bool) {
	now, stored := s.clock.Now(), before
	write = before == nil
	for _, one := range news {
		merged, what := merge(before, one, now)
		before, results, write = &merged, append(results, what), write || what.writes()
	}
	return before, results, write || before.HeardTime.Sub(stored.HeardTime.Time) >= lag
}

func (s *store) create(ctx context.Context, key client.ObjectKey, news []heard) ([]result, error) {
	spec, results, _ := s.fold(nil, news)
	object := &strategyv1.StrategyAlert{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}, Spec: *spec}
	if err := s.client.Create(ctx, object); err != nil {
		return nil, err
	}
	s.take(key) // of an object before it
	return results, nil
}

// change merges with what is stored now, again and again while somebody else writes.
func (s *store) change(ctx context.Context, key client.ObjectKey, news []heard) (results []result, err error) {
	for range tries {
		results, err = s.changeOnce(ctx, key, news)
		if !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) && !apierrors.IsNotFound(err) {
			return results, err
		}
	}
	return nil, err
}

func (s *store) changeOnce(ctx context.Context, key client.ObjectKey, news []heard) ([]result, error) {
	var stored strategyv1.StrategyAlert
	err := s.live.Get(ctx, key, &stored)
	if apierrors.IsNotFound(err) {
		return s.create(ctx, key, news)
	}
	if err != nil {
		return nil, err
	}
	if stored.DeletionTimestamp != nil {
		return nil, fmt.Errorf("StrategyAlert %s is being deleted", key.Name)
	}
	after, results, write := s.fold(&stored.Spec, news)
	if !write {
		s.count(key, int64(len(news)))
		return results, nil
	}
	before := s.take(key)
	stored.Spec = *after
	stored.Spec.Heard += before
	if err := s.client.Update(ctx, &stored); err != nil {
		s.count(key, before)
		return nil, err
	}
	return results, nil
}

// count remembers how often an alert was heard that was not written.
func (s *store) count(key client.ObjectKey, n int64) {
	if n == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unwritten == nil || len(s.unwritten) >= maxUnwritten {
		s.unwritten = map[client.ObjectKey]int64{}
	}
	s.unwritten[key] += n
}

func (s *store) take(key client.ObjectKey) (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n = s.unwritten[key]
	delete(s.unwritten, key)
	return n
}
