package apiserver

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// create stores a new object, unless it is a dry run, and sets it to what was stored.
func (s *Server) create(user string, object client.Object, manager string, dryRun bool) error {
	kind, err := s.kinds.of(object)
	if err != nil {
		return err
	}
	if err := s.refused(Request{User: user, Verb: "create", Kind: kind.gvk.Kind, Object: object}); err != nil {
		return err
	}
	if object.GetResourceVersion() != "" {
		return apierrors.NewBadRequest("resourceVersion should not be set on objects to be created")
	}
	made, err := s.received(object)
	if err != nil {
		return err
	}
	body, err := s.admit(user, kind, made)
	if err != nil {
		return err
	}
	s.born(kind, made)
	s.manage(manager, nil, made)
	if err := malformed(kind, made); err != nil {
		return err
	}
	at := key{kind.gvk.Kind, made.GetNamespace(), made.GetName()}
	if _, exists := s.objects[at]; exists {
		return apierrors.NewAlreadyExists(kind.group(), at.name)
	}
	if !dryRun {
		s.put(at, stored{made, body}, nil)
	}
	answer(object, made)
	return nil
}

// admit names, stamps, completes and checks a new object.
func (s *Server) admit(user string, kind *kind, made client.Object) (body string, err error) {
	clearStatus(made)
	if made.GetName() == "" && made.GetGenerateName() != "" {
		made.SetName(fmt.Sprintf("%s%05d", made.GetGenerateName(), s.created+1))
	}
	if made.GetName() == "" {
		return "", kind.invalid("", field.ErrorList{field.Required(field.NewPath("metadata", "name"), "name or generateName is required")})
	}
	if s.Policies {
		stamp(user, made)
	}
	if body, err = s.complete(kind, made, stored{}); err == nil && s.Policies {
		err = cmp.Or(intakeAlone(user, made, kind), ownName(user, made, kind), mayDecide(user, made, kind))
	}
	return body, err
}

// born gives a new object what only the server gives.
func (s *Server) born(kind *kind, made client.Object) {
	made.SetUID(s.uid())
	made.SetCreationTimestamp(s.second())
	made.SetDeletionTimestamp(nil)
	made.SetDeletionGracePeriodSeconds(nil)
	made.SetGeneration(0)
	if kind.generations {
		made.SetGeneration(1)
	}
	if kind.complete != nil {
		kind.complete(made)
	}
}

// update replaces an object, or its status, and sets it to what was stored.
func (s *Server) update(user string, object client.Object, manager string, status bool) error {
	kind, err := s.kinds.of(object)
	if err != nil {
		return err
	}
	if err := s.refused(Request{User: user, Verb: "update", Kind: kind.gvk.Kind, Status: status, Object: object}); err != nil {
		return err
	}
	sent, err := s.received(object)
	if err != nil {
		return err
	}
	return s.replace(user, kind, object, sent, manager, status)
}

// replace stores sent in place of what is there, and answers into object.
func (s *Server) replace(user string, kind *kind, object, sent client.Object, manager string, status bool) error {
	at := key{kind.gvk.Kind, sent.GetNamespace(), sent.GetName()}
	before, err := s.find(at, kind)
	if err != nil {
		return err
	}
	if status && !kind.status {
		return apierrors.NewNotFound(kind.group(), at.name)
	}
	if err := s.current(kind, sent, before.object); err != nil {
		return err
	}
	next := succeed(before.object, sent, status)
	s.manage(manager, before.object, next)
	if err := cmp.Or(lateFinalizers(kind, before.object, next), malformed(kind, next), s.intakeChanges(user, before.object, next, kind)); err != nil {
		return err
	}
	body, err := s.complete(kind, next, before)
	if err != nil {
		return err
	}
	if kind.generations && !status && !sameSpec(before.object, next) {
		next.SetGeneration(before.object.GetGeneration() + 1)
	}
	switch {
	case equality.Semantic.DeepEqual(before.object, next): // nothing is written, and nobody is told
	case next.GetDeletionTimestamp() != nil && len(next.GetFinalizers()) == 0:
		s.remove(at, next)
	default:
		s.put(at, stored{next, body}, before.object)
	}
	answer(object, next)
	return nil
}

// current: the version that was sent is the one that is stored.
func (s *Server) current(kind *kind, sent, now client.Object) error {
	if uid := sent.GetUID(); uid != "" && uid != now.GetUID() {
		return apierrors.NewConflict(kind.group(), now.GetName(), fmt.Errorf(
			"Precondition failed: UID in precondition: %s, UID in object meta: %s", uid, now.GetUID()))
	}
	switch version := sent.GetResourceVersion(); {
	case version == "" && kind.schema != nil:
		return kind.invalid(now.GetName(), field.ErrorList{field.Invalid(field.NewPath("metadata", "resourceVersion"), 0, "must be specified for an update")})
	case version != "" && version != now.GetResourceVersion():
		return apierrors.NewConflict(kind.group(), now.GetName(), fmt.Errorf(
			"the object has been modified; please apply your changes to the latest version and try again"))
	}
	return nil
}

// succeed is the version after before: what was sent, with what only the server sets, and without what was not asked for.
func succeed(before, sent client.Object, status bool) client.Object {
	if status {
		next, _ := before.DeepCopyObject().(client.Object)
		statusOf(next).Set(statusOf(sent))
		return next
	}
	if statusOf(sent).IsValid() {
		copied, _ := before.DeepCopyObject().(client.Object)
		statusOf(sent).Set(statusOf(copied))
	}
	sent.SetUID(before.GetUID())
	sent.SetResourceVersion(before.GetResourceVersion())
	sent.SetGeneration(before.GetGeneration())
	sent.SetCreationTimestamp(before.GetCreationTimestamp())
	sent.SetDeletionTimestamp(before.GetDeletionTimestamp())
	sent.SetDeletionGracePeriodSeconds(before.GetDeletionGracePeriodSeconds())
	return sent
}

// lateFinalizers: what is being deleted gets no new ones.
func lateFinalizers(kind *kind, before, next client.Object) error {
	if before.GetDeletionTimestamp() == nil {
		return nil
	}
	for _, finalizer := range next.GetFinalizers() {
		if !slices.Contains(before.GetFinalizers(), finalizer) {
			return kind.invalid(next.GetName(), field.ErrorList{field.Forbidden(field.NewPath("metadata", "finalizers"),
				"no new finalizers can be added if the object is being deleted, found new finalizers []string{\""+finalizer+"\"}")})
		}
	}
	return nil
}

// delete removes what is asked for: at once, or, with finalizers, when the last one is off.
func (s *Server) delete(user string, object client.Object, options *client.DeleteOptions) error {
	kind, err := s.kinds.of(object)
	if err != nil {
		return err
	}
	if err := s.refused(Request{User: user, Verb: "delete", Kind: kind.gvk.Kind, Object: object}); err != nil {
		return err
	}
	at := key{kind.gvk.Kind, object.GetNamespace(), object.GetName()}
	before, err := s.find(at, kind)
	if err != nil {
		return err
	}
	if err := mayForget(user, before.object, kind); err != nil {
		return err
	}
	if wanted := options.Preconditions; wanted != nil {
		if wanted.UID != nil && *wanted.UID != before.object.GetUID() || wanted.ResourceVersion != nil && *wanted.ResourceVersion != before.object.GetResourceVersion() {
			return apierrors.NewConflict(kind.group(), at.name, fmt.Errorf(
				"the UID or resource version in the precondition does not match that in the object's metadata"))
		}
	}
	if len(before.object.GetFinalizers()) == 0 {
		s.remove(at, before.object)
		return nil
	}
	if before.object.GetDeletionTimestamp() != nil {
		return nil
	}
	next, _ := before.object.DeepCopyObject().(client.Object)
	now := s.second()
	next.SetDeletionTimestamp(&now)
	next.SetDeletionGracePeriodSeconds(new(int64))
	if kind.generations {
		next.SetGeneration(next.GetGeneration() + 1)
	}
	s.put(at, stored{next, before.body}, before.object)
	return nil
}

func (s *Server) refused(request Request) error {
	if s.Refuse == nil {
		return nil
	}
	return s.Refuse(request)
}

// received is what arrives of an object: times to the second, and nothing that JSON does not carry.
func (s *Server) received(object client.Object) (client.Object, error) {
	data, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	made := s.kinds.fresh(object)
	if err := json.Unmarshal(data, made); err != nil {
		return nil, err
	}
	clearKind(made)
	return made, nil
}

// complete sets the defaults of a kind with a schema, and refuses what the schema does; of ConfigMaps what is immutable.
func (s *Server) complete(kind *kind, object client.Object, before stored) (body string, err error) {
	if kind.schema == nil {
		return "", immutable(kind, object, before.object)
	}
	result, err := s.kinds.check(kind, object, before.body)
	if err != nil {
		return "", err
	}
	if len(result.refused) > 0 {
		return "", kind.invalid(object.GetName(), result.refused)
	}
	from, _ := result.object.DeepCopyObject().(client.Object)
	for _, name := range []string{"Spec", "Status"} {
		if part := reflect.ValueOf(object).Elem().FieldByName(name); part.IsValid() {
			part.Set(reflect.ValueOf(from).Elem().FieldByName(name))
		}
	}
	return result.body, nil
}

func immutable(kind *kind, object, before client.Object) error {
	old, ok := before.(*corev1.ConfigMap)
	next, is := object.(*corev1.ConfigMap)
	if !ok || !is || old.Immutable == nil || !*old.Immutable || equality.Semantic.DeepEqual(old.Data, next.Data) {
		return nil
	}
	return kind.invalid(next.Name, field.ErrorList{field.Forbidden(field.NewPath("data"), "field is immutable when `immutable` is set")})
}

func sameSpec(a, b client.Object) bool {
	spec := func(o client.Object) any { return reflect.ValueOf(o).Elem().FieldByName("Spec").Interface() }
	return equality.Semantic.DeepEqual(spec(a), spec(b))
}

func statusOf(object client.Object) reflect.Value {
	return reflect.ValueOf(object).Elem().FieldByName("Status")
}

// clearStatus: a status is never created.
func clearStatus(object client.Object) {
	if status := statusOf(object); status.IsValid() {
		status.SetZero()
	}
}

// clearKind: typed objects carry no kind, as a typed client answers.
func clearKind(object client.Object) {
	if kind := reflect.ValueOf(object).Elem().FieldByName("TypeMeta"); kind.IsValid() {
		kind.Set(reflect.ValueOf(metav1.TypeMeta{}))
	}
}
