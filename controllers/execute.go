package controllers

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/playbook"
)

// errNotOurs is returned when an object with our name belongs to somebody else. Repeating does not help.
var errNotOurs = errors.New("an object of this name exists and belongs to somebody else")

// executor does what plans ask for, and nothing else.
type executor struct {
	Client     client.Client
	Live       client.Reader // of the API server
	Evidence   Evidence
	Clock      clock.PassiveClock
	Recorder   events.EventRecorder
	Namespaces Namespaces
	keys       *keys
	refusals   *refusals
	fresh      *freshness            // what it wrote, for those who read caches
	gone       memo[types.UID, bool] // what was deleted; a cache may still show it, and no UID comes twice
	opened     *opened
}

// execute carries out actions in order, each of which can be repeated without harm. An error stops what follows, but for what hangs on nothing
// else: people are told all the same, and an object that must not be kept is let go. What only tidies up, and is refused, stops nothing.
func (x *executor) execute(ctx context.Context, about client.Object, actions []action.Action) error {
	var failed, untidy error
	for _, next := range actions {
		if failed != nil && !anyway(about, next) {
			continue
		}
		effect := fmt.Sprintf("%T", next)
		err := x.try(ctx, about, effect, next)
		if err == nil {
			continue
		}
		err = fmt.Errorf("%s: %w", effect, err)
		if _, refused := errors.AsType[refusedError](err); refused && action.Tidies(effect) {
			untidy = cmp.Or(untidy, err)
			continue
		}
		failed = cmp.Or(failed, err)
	}
	return cmp.Or(failed, untidy)
}

// anyway says whether an action is carried out although one before it failed. What an object tells stands in its status already, so nobody
// would tell it again. A configuration has none: its events tell of the write before them.
func anyway(about client.Object, next action.Action) bool {
	switch a := next.(type) {
	case action.Event:
		return tellsItself(about)
	case action.SetFinalizers:
		return a.Anyway
	}
	return false
}

// try carries out one action, unless it was refused lately.
func (x *executor) try(ctx context.Context, about client.Object, effect string, next action.Action) error {
	if err := x.refusals.waits(about, effect); err != nil {
		return err
	}
	began := x.Clock.Now()
	done, err := x.do(ctx, about, next)
	done.tell(ctx, x.Clock.Since(began), err)
	if errors.Is(err, errNotOurs) { // only people can fix it, so it must show on the object
		x.Recorder.Eventf(about, nil, corev1.EventTypeWarning, strategyv1.ReasonNameConflict, "Create", "%s", err)
	}
	return x.accepted(about, effect, err)
}

// do carries out one action, and says how it is told.
func (x *executor) do(ctx context.Context, about client.Object, next action.Action) (effect, error) {
	switch a := next.(type) {
	case action.StoreEvidence:
		return inBucket("StoreEvidence", "key", a.Key, "bytes", len(a.Data)), x.storeEvidence(ctx, a)
	case action.AppendEntries:
		return inBucket("AppendEntries", "prefix", a.Prefix, "after", a.After, "entries", len(a.Entries)), x.appendEntries(ctx, a)
	case action.CreateJob:
		labels := a.Job.Labels
		done := on("CreateJob", a.Job, "stage", labels[strategyv1.LabelStage], "check", labels[strategyv1.LabelCheck], "attempt", labels[strategyv1.LabelAttempt])
		return done, x.createOwned(ctx, "Job", a.Job, &batchv1.Job{})
	case action.DeleteJob, action.DeleteRevision, action.DeleteObject:
		return x.doDelete(ctx, a)
	case action.CreateRevision:
		return on("CreateRevision", a.Revision), x.createRevision(ctx, a.Revision)
	case action.CreateConfigMap:
		return on("CreateConfigMap", a.ConfigMap), x.createOwned(ctx, "ConfigMap", a.ConfigMap, &corev1.ConfigMap{})
	case action.CreateRollback:
		return on("CreateRollback", a.Rollback, "incident", a.Rollback.Spec.IncidentName), x.createRollback(ctx, a.Rollback)
	case action.CreateIncident:
		return on("CreateIncident", a.Incident, "type", a.Incident.Spec.Type), x.createIncident(ctx, a.Incident)
	case action.AnswerDecision:
		done := effect{"AnswerDecision", "StrategyDecision", types.NamespacedName{Namespace: a.Namespace, Name: a.Name}, []any{"outcome", a.Answer.Outcome}}
		return done, x.answerDecision(ctx, a)
	case action.KeepReceipt, action.WriteConfig:
		return x.doConfig(ctx, a)
	case action.KeepCheckpoints:
		return on("KeepCheckpoints", a.ConfigMap), x.keepCheckpoints(ctx, a.ConfigMap)
	case action.RestartWorkload:
		return effect{"RestartWorkload", "Deployment", a.Key, []any{"annotations", slices.Sorted(maps.Keys(a.Annotations))}}, x.restartWorkload(ctx, a)
	case action.SetFinalizers:
		return effect{"SetFinalizers", "StrategyRollback", a.Key, []any{"finalizers", a.Finalizers}}, x.setFinalizers(ctx, about, a)
	case action.Event:
		x.event(about, a)
		return effect{}, nil // who reads events sees it
	}
	return effect{}, fmt.Errorf("unknown action %T", next)
}

// doDelete carries out one action that deletes.
func (x *executor) doDelete(ctx context.Context, wanted action.Action) (effect, error) {
	switch a := wanted.(type) {
	case action.DeleteJob:
		return x.deleteExactly(ctx, "DeleteJob", &batchv1.Job{ObjectMeta: named(a.Key, a.UID)})
	case action.DeleteRevision:
		return x.deleteExactly(ctx, "DeleteRevision", &appsv1.ControllerRevision{ObjectMeta: named(a.Key, a.UID)})
	case action.DeleteObject:
		return x.deleteExactly(ctx, "DeleteObject", a.Object)
	}
	return effect{}, fmt.Errorf("%T deletes nothing", wanted)
}

// event tells people, where there is a right to; where there is none, the condition says it.
func (x *executor) event(about client.Object, a action.Event) {
	if x.Namespaces.Served(about.GetNamespace()) == nil {
		x.Recorder.Eventf(about, nil, a.Type, a.Reason, a.Reason, "%s", a.Message)
	}
}

func named(key types.NamespacedName, uid types.UID) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name, UID: uid}
}

func (x *executor) storeEvidence(ctx context.Context, a action.StoreEvidence) error {
	if a.Seal == nil {
		return x.store(ctx, a.Key, a.Data)
	}
	keys, err := x.keysOf(ctx, a.Seal.SigningKey)
	if err != nil {
		return err
	}
	data, err := decisionlog.Seal(a.Data, a.Seal.Of, keys[0])
	if err != nil {
		return err
	}
	err = x.store(ctx, a.Key, data)
	if errors.Is(err, evidence.ErrDifferent) && x.sealedBefore(ctx, a, keys) {
		return nil
	}
	return err
}

// sealedBefore says whether what is stored is the same object, sealed by this operator before its key was replaced.
func (x *executor) sealedBefore(ctx context.Context, a action.StoreEvidence, keys decisionlog.Keys) bool {
	stored, err := x.Evidence.Get(ctx, a.Key)
	if err != nil {
		return false
	}
	object, err := decisionlog.Unseal(stored, a.Seal.Of, keys)
	return err == nil && bytes.Equal(object, a.Data)
}

// keysOf are the keys in a Secret, or an error.
func (x *executor) keysOf(ctx context.Context, at types.NamespacedName) (decisionlog.Keys, error) {
	keys, problem, err := x.keys.of(ctx, at)
	if err == nil && problem != nil {
		err = errors.New(problem.Message)
	}
	return keys, err
}

// appendEntries chains and signs. An entry that stands there already with the same identity is our own from before a
// crash; any other ends the log.
func (x *executor) appendEntries(ctx context.Context, a action.AppendEntries) error {
	keys, err := x.keysOf(ctx, a.SigningKey)
	if err != nil {
		return err
	}
	seq, head := a.After, a.Head
	for _, entry := range a.Entries {
		seq++
		entry.Seq, entry.PrevHash = seq, head
		line, hash, err := decisionlog.Sign(entry, keys[0])
		if err != nil {
			return err
		}
		err = x.store(ctx, evidence.LogKey(a.Prefix, seq), line)
		if errors.Is(err, evidence.ErrDifferent) {
			hash, err = x.adoptEntry(ctx, a.Prefix, entry, keys)
		}
		if err != nil {
			return err
		}
		head = hash
	}
	return nil
}

func (x *executor) adoptEntry(ctx context.Context, prefix string, entry decisionlog.Entry, keys decisionlog.Keys) (hash string, err error) {
	line, err := x.Evidence.Get(ctx, evidence.LogKey(prefix, entry.Seq))
	if err != nil {
		return "", err
	}
	identity, err := decisionlog.Verify(line, keys)
	if err != nil {
		return "", err
	}
	if identity != entry.Identity() {
		return "", fmt.Errorf("entry %d of %s: %w", entry.Seq, prefix, evidence.ErrDifferent)
	}
	return decisionlog.Hash(line), nil
}

// createOwned creates an object of an owner, or adopts one of the same name, but only if its controller is the same object,
// by UID. The existing one is read into existing.
func (x *executor) createOwned(ctx context.Context, kind string, object, existing client.Object) error {
	err := x.Client.Create(ctx, object, FieldOwner)
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	if err := x.Live.Get(ctx, client.ObjectKeyFromObject(object), existing); err != nil {
		return client.IgnoreNotFound(err)
	}
	ours, theirs := metav1.GetControllerOf(object), metav1.GetControllerOf(existing)
	if theirs == nil || theirs.UID != ours.UID {
		return fmt.Errorf("%s %s: %w; delete it", kind, object.GetName(), errNotOurs)
	}
	return nil
}

// deleteExactly deletes the object of this name that has this UID, with what it owns. What was deleted already is told no more: a cache
// may show it for a while.
func (x *executor) deleteExactly(ctx context.Context, name string, object client.Object) (effect, error) {
	uid := object.GetUID()
	if _, deleted := x.gone.get(uid); deleted {
		return effect{}, nil
	}
	done := on(name, object, "uid", uid)
	err := x.Client.Delete(ctx, object, client.Preconditions{UID: &uid}, client.PropagationPolicy(metav1.DeletePropagationBackground))
	if err = client.IgnoreNotFound(err); err != nil && !apierrors.IsConflict(err) { // a conflict: another object has the name now
		return done, err
	}
	x.gone.put(uid, true, len(uid))
	return done, nil
}

func (x *executor) createRevision(ctx context.Context, revision *appsv1.ControllerRevision) error {
	err := x.Client.Create(ctx, revision, FieldOwner)
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	var existing appsv1.ControllerRevision
	if err := x.Live.Get(ctx, client.ObjectKeyFromObject(revision), &existing); err != nil {
		return client.IgnoreNotFound(err)
	}
	if another := playbook.SameRevision(&existing, revision); another != nil { // the name is made of the content
		return fmt.Errorf("%w: %w", errNotOurs, another)
	}
	return nil
}

// createRollback accepts a rollback of the same name only if the same incident asked for it.
func (x *executor) createRollback(ctx context.Context, rollback *strategyv1.StrategyRollback) error {
	err := x.Client.Create(ctx, rollback, FieldOwner)
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	var existing strategyv1.StrategyRollback
	if err := x.Live.Get(ctx, client.ObjectKeyFromObject(rollback), &existing); err != nil {
		return client.IgnoreNotFound(err)
	}
	if existing.Spec.IncidentUID != rollback.Spec.IncidentUID {
		return fmt.Errorf("StrategyRollback %s: %w; delete or rename it", rollback.Name, errNotOurs)
	}
	return nil
}

// createIncident accepts an incident of the same name that is about the same: another alert, or another replica, opened it.
func (x *executor) createIncident(ctx context.Context, incident *strategyv1.StrategyIncident) error {
	err := x.Client.Create(ctx, incident, FieldOwner)
	if err == nil {
		x.opened.put(incident, x.Clock.Now())
	}
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	var existing strategyv1.StrategyIncident
	if err := x.Live.Get(ctx, client.ObjectKeyFromObject(incident), &existing); err != nil {
		return client.IgnoreNotFound(err)
	}
	x.opened.put(&existing, x.Clock.Now()) // whatever it is about: the next pass sees it, and takes another name if it must
	return nil
}

// answerDecision writes the same answer again after a crash. A decision that is gone needs none, and one made again under its name gets its
// own.
func (x *executor) answerDecision(ctx context.Context, a action.AnswerDecision) error {
	var decision strategyv1.StrategyDecision
	if err := x.Client.Get(ctx, types.NamespacedName{Namespace: a.Namespace, Name: a.Name}, &decision); err != nil {
		return client.IgnoreNotFound(err)
	}
	if string(decision.UID) != a.UID || decision.Status.Answer != nil {
		return nil
	}
	decision.Status.Answer = &a.Answer
	return client.IgnoreNotFound(x.Client.Status().Update(ctx, &decision, FieldOwner))
}

// writeConfig is bound to the resource version that the plan was made on: an edit of somebody else in between is never
// overwritten.
func (x *executor) writeConfig(ctx context.Context, a action.WriteConfig) error {
	var configMap corev1.ConfigMap
	if err := x.Live.Get(ctx, a.Key, &configMap); err != nil { // the cache does not know what it says
		return err
	}
	configMap.ResourceVersion = a.ResourceVersion
	if configMap.Data == nil {
		configMap.Data = map[string]string{}
	}
	if a.DataKey != "" {
		configMap.Data[a.DataKey] = a.Content
	}
	if configMap.Annotations == nil {
		configMap.Annotations = map[string]string{}
	}
	configMap.Annotations[strategyv1.AnnotationEdits] = a.Edits
	for key, value := range a.Annotations {
		configMap.Annotations[key] = value
		if value == "" {
			delete(configMap.Annotations, key)
		}
	}
	owner := FieldOwner
	if a.Edited {
		owner = EditOwner
	}
	return x.Client.Update(ctx, &configMap, owner)
}

// setFinalizers is bound to the version of the object that the plan was made on. The next pass must not take it for done before it is.
func (x *executor) setFinalizers(ctx context.Context, about client.Object, a action.SetFinalizers) error {
	changed, _ := about.DeepCopyObject().(client.Object)
	changed.SetFinalizers(a.Finalizers)
	err := x.Client.Patch(ctx, changed, client.MergeFromWithOptions(about, client.MergeFromWithOptimisticLock{}), FieldOwner)
	if err != nil {
		return client.IgnoreNotFound(err)
	}
	about.SetFinalizers(changed.GetFinalizers())
	about.SetResourceVersion(changed.GetResourceVersion())
	x.fresh.wrote(about)
	return nil
}

// keepCheckpoints is bound to the version that was read: two managers never anchor over each other.
func (x *executor) keepCheckpoints(ctx context.Context, anchors *corev1.ConfigMap) error {
	if anchors.ResourceVersion == "" {
		return x.Client.Create(ctx, anchors, FieldOwner)
	}
	return x.Client.Update(ctx, anchors, FieldOwner)
}

func (x *executor) restartWorkload(ctx context.Context, a action.RestartWorkload) error {
	annotations := map[string]any{}
	for key, value := range a.Annotations {
		annotations[key] = value
		if value == "" {
			annotations[key] = nil // a merge patch removes it
		}
	}
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: a.Key.Namespace, Name: a.Key.Name}}
	patch, err := mergePatch(a.ResourceVersion, annotations)
	if err != nil {
		return err
	}
	return x.Client.Patch(ctx, deployment, client.RawPatch(mergePatchType, patch), FieldOwner)
}
