package controllers

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/pass"
)

// refusal is an effect that the API server refused, and until when it is not tried again.
type refusal struct {
	facts.Refusal
	retryAt time.Time
}

// refusedError ends what a pass does: what the API server refuses is no failure of the operator, and the next pass tells it.
type refusedError struct {
	refusal
	first bool  // it is not told yet
	cause error // the API server's; nil: it was not asked again
}

// Error is for whoever does not know the type.
func (e refusedError) Error() string { return e.Message }

// Unwrap is the API server's own error.
func (e refusedError) Unwrap() error { return e.cause }

// refusedBy says whether the API server understood what was asked for, and will not do it: a quota, a policy, a webhook, which may be away,
// a schema. A right that is missing is none of these: the rights of the namespace are looked at then.
func refusedBy(err error) bool {
	if apierrors.IsForbidden(err) {
		return !strings.Contains(err.Error(), "is forbidden: User ")
	}
	if apierrors.IsInternalError(err) {
		return strings.Contains(err.Error(), "failed calling webhook")
	}
	return apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsRequestEntityTooLargeError(err)
}

// bucketError is a write that the evidence bucket did not take: neither because something else is there, nor because nobody waited for it.
type bucketError struct{ error }

// Unwrap is the bucket's own error.
func (e bucketError) Unwrap() error { return e.error }

// store is a write into the bucket.
func (x *executor) store(ctx context.Context, key string, data []byte) error {
	err := x.Evidence.Create(ctx, key, data)
	if err == nil || errors.Is(err, evidence.ErrDifferent) || ctx.Err() != nil {
		return err
	}
	return bucketError{err}
}

// refusals remembers what was refused, for whoever does it again, and for whoever tells it.
type refusals struct {
	Clock clock.PassiveClock
	known memo[types.UID, []refusal] // one of each effect, by the object that it is about
	// failing is since when the bucket takes no writes, by the object that they are about; bucket is how long that is not told.
	failing memo[types.UID, time.Time]
	bucket  time.Duration
	// told are objects without a status of their own, of which something new is refused: others tell it.
	told chan event.GenericEvent
}

// of is what was refused lately of an object, what it cannot go on without first; nil = nothing. What was not tried again when it was due is
// asked for no more.
func (r *refusals) of(about client.Object) (newest *facts.Refusal) {
	known, _ := r.known.get(about.GetUID())
	for i := range slices.Backward(known) {
		if r.Clock.Now().After(known[i].retryAt.Add(pass.Recheck)) {
			continue
		}
		if !action.Tidies(known[i].Effect) {
			return &known[i].Refusal
		}
		if newest == nil {
			newest = &known[i].Refusal
		}
	}
	return newest
}

func (r *refusals) find(about client.Object, effect string) (refusal, bool) {
	known, _ := r.known.get(about.GetUID())
	at := slices.IndexFunc(known, func(one refusal) bool { return one.Effect == effect })
	if at < 0 {
		return refusal{}, false
	}
	return known[at], true
}

// waits says whether an effect was refused so lately that it is not tried again yet.
func (r *refusals) waits(about client.Object, effect string) error {
	known, found := r.find(about, effect)
	if found && r.Clock.Now().Before(known.retryAt) {
		return refusedError{refusal: known}
	}
	return nil
}

// refused remembers that an effect was refused, and says whether that is news.
func (r *refusals) refused(about client.Object, effect string, err error) refusedError {
	before, found := r.find(about, effect)
	now := refusal{facts.Refusal{Effect: effect, Message: bounded.Text(err.Error(), 1024)}, r.Clock.Now().Add(pass.Recheck)}
	r.keep(about, append(r.without(about, effect), now))
	return refusedError{now, !found || before.Refusal != now.Refusal, err}
}

// unwritten says whether the bucket has not taken writes of an object for longer than a moment: it is busy now and then, and the next try comes
// soon.
func (r *refusals) unwritten(about client.Object, effect string, err error) bool {
	if _, ofBucket := errors.AsType[bucketError](err); !ofBucket {
		return false
	}
	if _, found := r.find(about, effect); found {
		return true
	}
	since, found := r.failing.get(about.GetUID())
	if !found {
		since = r.Clock.Now()
		r.failing.put(about.GetUID(), since, len(about.GetUID()))
	}
	return r.Clock.Now().Sub(since) >= r.bucket
}

// done forgets that an effect was refused before.
func (r *refusals) done(about client.Object, effect string) {
	if action.IsEvidence(effect) {
		r.failing.forget(about.GetUID())
	}
	if _, found := r.find(about, effect); found {
		r.keep(about, r.without(about, effect))
	}
}

func (r *refusals) without(about client.Object, effect string) []refusal {
	known, _ := r.known.get(about.GetUID())
	return slices.DeleteFunc(slices.Clone(known), func(one refusal) bool { return one.Effect == effect })
}

func (r *refusals) keep(about client.Object, known []refusal) {
	bytes := 0
	for _, one := range known {
		bytes += len(one.Message)
	}
	if r.known.put(about.GetUID(), known, bytes); len(known) == 0 {
		r.known.forget(about.GetUID())
	}
}

// accepted remembers what became of an effect that was tried.
func (x *executor) accepted(about client.Object, effect string, err error) error {
	if err == nil {
		x.refusals.done(about, effect)
		return nil
	}
	if !refusedBy(err) && !errors.Is(err, errNotOurs) && !x.refusals.unwritten(about, effect, err) {
		return err
	}
	refused := x.refusals.refused(about, effect, err)
	if refused.first && !tellsItself(about) {
		x.Recorder.Eventf(about, nil, corev1.EventTypeWarning, strategyv1.ReasonEffectRefused, strategyv1.ReasonEffectRefused, "%s", refused.Message)
		select {
		case x.refusals.told <- event.GenericEvent{Object: about}:
		default: // they look again when the configuration changes
		}
	}
	return refused
}

// tellsItself: the plan of the object tells in its summary what was refused. Others have none, like a configuration.
func tellsItself(about client.Object) bool {
	switch about.(type) {
	case *strategyv1.StrategyIncident, *strategyv1.StrategyRollback, *strategyv1.StrategyPlaybook, *strategyv1.StrategyAlert:
		return true
	}
	return false
}

// untilRetried is when the next pass is due after an error of its effects, if that is a refusal.
func untilRetried(err error, nextAt, now time.Time) (time.Time, error) {
	refused, ok := errors.AsType[refusedError](err)
	switch {
	case !ok:
		return time.Time{}, err
	case refused.first:
		return now, nil // to tell it
	case nextAt.IsZero() || refused.retryAt.Before(nextAt):
		return refused.retryAt, nil
	}
	return nextAt, nil
}
