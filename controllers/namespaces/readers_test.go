package namespaces

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// What needs an API server, a cache that begins, is lost and ends, is in test/api.

var (
	forbidden = apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, "", errors.New("no right"))
	request   = reconcile.Request{NamespacedName: types.NamespacedName{Namespace: "trading", Name: "one"}}
)

// heard are readers whose news and doubts are kept, so that nobody waits for a listener.
func heard(t *testing.T) (r *Readers, news chan event.GenericEvent) {
	news = make(chan event.GenericEvent, 16)
	r = New(nil, nil)
	r.ctx, r.wakers, r.doubts = t.Context(), []chan event.GenericEvent{news}, make(chan event.GenericEvent, 16)
	return r, news
}

// TestAnObjectWaitsUntilItsNamespaceIsKnown: right after a start a deleted rollback would be let go otherwise.
func TestAnObjectWaitsUntilItsNamespaceIsKnown(t *testing.T) {
	r, news := heard(t)
	passes := 0
	guarded := r.Guard(reconcile.Func(func(context.Context, reconcile.Request) (reconcile.Result, error) {
		passes++
		return reconcile.Result{}, nil
	}))
	look := func() {
		t.Helper()
		if result, err := guarded.Reconcile(t.Context(), request); err != nil || !result.IsZero() {
			t.Errorf("%v, %v", result, err)
		}
	}
	look()
	one := &service{state: Starting}
	r.known["trading"] = one
	look()
	if passes != 0 {
		t.Error("a pass before it is known whether the namespace is served")
	}
	if !r.serves("trading", one, nil) || r.Served("trading") != nil {
		t.Error("the reader is in sync: the namespace is served")
	}
	r.end(t.Context(), "trading", Refused, refused("trading", forbidden))
	if got := (<-news).Object.GetNamespace(); got != "trading" {
		t.Errorf("woken: %q", got)
	}
	look()
	if passes != 1 || r.serves("trading", one, nil) {
		t.Error("the namespace is refused: its objects say so, and a reader that was ended serves nothing")
	}
}

func TestOnlyWhatIsForbiddenIsDoubted(t *testing.T) {
	for _, c := range []struct {
		name    string
		err     error
		doubted bool
	}{
		{"nothing", nil, false},
		{"a conflict", apierrors.NewConflict(schema.GroupResource{}, "one", errors.New("changed")), false},
		{"forbidden", forbidden, true},
		{"forbidden while something was done", fmt.Errorf("action.CreateJob: %w", forbidden), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, _ := heard(t)
			r.known["trading"] = &service{state: Refused, problem: notAsked("trading")}
			fails := reconcile.Func(func(context.Context, reconcile.Request) (reconcile.Result, error) { return reconcile.Result{}, c.err })
			if _, err := r.Guard(fails).Reconcile(t.Context(), request); !errors.Is(err, c.err) {
				t.Errorf("the error is %v: back-off needs it as it was", err)
			}
			if doubted := len(r.doubts) == 1; doubted != c.doubted {
				t.Errorf("doubted = %v", doubted)
			}
		})
	}
}

// TestARightThatIsMissingIsAskedForLessAndLess, and the objects are woken only by news.
func TestARightThatIsMissingIsAskedForLessAndLess(t *testing.T) {
	r, news := heard(t)
	want := firstPause
	for range 10 {
		if got := r.end(t.Context(), "trading", Refused, refused("trading", forbidden)); got != want {
			t.Errorf("the pause is %v, not %v", got, want)
		}
		want = min(2*want, lastPause)
	}
	if len(news) != 1 {
		t.Errorf("woken %d times by one piece of news", len(news))
	}
	if want != time.Minute {
		t.Errorf("the last pause is %v", want)
	}
	r.serves("trading", r.known["trading"], nil)
	if got := r.end(t.Context(), "trading", Refused, refused("trading", forbidden)); got != firstPause || len(news) != 2 {
		t.Errorf("after it was served: pause %v, woken %d times", got, len(news))
	}
}

func TestWhichNamespacesAreServed(t *testing.T) {
	now := metav1.Now()
	serve := map[string]string{strategyv1.LabelServe: "true"}
	r := New(nil, []string{"listed"})
	for _, c := range []struct {
		name      string
		namespace metav1.ObjectMeta
		says      string // "": served
	}{
		{"one of the list", metav1.ObjectMeta{Name: "listed"}, ""},
		{"one with the label", metav1.ObjectMeta{Name: "labelled", Labels: serve}, ""},
		{"one with another value", metav1.ObjectMeta{Name: "other", Labels: map[string]string{strategyv1.LabelServe: "yes"}},
			"the operator does not serve namespace other; kubectl label namespace other strategy.tradeops.dev/serve=true, and bind ClusterRole strategy-operator-namespace there (config/namespace)"},
		{"one that is being deleted", metav1.ObjectMeta{Name: "listed", Labels: serve, DeletionTimestamp: &now},
			"namespace listed is being deleted; the operator does nothing in it any more"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			if why := r.whyNot(&metav1.PartialObjectMetadata{ObjectMeta: c.namespace}); why != nil {
				got = why.Message
			}
			if got != c.says {
				t.Errorf("says %q", got)
			}
		})
	}
}

// TestWhatTheLabelsAskForIsNews: who has to agree to a playbook, and what checks may do, holds from the next look at the objects on.
func TestWhatTheLabelsAskForIsNews(t *testing.T) {
	labelled := func(labels map[string]string) client.Object {
		return &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: "trading", UID: "1", Labels: labels}}
	}
	r, _ := heard(t)
	r.listed = []string{"trading"}
	r.known["trading"] = &service{state: Served}
	before := map[string]string{"team": "crypto"}
	for _, c := range []struct {
		name   string
		labels map[string]string
		news   bool
	}{
		{"a label of others", map[string]string{"team": "fx"}, false},
		{"two persons are wanted", map[string]string{strategyv1.LabelPlaybookReview: "true"}, true},
		{"with no value", map[string]string{strategyv1.LabelPlaybookReview: ""}, true},
		{"checks may be anything", map[string]string{strategyv1.LabelPodSecurityExempt: "true"}, true},
		{"checks may run as somebody", map[string]string{strategyv1.LabelServiceAccounts: "reader"}, true},
		{"as somebody else", map[string]string{strategyv1.LabelServiceAccounts: "writer"}, true},
		{"nothing any more", nil, true},
	} {
		if heard := r.serviceChanged().Update(event.UpdateEvent{ObjectOld: labelled(before), ObjectNew: labelled(c.labels)}); heard != c.news {
			t.Errorf("%s: heard = %t", c.name, heard)
		}
		if news := r.asksElse("trading", asked(labelled(c.labels))); news != c.news {
			t.Errorf("%s: news = %t", c.name, news)
		}
		before = c.labels
	}
	if r.asksElse("other", map[string]string{"a": "b"}) {
		t.Error("a namespace that is not served has news")
	}
}

// copied is a manager with a cache in which there may be one namespace.
type copied struct {
	ctrl.Manager
	client.Client
	namespace *metav1.PartialObjectMetadata // nil: none
	err       error
}

func (c copied) GetClient() client.Client { return c }

func (c copied) Get(_ context.Context, _ client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	if c.err == nil && c.namespace == nil {
		return apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "trading")
	}
	if into, is := object.(*metav1.PartialObjectMetadata); is && c.err == nil {
		*into = *c.namespace
	}
	return c.err
}

// TestEveryReplicaKnowsWhatIsToBeStored: only the leader has readers; the others go by what the namespace says.
func TestEveryReplicaKnowsWhatIsToBeStored(t *testing.T) {
	namespace := func(served string) *metav1.PartialObjectMetadata {
		return &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: "trading", Labels: map[string]string{strategyv1.LabelServe: served}}}
	}
	deleting := namespace("true")
	deleting.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
	for name, c := range map[string]struct {
		manager copied
		listed  []string
		known   *service
		words   string // empty: it is to be stored
	}{
		"served":                      {manager: copied{namespace: namespace("true")}},
		"listed":                      {manager: copied{namespace: namespace("false")}, listed: []string{"trading"}},
		"not served":                  {manager: copied{namespace: namespace("false")}, words: "kubectl label namespace trading"},
		"not there":                   {words: "kubectl label namespace trading"},
		"being deleted":               {manager: copied{namespace: deleting}, words: "is being deleted"},
		"not read yet":                {manager: copied{err: errors.New("not in sync")}, words: "is not read yet"},
		"the leader misses a right":   {manager: copied{namespace: namespace("true")}, known: &service{state: Refused, problem: refused("trading", forbidden)}, words: "has not the rights"},
		"the leader begins to read":   {manager: copied{namespace: namespace("true")}, known: &service{state: Starting}},
		"the leader reads it already": {manager: copied{namespace: namespace("false")}, known: &service{state: Served, reader: copied{}}},
	} {
		t.Run(name, func(t *testing.T) {
			r := New(c.manager, c.listed)
			if c.known != nil {
				r.known["trading"] = c.known
			}
			why := r.Takes(t.Context(), "trading")
			if (why == nil) != (c.words == "") || why != nil && !strings.Contains(why.Message, c.words) {
				t.Errorf("%+v", why)
			}
		})
	}
}
