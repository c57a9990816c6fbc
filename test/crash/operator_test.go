package crash

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/controllers"
	"tradeops.dev/strategy-operator/test/world"
)

// World is what the operator lives in.
type World = world.World

// Operator is one life of the operator, which ends at the cut.
type Operator struct {
	*world.Operator
	cut *Cut
}

// life is where operators start, one after the other, in one world.
type life struct {
	*World
	scenario  Scenario
	mutant    Mutant
	meanwhile sync.Once
}

// start makes an operator with an empty memory. A mutant bends its clients to a known bug.
func (l *life) start(cut *Cut) *Operator {
	cache := &lagging{cut: cut, behind: l.scenario.Behind, seen: map[string]client.ObjectList{}}
	operator := l.Operator(world.Seams{
		Transport: func(next http.RoundTripper) http.RoundTripper { return &transport{cut: cut, next: next, life: l} },
		Client: func(next client.Client) client.Client {
			cache.Client = next
			if l.mutant.Client != nil {
				return l.mutant.Client(l.World, cache)
			}
			return cache
		},
		Live: func(next client.Reader) client.Reader {
			if l.mutant.Live != nil {
				return l.mutant.Live(l.World, next, cache)
			}
			return next
		},
		Evidence: func(next controllers.Evidence) controllers.Evidence {
			var evidence controllers.Evidence = &bucket{cut: cut, next: next}
			if l.mutant.Evidence != nil {
				evidence = l.mutant.Evidence(l.World, evidence)
			}
			return evidence
		},
	})
	operator.Stopped = cut.stopped
	return &Operator{operator, cut}
}

// lagging is a cache that lags behind once after an effect whose result was unknown; of rollbacks always, if it is behind.
type lagging struct {
	client.Client
	cut    *Cut
	behind bool
	seen   map[string]client.ObjectList // the newest list of a kind, by its query
	last   *strategyv1.StrategyRollbackList
}

// List implements client.Reader.
func (c *lagging) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	var all client.ListOptions
	all.ApplyOptions(options)
	kind := reflect.TypeOf(list).Elem().Name()
	query := fmt.Sprint(kind, all.LabelSelector, all.FieldSelector)
	before, known := c.seen[query]
	rollbacks, isRollbacks := list.(*strategyv1.StrategyRollbackList)
	lags := known && (c.behind && isRollbacks || c.cut.lags(kind))
	if err := c.Client.List(ctx, list, options...); err != nil {
		return err
	}
	c.seen[query] = list.DeepCopyObject().(client.ObjectList)
	if lags {
		reflect.ValueOf(list).Elem().Set(reflect.ValueOf(before.DeepCopyObject()).Elem())
	}
	if isRollbacks {
		c.last = rollbacks.DeepCopy()
	}
	return nil
}
