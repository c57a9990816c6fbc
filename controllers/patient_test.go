package controllers

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"

	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/pauses"
)

// moody is a bucket that answers as it is told to.
type moody struct {
	calls  int
	answer error
	clock  *clocktesting.FakeClock
}

func (m *moody) Get(context.Context, string) ([]byte, error) {
	m.calls++
	if errors.Is(m.answer, context.DeadlineExceeded) {
		m.clock.Step(pauses.Default().EvidenceCall)
	}
	return []byte("x"), m.answer
}

func (m *moody) Names(ctx context.Context, folder string) ([]string, error) {
	_, err := m.Get(ctx, folder)
	return []string{"x"}, err
}

func (m *moody) Create(ctx context.Context, key string, _ []byte) error {
	_, err := m.Get(ctx, key)
	return err
}

// TestABucketThatHangsIsTriedOnceInAWhile: all other calls fail at once, and say since when.
func TestABucketThatHangsIsTriedOnceInAWhile(t *testing.T) {
	start := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	bucket := &moody{clock: clocktesting.NewFakeClock(start), answer: context.DeadlineExceeded}
	p := Patient(bucket, bucket.clock, pauses.Pauses{})
	for bucket.clock.Since(start) < time.Hour {
		_, err := p.Get(t.Context(), "k")
		if err == nil || !strings.Contains(err.Error(), "no answer since 2026-11-23T10:00:10Z") {
			t.Fatalf("it says %v", err)
		}
		if other := p.Create(t.Context(), "k", nil); other == nil || other.Error() != err.Error() {
			t.Fatalf("another call says %v", other)
		}
		if _, other := p.Names(t.Context(), "k"); other == nil || other.Error() != err.Error() {
			t.Fatalf("a listing says %v", other)
		}
		bucket.clock.Step(time.Second)
	}
	if bucket.calls < 40 || bucket.calls > 60 {
		t.Errorf("it was called %d times in an hour", bucket.calls)
	}
	bucket.answer = nil
	bucket.clock.Step(pauses.Default().EvidenceHangs)
	for range 3 {
		if got, err := p.Get(t.Context(), "k"); err != nil || string(got) != "x" {
			t.Fatalf("when it is back: %q, %v", got, err)
		}
	}
}

// TestAnErrorIsAnAnswer: it is passed on, and the next call is made.
func TestAnErrorIsAnAnswer(t *testing.T) {
	for _, said := range []error{evidence.ErrNotFound, evidence.ErrDifferent, errors.New("access denied")} {
		bucket := &moody{clock: clocktesting.NewFakeClock(time.Now()), answer: said}
		p := Patient(bucket, bucket.clock, pauses.Pauses{})
		for range 3 {
			if _, err := p.Get(t.Context(), "k"); !errors.Is(err, said) {
				t.Errorf("%v became %v", said, err)
			}
		}
		if bucket.calls != 3 {
			t.Errorf("%v: called %d times", said, bucket.calls)
		}
	}
}

// stuck heeds no context, like a volume that hangs.
type stuck struct{ moody }

func (s *stuck) Get(context.Context, string) ([]byte, error) { select {} }

// TestACallThatIsLeftBehind: whoever asked goes away, and the bucket is not blamed for that.
func TestACallThatIsLeftBehind(t *testing.T) {
	p := Patient(&stuck{}, clock.RealClock{}, pauses.Pauses{})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Millisecond, cancel)
	if _, err := p.Get(ctx, "k"); !errors.Is(err, context.Canceled) {
		t.Errorf("it says %v", err)
	}
	if since := p.(*patient).since; !since.IsZero() {
		t.Errorf("it hangs since %s", since)
	}
}
