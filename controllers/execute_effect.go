package controllers

import (
	"context"
	"reflect"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// effect is how something that was done is told: which object, and what of it, but never content, since the log of the operator has
// other readers. The zero value is not told.
type effect struct {
	name    string // stable: queries and alerts rest on it
	kind    string // empty: in the bucket
	object  types.NamespacedName
	touched []any // keys and values
}

// verbose is the level of what fills the log in each incident, and changes nothing in the cluster.
const verbose = 1

// on is an effect on an object.
func on(name string, object client.Object, touched ...any) effect {
	return effect{name, reflect.TypeOf(object).Elem().Name(), client.ObjectKeyFromObject(object), touched}
}

// inBucket is an effect on the evidence.
func inBucket(name string, touched ...any) effect { return effect{name: name, touched: touched} }

// tell counts an effect, and logs it once it was done. An error is not logged here: it is returned, and logged at the top.
func (d effect) tell(ctx context.Context, took time.Duration, err error) {
	if d.name == "" {
		return
	}
	countEffect(d.name, took, err)
	if err != nil {
		return
	}
	if d.kind == "" {
		log.FromContext(ctx).V(verbose).Info("Stored", append([]any{"effect", d.name}, d.touched...)...)
		return
	}
	log.FromContext(ctx).Info("Done", append([]any{"effect", d.name, "kind", d.kind, "object", d.object}, d.touched...)...)
}
