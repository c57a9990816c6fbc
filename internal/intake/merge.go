package intake

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

const (
	// ahead is how far the clock of a sender may be ahead of ours, for the time that it says to be believed.
	ahead = 5 * time.Minute
	// peerDelay is how long after it was heard that an alert is resolved another Alertmanager of the same cluster may still say that it fires:
	// it has not heard of that yet.
	peerDelay = 2 * time.Minute
)

// result is what a message did to an alert.
type result string

// The results, as the metric has them.
const (
	created  result = "created"
	changed  result = "changed"
	repeated result = "repeated" // nothing is new but that it was heard
	late     result = "late"     // old news: what is stored is newer
	again    result = "again"    // it fires though it was resolved just now: to be sent again, once no peer can be late any more
	refused  result = "refused"  // nothing could be made of it
)

// writes says whether something is to be stored at once.
func (r result) writes() bool { return r == created || r == changed }

// merge says what an alert is after it was heard of; nil before: for the first time. Pure. The order in which messages come says little: several
// senders tell of the same alert, and each tries again what failed. So the times that they say are compared:
//
//   - a later start is another occurrence, unless it fell into the one that is stored: of several Prometheus servers each has a start of its own, and
//     Alertmanager takes the earliest it knows of, which is a later one once that server is silent, or for a peer that never heard of it. So it
//     is where it lies before the alert was heard to fire last. One that ended and began anew unheard begins after that;
//   - about the same one, resolved wins, unless it is heard again that it fires when no peer can be late any more: then it fires again. Who
//     doubts that has one incident too many; who did not would have none for an alert that fires. Before that its sender is told to come
//     again: Alertmanager, which was told that all is well, would be silent until its repeat_interval, for hours. A peer that is late tries
//     again, too, and may so make fire what is over; with the next message of its group it says that it is resolved, and is believed;
//   - resolved without a start ends nothing but what its end reaches into: who knows neither may mean any occurrence before;
//   - an earlier start tells of the same occurrence where it reaches into it, for the same reason.
func merge(before *strategyv1.StrategyAlertSpec, h heard, now time.Time) (strategyv1.StrategyAlertSpec, result) {
	now = now.UTC().Truncate(time.Second)
	starts := h.starts
	if starts.After(now.Add(ahead)) {
		starts = time.Time{}
	}
	if before == nil {
		after := strategyv1.StrategyAlertSpec{Labels: h.labels}
		return begins(after, h, starts, now), created
	}
	after := *before.DeepCopy()
	after.Heard++
	after.HeardTime = later(before.HeardTime, now)
	switch {
	case starts.After(before.StartTime.Time) && !fellInto(before, starts):
		return begins(after, h, starts, now), changed
	case h.state == strategyv1.AlertFiring:
		return fires(before, after, h, starts, now)
	case !sameOccurrence(before, starts, h.ends):
		after.HeardTime = before.HeardTime // of what is stored nothing was heard: a start from before now may be another occurrence
		return after, late
	case before.State == strategyv1.AlertFiring:
		after.StartTime = later(after.StartTime, starts)
		return resolves(after, h, now), changed
	default:
		return describe(after, h), repeated
	}
}

// fires is an alert of which it is said that the occurrence that is stored fires.
func fires(before *strategyv1.StrategyAlertSpec, after strategyv1.StrategyAlertSpec, h heard, starts, now time.Time) (strategyv1.StrategyAlertSpec, result) {
	switch firing := before.State == strategyv1.AlertFiring; {
	case firing && starts.After(before.StartTime.Time): // so that what is over since before this start does not end it
		after.StartTime, after.ChangedTime = metav1.NewTime(starts), metav1.NewTime(now)
		return describe(after, h), changed
	case firing:
		return describe(after, h), repeated
	case !starts.IsZero() && now.Sub(before.ChangedTime.Time) < peerDelay:
		return after, again
	default:
		return begins(after, h, sinceOver(before, starts), now), changed
	}
}

// fellInto says whether a later start lies within the occurrence that is stored. One that is over has none: its end may be only when that was heard,
// and what fires shall not wait.
func fellInto(before *strategyv1.StrategyAlertSpec, starts time.Time) bool {
	return before.State == strategyv1.AlertFiring && !starts.After(before.HeardTime.Time)
}

// sameOccurrence says whether a message that it is resolved is about the occurrence that is stored.
func sameOccurrence(before *strategyv1.StrategyAlertSpec, starts, ends time.Time) bool {
	reaches := func(at time.Time) bool { return !at.IsZero() && !at.Before(before.StartTime.Time) }
	return reaches(starts) || reaches(ends)
}

// sinceOver is since when an alert fires that was over, where its sender says that it did all the time: its deadlines are not those of the
// occurrence that somebody has dealt with.
func sinceOver(before *strategyv1.StrategyAlertSpec, starts time.Time) time.Time {
	if starts.IsZero() || before.EndTime == nil {
		return starts
	}
	return later(*before.EndTime, starts).Time
}

// begins is an alert of which another occurrence, or the first, was heard. A start never goes back, and one that nobody says is now.
func begins(after strategyv1.StrategyAlertSpec, h heard, starts, now time.Time) strategyv1.StrategyAlertSpec {
	if starts.IsZero() {
		starts = now
	}
	after.StartTime = later(after.StartTime, starts)
	after.Occurrence++
	after.Heard = max(after.Heard, 1)
	after.HeardTime = later(after.HeardTime, now)
	after.State, after.EndTime, after.ChangedTime = h.state, nil, metav1.NewTime(now)
	if h.state == strategyv1.AlertResolved {
		return resolves(after, h, now)
	}
	return describe(after, h)
}

func resolves(after strategyv1.StrategyAlertSpec, h heard, now time.Time) strategyv1.StrategyAlertSpec {
	ends := h.ends
	if ends.IsZero() || ends.After(now.Add(ahead)) {
		ends = now
	}
	end := later(after.StartTime, ends)
	after.State, after.EndTime, after.ChangedTime = strategyv1.AlertResolved, &end, metav1.NewTime(now)
	return describe(after, h)
}

// describe takes over what is only for people.
func describe(after strategyv1.StrategyAlertSpec, h heard) strategyv1.StrategyAlertSpec {
	after.Annotations, after.LeftOut, after.Sender = h.annotations, h.leftOut, h.sender
	after.Fingerprint, after.GeneratorURL = h.fingerprint, h.generatorURL
	return after
}

func later(a metav1.Time, b time.Time) metav1.Time {
	if b.After(a.Time) {
		return metav1.NewTime(b)
	}
	return a
}
