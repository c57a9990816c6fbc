package apiserver

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Server is the API server. It is not safe for concurrent use.
type Server struct {
	// Now is its clock.
	Now func() time.Time
	// Policies says whether the admission policies are installed: they stamp names and refuse forged ones.
	Policies bool
	// Refuse is what RBAC, a quota or a policy engine says to a write; nil: nothing is refused.
	Refuse func(Request) error
	// Watch is told each change, in order; nil: nobody watches.
	Watch func(Event)

	kinds   *Kinds
	objects map[key]stored
	version int64 // the newest resource version
	created int64 // how many objects ever were
}

// Request is a write that somebody asks for.
type Request struct {
	User, Verb string // Verb: create, update, patch, delete
	Kind       string
	Status     bool          // of the status subresource
	Object     client.Object // what is asked for; not to be changed
}

// Event is one change of an object. Old is nil when it was created, New when it is gone.
type Event struct{ Old, New client.Object }

type key struct{ kind, namespace, name string }

// stored is one version of an object; neither is ever changed.
type stored struct {
	object client.Object
	body   string // spec and status as JSON, of the kinds with a schema
}

// New is an empty API server with the policies installed.
func New(kinds *Kinds, now func() time.Time) *Server {
	return &Server{Now: now, Policies: true, kinds: kinds, objects: map[key]stored{}, version: 1}
}

// Fork is a copy that goes its own way. It has no watcher, and its clock is the caller's to set.
func (s *Server) Fork() *Server {
	fork := *s
	fork.objects = maps.Clone(s.objects)
	fork.Watch = nil
	return &fork
}

// KindOf names an object's kind.
func (s *Server) KindOf(object runtime.Object) string { return s.kinds.KindOf(object) }

// Learn takes over a change that another server told: a cache learns that way, and the picture of a real API server.
func (s *Server) Learn(change Event) {
	object, gone := change.New, change.New == nil
	if gone {
		object = change.Old
	}
	at := key{s.kinds.KindOf(object), object.GetNamespace(), object.GetName()}
	if gone {
		delete(s.objects, at)
	} else {
		s.objects[at] = stored{object: object}
	}
	s.tell(change)
}

// All are the objects of a namespace, in a fixed order. They are not to be changed.
func (s *Server) All(namespace string) []client.Object {
	var keys []key
	for at := range s.objects {
		if at.namespace == namespace {
			keys = append(keys, at)
		}
	}
	slices.SortFunc(keys, func(a, b key) int { return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name)) })
	objects := make([]client.Object, len(keys))
	for i, at := range keys {
		objects[i] = s.objects[at].object
	}
	return objects
}

// of are the objects of a kind, by name.
func (s *Server) of(kind, namespace string) []client.Object {
	var objects []client.Object
	for at, entry := range s.objects {
		if at.kind == kind && (namespace == "" || at.namespace == namespace) {
			objects = append(objects, entry.object)
		}
	}
	slices.SortFunc(objects, func(a, b client.Object) int {
		return cmp.Or(cmp.Compare(a.GetNamespace(), b.GetNamespace()), cmp.Compare(a.GetName(), b.GetName()))
	})
	return objects
}

func (s *Server) find(at key, kind *kind) (stored, error) {
	found, ok := s.objects[at]
	if !ok {
		return stored{}, apierrors.NewNotFound(kind.group(), at.name)
	}
	return found, nil
}

// put stores a new version and tells it.
func (s *Server) put(at key, next stored, before client.Object) {
	s.version++
	next.object.SetResourceVersion(strconv.FormatInt(s.version, 10))
	s.objects[at] = next
	s.tell(Event{before, next.object})
}

func (s *Server) remove(at key, last client.Object) {
	s.version++
	delete(s.objects, at)
	s.tell(Event{Old: last})
}

func (s *Server) tell(event Event) {
	if s.Watch != nil {
		s.Watch(event)
	}
}

// uid is the next one. UIDs look like real ones, and their first parts do not sort by age, as real ones do not.
func (s *Server) uid() types.UID {
	s.created++
	sum := fnv.New32a()
	_, _ = fmt.Fprintf(sum, "object %d", s.created)
	return types.UID(fmt.Sprintf("%08x-0000-4000-8000-%012x", sum.Sum32(), s.created))
}

// second is the clock as metadata tells it.
func (s *Server) second() metav1.Time { return metav1.NewTime(s.Now().UTC().Truncate(time.Second)) }

// answer sets an object to what is stored.
func answer(into, from client.Object) {
	reflect.ValueOf(into).Elem().Set(reflect.ValueOf(from.DeepCopyObject()).Elem())
}
