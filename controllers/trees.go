package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/logtree"
)

// trees keeps one tree over the decision logs of each served namespace, and signs its checkpoints. It works on namespaces, beside everything
// else: no incident waits for it, and it changes nothing of one.
//
// One pass: observe the anchored checkpoint, the newest page and the heads of all logs; plan which entries are missing (logtree); store the page
// with its checkpoint; anchor that. A crash between the last two leaves a page that this operator signed: the next pass takes it up.
type trees struct {
	*reader
	does     *executor
	home     string // the operator's own namespace
	operator string // its name in checkpoints

	known map[string]*treeOf // by namespace: there is one worker
	gone  gone
}

// treeOf is what is known of the tree of a namespace.
type treeOf struct {
	state  logtree.State
	signed string // the newest checkpoint, as it is anchored
	more   bool   // there was too much for one page
}

func (r *trees) controller() Controller {
	return Controller{
		Name: "tree", Reconciler: r, Workers: 1,
		Watches: []Watch{
			{&strategyv1.StrategyIncident{}, r.gone.remembers(), logGrew()},
			{&strategyv1.StrategyRollback{}, r.gone.remembers(), logGrew()},
		},
	}
}

// treeProblem is why there is no new checkpoint, until somebody does something about it.
type treeProblem struct{ reason, message string }

// Error implements error.
func (p treeProblem) Error() string { return p.message }

// Reasons for which there is no new checkpoint.
const (
	reasonNoKey    = "CheckpointKeyMissing"
	reasonConflict = "CheckpointConflict"
	reasonLog      = "LogNotInTree"
)

// Reconcile makes a page of a namespace, if one is due.
func (r *trees) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	namespace := request.Namespace
	if r.Namespaces.Served(namespace) != nil { // wakes it when that changes
		r.forget(namespace)
		return ctrl.Result{}, nil
	}
	now := r.Clock.Now()
	next, err := r.pass(ctx, namespace, now)
	if problem, is := errors.AsType[treeProblem](err); is {
		delete(r.known, namespace)
		r.tell(ctx, namespace, problem)
		return ctrl.Result{RequeueAfter: r.Pauses.Tree}, nil
	}
	if err != nil {
		delete(r.known, namespace)
		return ctrl.Result{}, err
	}
	return again(next, now), nil
}

func (r *trees) pass(ctx context.Context, namespace string, now time.Time) (next time.Time, err error) {
	known := r.known[namespace]
	if known != nil && r.due(known, now).After(now) {
		return r.due(known, now), nil
	}
	keys, err := r.checkpointKeys(ctx)
	if err != nil {
		return time.Time{}, err
	}
	anchors, err := r.anchors(ctx)
	if err != nil {
		return time.Time{}, err
	}
	if known == nil || known.signed != anchors.Data[namespace] {
		if known, err = r.resume(ctx, namespace, anchors.Data[namespace], keys); err != nil {
			return time.Time{}, err
		}
	} else if err := r.stillThere(ctx, namespace, known.signed, keys); err != nil {
		return time.Time{}, err
	}
	if known.signed != anchors.Data[namespace] { // what an earlier life signed, and could not anchor
		return now, r.keep(ctx, namespace, known, anchors, keys, nil)
	}
	r.known[namespace] = known
	if due := r.due(known, now); due.After(now) {
		return due, nil
	}
	return r.grow(ctx, namespace, known, anchors, keys, now)
}

// due is when the next page may be made. A newest page from the future, by a clock that was wrong, keeps nobody waiting.
func (r *trees) due(known *treeOf, now time.Time) time.Time {
	if known.more || known.state.Number == 0 || known.state.Time.After(now) {
		return now
	}
	return known.state.Time.Add(r.Pauses.Tree)
}

// grow makes a page, if there is anything new or nothing was signed for long.
func (r *trees) grow(ctx context.Context, namespace string, known *treeOf, anchors *corev1.ConfigMap, keys checkpointKeys, now time.Time) (time.Time, error) {
	heads, err := r.heads(ctx, namespace)
	if err != nil {
		return time.Time{}, err
	}
	wanted, conflicts := logtree.Missing(known.state.Logs, heads)
	var runs []logtree.Run
	entries := 0
	for _, one := range wanted {
		run, err := r.run(ctx, one)
		if problem, is := errors.AsType[treeProblem](err); is {
			conflicts = append(conflicts, problem.message)
			continue
		}
		if err != nil {
			return time.Time{}, err
		}
		runs = append(runs, run)
		entries += len(run.Leaves)
	}
	r.gone.done(namespace, conflicts, known.state.Logs)
	r.tellConflicts(ctx, namespace, conflicts)
	silence := known.state.Time.Add(r.Pauses.Checkpoint)
	if len(runs) == 0 && (known.state.Number == 0 || silence.After(now) && !known.state.Time.After(now)) {
		known.more = false
		if known.state.Number == 0 {
			return time.Time{}, nil // the first entry wakes it
		}
		return silence, nil
	}
	kept := map[string]bool{}
	for log := range heads {
		kept[log] = true
	}
	page, err := known.state.Next(now, runs, kept)
	if err != nil {
		return time.Time{}, err
	}
	grown, stored, err := r.follow(namespace, known.state, page, keys)
	if err != nil {
		return time.Time{}, err
	}
	rest, _ := logtree.Missing(grown.state.Logs, heads)
	grown.more = len(rest) > len(conflicts)
	if err := r.keep(ctx, namespace, grown, anchors, keys, stored); err != nil {
		return time.Time{}, err
	}
	log.FromContext(ctx).Info("Signed", "checkpoint", page.Number, "namespace", namespace, "entries", entries, "size", page.Size)
	if grown.more {
		return now.Add(r.Pauses.Passes), nil
	}
	return now.Add(r.Pauses.Tree), nil
}

// follow signs a page, and is what is known after it, and how it is stored.
func (r *trees) follow(namespace string, state logtree.State, page logtree.Page, keys checkpointKeys) (*treeOf, *action.StoreEvidence, error) {
	data, signed, err := logtree.Seal(logtree.Origin(r.operator, namespace), page, keys.private)
	if err != nil {
		return nil, nil, err
	}
	_, hash, _, err := logtree.Decode(data)
	if err != nil {
		return nil, nil, err
	}
	if state, err = state.Apply(page, hash); err == nil {
		state, err = state.Trimmed(page)
	}
	return &treeOf{state: state, signed: signed}, &action.StoreEvidence{Key: evidence.TreeKey(namespace, page.Number), Data: data}, err
}

// keep stores a page, if there is one, and anchors its checkpoint: in this order, so that nothing is anchored that is not there.
func (r *trees) keep(ctx context.Context, namespace string, known *treeOf, anchors *corev1.ConfigMap, keys checkpointKeys, page *action.StoreEvidence) error {
	var actions []action.Action
	if page != nil {
		actions = append(actions, *page)
	}
	changed := anchors.DeepCopy()
	if changed.Data == nil {
		changed.Data = map[string]string{}
	}
	changed.Data[namespace], changed.Data[anchorKeys] = known.signed, keys.public()
	about := changed.DeepCopy()
	about.UID = treeUID(namespace)
	if err := r.does.execute(ctx, about, append(actions, action.KeepCheckpoints{ConfigMap: changed})); err != nil {
		r.wakePlaybooks(namespace, err)
		return err
	}
	r.known[namespace] = known
	treeCheckpoint.WithLabelValues(namespace).Set(float64(known.state.Time.Unix()))
	return nil
}

// treeUID is by what it is remembered that an effect for the tree of a namespace was refused: what is refused of one is not refused of the others.
func treeUID(namespace string) types.UID { return types.UID("tree of " + namespace) }

// wakePlaybooks has the playbooks of a namespace tell what was refused of its tree. The ConfigMap is in the operator's namespace, where those who
// work with playbooks do not look. If the queue is full, they find it in their next pass.
func (r *trees) wakePlaybooks(namespace string, err error) {
	refused, is := errors.AsType[refusedError](err)
	if !is || !refused.first {
		return
	}
	select {
	case r.refusals.told <- event.GenericEvent{Object: &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: AnchorName}}}:
	default:
	}
}

// heads are those of all logs of a namespace: as the statuses say, and of objects that are gone as they said last.
func (r *trees) heads(ctx context.Context, namespace string) (map[string]logtree.Head, error) {
	heads := r.gone.of(namespace)
	var incidents strategyv1.StrategyIncidentList
	if err := r.Client.List(ctx, &incidents, client.InNamespace(namespace)); err != nil {
		return nil, err
	}
	for i := range incidents.Items {
		addHead(heads, &incidents.Items[i], incidents.Items[i].Status.Log)
	}
	var rollbacks strategyv1.StrategyRollbackList
	if err := r.Client.List(ctx, &rollbacks, client.InNamespace(namespace)); err != nil {
		return nil, err
	}
	for i := range rollbacks.Items {
		addHead(heads, &rollbacks.Items[i], rollbacks.Items[i].Status.Log)
	}
	return heads, nil
}

func addHead(heads map[string]logtree.Head, object client.Object, log *strategyv1.LogStatus) {
	if log == nil || log.Entries == nil || *log.Entries == 0 {
		return
	}
	heads[evidence.Prefix(object.GetNamespace(), object.GetName(), string(object.GetUID()), object.GetCreationTimestamp().Time)] = logtree.Head{Entries: *log.Entries, Hash: log.Head}
}

// run reads the entries that are wanted of one log.
func (r *trees) run(ctx context.Context, wanted logtree.Wanted) (logtree.Run, error) {
	var lines [][]byte
	for seq := wanted.Known.Entries + 1; seq <= wanted.Last; seq++ {
		line, err := r.Evidence.Get(ctx, evidence.LogKey(wanted.Log, seq))
		if errors.Is(err, evidence.ErrNotFound) {
			return logtree.Run{}, treeProblem{reasonLog, fmt.Sprintf("%s: entry %d is not in the bucket", wanted.Log, seq)}
		}
		if err != nil {
			return logtree.Run{}, err
		}
		lines = append(lines, line)
	}
	run, err := logtree.RunOf(wanted, lines)
	if err != nil {
		return logtree.Run{}, treeProblem{reasonLog, err.Error()}
	}
	return run, nil
}

// gone are the heads of logs whose objects were deleted, until their entries are in the tree. Whoever deletes an object right after its last
// entry must not keep that out.
type gone struct {
	mu    sync.Mutex
	heads map[string]map[string]logtree.Head
}

// maxGone bounds the memory for one namespace: the history deletes some at a time.
const maxGone = 4096

func (g *gone) put(object client.Object) {
	g.mu.Lock()
	defer g.mu.Unlock()
	namespace := object.GetNamespace()
	if g.heads == nil {
		g.heads = map[string]map[string]logtree.Head{}
	}
	if g.heads[namespace] == nil || len(g.heads[namespace]) >= maxGone {
		g.heads[namespace] = map[string]logtree.Head{}
	}
	addHead(g.heads[namespace], object, logOfObject(object))
}

func (g *gone) of(namespace string) map[string]logtree.Head {
	g.mu.Lock()
	defer g.mu.Unlock()
	heads := map[string]logtree.Head{}
	for log, head := range g.heads[namespace] {
		heads[log] = head
	}
	return heads
}

// done forgets those that the tree has, and those that nobody can bring in any more, once they are told.
func (g *gone) done(namespace string, conflicts []string, known map[string]logtree.Head) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for log, head := range g.heads[namespace] {
		lost := slices.ContainsFunc(conflicts, func(one string) bool { return len(one) > len(log) && one[:len(log)] == log })
		if known[log].Entries >= head.Entries || lost {
			delete(g.heads[namespace], log)
		}
	}
}

func logOfObject(object client.Object) *strategyv1.LogStatus {
	switch one := object.(type) {
	case *strategyv1.StrategyIncident:
		return one.Status.Log
	case *strategyv1.StrategyRollback:
		return one.Status.Log
	}
	return nil
}

// inNamespaceOf is the request of a controller that works on namespaces.
func inNamespaceOf(_ context.Context, object client.Object) []reconcile.Request {
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: object.GetNamespace()}}}
}

func (r *trees) forget(namespace string) {
	delete(r.known, namespace)
	treeCheckpoint.DeleteLabelValues(namespace)
	for _, reason := range []string{reasonNoKey, reasonConflict, reasonLog} {
		treeTrouble.DeleteLabelValues(namespace, reason)
	}
}

// anchorObject is the ConfigMap that keeps the newest checkpoints.
func (r *trees) anchorObject() metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: r.home, Name: AnchorName}
}
