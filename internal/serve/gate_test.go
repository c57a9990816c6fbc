package serve

import (
	"context"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"
)

// tokens: each token is its own user, but for that of nobody. The reviews count.
type tokens struct{ asked int }

func (r *tokens) Create(_ context.Context, review *authenticationv1.TokenReview, _ metav1.CreateOptions) (*authenticationv1.TokenReview, error) {
	r.asked++
	review.Status = authenticationv1.TokenReviewStatus{Authenticated: review.Spec.Token != "nobody", User: authenticationv1.UserInfo{Username: review.Spec.Token}}
	return review, nil
}

// access: all may but weak.
type access struct{ asked int }

func (r *access) Create(_ context.Context, review *authorizationv1.SubjectAccessReview, _ metav1.CreateOptions) (*authorizationv1.SubjectAccessReview, error) {
	r.asked++
	review.Status.Allowed = review.Spec.User != "weak"
	return review, nil
}

type gated struct {
	*Gate
	t      *testing.T
	clock  *clocktesting.FakeClock
	tokens tokens
	access access
}

func newGated(t *testing.T) *gated {
	g := &gated{t: t, clock: clocktesting.NewFakeClock(noon)}
	g.Gate = NewGate(&g.tokens, &g.access, g.clock)
	return g
}

// passes says who somebody is and whether they may read; err: it is not known.
func (g *gated) passes(ctx context.Context, token string) (user string, may bool, err error) {
	found, err := g.User(ctx, "Bearer "+token)
	if err != nil || found == nil {
		return "", false, err
	}
	may, err = g.May(ctx, found, authorizationv1.ResourceAttributes{Namespace: "trading", Verb: "get"})
	return found.Username, may, err
}

func (g *gated) fill(places chan struct{}) {
	for range cap(places) {
		places <- struct{}{}
	}
}

// Whoever was known and might keeps the way to the API server, whatever strangers ask meanwhile.
func TestStrangersKeepNoKnownCallerWaiting(t *testing.T) {
	g := newGated(t)
	if _, may, err := g.passes(t.Context(), "good"); !may || err != nil {
		t.Fatal(may, err)
	}
	g.fill(g.strangers)
	g.clock.Step(Remembered + time.Second)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, may, err := g.passes(ctx, "good"); !may || err != nil {
		t.Error(may, err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, _, err := g.passes(ended, "new"); err == nil {
		t.Error("a stranger has a place that there is none of")
	}
}

// Whoever is known and may not is no known caller: they may ask about ever other namespaces.
func TestWhoMayNotKeepsNoKnownCallerWaiting(t *testing.T) {
	g := newGated(t)
	g.fill(g.known)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if user, may, err := g.passes(ctx, "weak"); user != "weak" || may || err != nil {
		t.Error(user, may, err)
	}
}

// What the API server says is asked once in a while, a no as well as a yes.
func TestAnswersAreRemembered(t *testing.T) {
	g := newGated(t)
	for range 3 {
		for _, token := range []string{"good", "weak", "nobody"} {
			if _, _, err := g.passes(t.Context(), token); err != nil {
				t.Fatal(err)
			}
		}
	}
	if g.tokens.asked != 3 || g.access.asked != 2 {
		t.Errorf("%d tokens and %d rights were asked about", g.tokens.asked, g.access.asked)
	}
	g.clock.Step(Remembered + time.Second)
	if _, _, err := g.passes(t.Context(), "good"); err != nil || g.tokens.asked != 4 || g.access.asked != 3 {
		t.Errorf("%v; %d tokens and %d rights were asked about", err, g.tokens.asked, g.access.asked)
	}
}

// No header but one with a bearer token is somebody's, and nobody is asked about it.
func TestWhatIsNoToken(t *testing.T) {
	g := newGated(t)
	for _, header := range []string{"", "Bearer", "Bearer ", "Basic Z29vZA==", "good"} {
		if user, err := g.User(t.Context(), header); user != nil || err != nil || g.tokens.asked > 0 {
			t.Errorf("%q: %v, %v, %d asked", header, user, err, g.tokens.asked)
		}
	}
}
