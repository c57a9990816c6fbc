package apiserver

import (
	"context"
	"reflect"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Cache is what an operator with these options, of a served namespace, has in its caches of a server, which here are never late.
// It sees no more than the real ones: what is not selected does not exist there.
type Cache struct {
	Server  *Server
	Options cache.Options
	Indexes []Index
}

// Index is how objects are found by a field of a cache.
type Index struct {
	Object client.Object
	Field  string
	Values client.IndexerFunc
}

// Sees says whether the cache holds an object.
func (c *Cache) Sees(object client.Object) bool {
	selector := c.byObject(object).Label
	_, here := c.Options.DefaultNamespaces[object.GetNamespace()]
	return here && (selector == nil || selector.Matches(labelsOf(object)))
}

// byObject is what the options say about a kind; empty if nothing.
func (c *Cache) byObject(object runtime.Object) cache.ByObject {
	for kind, by := range c.Options.ByObject {
		if reflect.TypeOf(kind) == reflect.TypeOf(object) {
			return by
		}
	}
	return cache.ByObject{}
}

// keep leaves of a copy of an object what the cache keeps of it.
func (c *Cache) keep(object runtime.Object) error {
	transform := c.byObject(object).Transform
	if transform == nil {
		transform = c.Options.DefaultTransform
	}
	if transform == nil {
		return nil
	}
	if _, err := transform(object); err != nil {
		return err
	}
	_, err := transform(object) // a cache that takes its first objects from a stream transforms them twice
	return err
}

// Get implements client.Reader.
func (c *Cache) Get(_ context.Context, at client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	kind, err := c.Server.kinds.of(object)
	if err != nil {
		return err
	}
	found, err := c.Server.find(key{kind.gvk.Kind, at.Namespace, at.Name}, kind)
	if err != nil {
		return err
	}
	if !c.Sees(found.object) {
		return apierrors.NewNotFound(kind.group(), at.Name)
	}
	answer(object, found.object)
	return c.keep(object)
}

// List implements client.Reader.
func (c *Cache) List(_ context.Context, list client.ObjectList, options ...client.ListOption) error {
	var wanted client.ListOptions
	wanted.ApplyOptions(options)
	kind, err := c.Server.kinds.itemKind(list)
	if err != nil {
		return err
	}
	if err := fill(list, c.Server.of(kind.gvk.Kind, wanted.Namespace), func(o client.Object) bool {
		return c.Sees(o) && labelled(o, &wanted) && c.indexed(o, wanted.FieldSelector)
	}); err != nil {
		return err
	}
	return meta.EachListItem(list, c.keep)
}

func (c *Cache) indexed(object client.Object, wanted fields.Selector) bool {
	if wanted == nil {
		return true
	}
	for _, requirement := range wanted.Requirements() {
		found := slices.ContainsFunc(c.Indexes, func(index Index) bool {
			return reflect.TypeOf(index.Object) == reflect.TypeOf(object) && index.Field == requirement.Field &&
				slices.Contains(index.Values(object), requirement.Value)
		})
		if !found {
			return false
		}
	}
	return true
}

func labelsOf(object client.Object) labels.Labels { return labels.Set(object.GetLabels()) }
