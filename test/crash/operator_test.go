package crash

import (
	"context"
	"fmt"
	"net/http"
	"reflect"

	"sigs.k8s.io/controller-runtime/pkg/client"

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

// start makes an operator with an empty memory. A mutant bends its clients to a known bug.
func start(w *World, cut *Cut, mutant Mutant) *Operator {
	operator := w.Operator(world.Seams{
		Transport: func(next http.RoundTripper) http.RoundTripper { return &transport{cut: cut, next: next} },
		Client: func(next client.Client) client.Client {
			var api client.Client = &lagging{Client: next, cut: cut, seen: map[string]client.ObjectList{}}
			if mutant.Client != nil {
				api = mutant.Client(w, api)
			}
			return api
		},
		Evidence: func(next controllers.Evidence) controllers.Evidence {
			var evidence controllers.Evidence = &bucket{cut: cut, next: next}
			if mutant.Evidence != nil {
				evidence = mutant.Evidence(w, evidence)
			}
			return evidence
		},
	})
	operator.Stopped = cut.stopped
	return &Operator{operator, cut}
}

// lagging is a cache that lags behind once after an effect whose result was unknown.
type lagging struct {
	client.Client
	cut  *Cut
	seen map[string]client.ObjectList // the newest list of a kind, by its query
}

// List implements client.Reader.
func (c *lagging) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	var all client.ListOptions
	all.ApplyOptions(options)
	kind := reflect.TypeOf(list).Elem().Name()
	query := fmt.Sprint(kind, all.LabelSelector, all.FieldSelector)
	if before, ok := c.seen[query]; ok && c.cut.lags(kind) {
		reflect.ValueOf(list).Elem().Set(reflect.ValueOf(before.DeepCopyObject()).Elem())
		return nil
	}
	if err := c.Client.List(ctx, list, options...); err != nil {
		return err
	}
	c.seen[query] = list.DeepCopyObject().(client.ObjectList)
	return nil
}
