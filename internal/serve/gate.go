package serve

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/utils/clock"
)

const (
	// Remembered is how long an answer of the API server holds, so that a storm is not one for it, too. A token that is taken back, or a right,
	// is worth something for so long.
	Remembered = 30 * time.Second
	// maxRemembered is how many of each are.
	maxRemembered = 1024
	// reviewsAtOnce bounds what callers with ever other tokens make the API server do. Whoever was somebody, or might do what they ask for, lately has
	// as many places of their own: strangers keep no known caller waiting.
	reviewsAtOnce = 8
	// acquainted is how long somebody is known to be no stranger. Who they are is asked again all the same.
	acquainted = 24 * time.Hour
)

// TokenReviews asks the API server whose a token is.
type TokenReviews interface {
	Create(context.Context, *authenticationv1.TokenReview, metav1.CreateOptions) (*authenticationv1.TokenReview, error)
}

// AccessReviews asks the API server whether somebody may do something.
type AccessReviews interface {
	Create(context.Context, *authorizationv1.SubjectAccessReview, metav1.CreateOptions) (*authorizationv1.SubjectAccessReview, error)
}

// Gate knows who calls, and whether they may.
type Gate struct {
	tokens TokenReviews
	access AccessReviews
	users  *cache.LRUExpireCache // *authenticationv1.UserInfo by hash of the token
	nobody *cache.LRUExpireCache // hashes of tokens that are nobody's, apart: strangers with ever other ones push nobody out
	rights *cache.LRUExpireCache // hashes of questions with a yes
	barred *cache.LRUExpireCache // hashes of those with a no, apart for the same reason

	acquaintances    *cache.LRUExpireCache // hashes of tokens that were somebody's
	callers          *cache.LRUExpireCache // hashes of questions that had a yes
	known, strangers chan struct{}         // places for questions
}

// NewGate asks the API server, and remembers its answers for a while.
func NewGate(tokens TokenReviews, access AccessReviews, now clock.PassiveClock) *Gate {
	return &Gate{
		tokens: tokens, access: access, known: make(chan struct{}, reviewsAtOnce), strangers: make(chan struct{}, reviewsAtOnce),
		users: cache.NewLRUExpireCacheWithClock(maxRemembered, now), nobody: cache.NewLRUExpireCacheWithClock(maxRemembered, now),
		rights: cache.NewLRUExpireCacheWithClock(maxRemembered, now), barred: cache.NewLRUExpireCacheWithClock(maxRemembered, now),
		acquaintances: cache.NewLRUExpireCacheWithClock(maxRemembered, now), callers: cache.NewLRUExpireCacheWithClock(maxRemembered, now),
	}
}

// User is whoever the bearer token in a header belongs to; nil: nobody. An error says that it is not known.
func (g *Gate) User(ctx context.Context, authorization string) (*authenticationv1.UserInfo, error) {
	scheme, token, _ := strings.Cut(authorization, " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "bearer") || token == "" {
		return nil, nil
	}
	key := sha256.Sum256([]byte(token))
	if known, found := g.users.Get(key); found {
		user, _ := known.(*authenticationv1.UserInfo)
		return user, nil
	}
	if _, found := g.nobody.Get(key); found {
		return nil, nil
	}
	review := &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token}}
	room := g.strangers
	if _, found := g.acquaintances.Get(key); found {
		room = g.known
	}
	err := g.review(ctx, room, func() (err error) {
		review, err = g.tokens.Create(ctx, review, metav1.CreateOptions{})
		return err
	})
	if err != nil {
		return nil, err
	}
	if user := &review.Status.User; review.Status.Authenticated && user.Username != "" {
		g.users.Add(key, user, Remembered)
		g.acquaintances.Add(key, true, acquainted)
		return user, nil
	}
	g.nobody.Add(key, true, Remembered)
	return nil, nil
}

// May says whether a user may do something, as the API server answers it.
func (g *Gate) May(ctx context.Context, user *authenticationv1.UserInfo, what authorizationv1.ResourceAttributes) (bool, error) {
	extra := map[string]authorizationv1.ExtraValue{}
	for key, values := range user.Extra {
		extra[key] = authorizationv1.ExtraValue(values)
	}
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: user.Username, UID: user.UID, Groups: user.Groups, Extra: extra,
		ResourceAttributes: &what,
	}}
	asked, err := json.Marshal(review.Spec)
	if err != nil {
		return false, err
	}
	key := sha256.Sum256(asked)
	if _, found := g.rights.Get(key); found {
		return true, nil
	}
	if _, found := g.barred.Get(key); found {
		return false, nil
	}
	room := g.strangers // so is somebody who asks about ever other namespaces
	if _, found := g.callers.Get(key); found {
		room = g.known
	}
	err = g.review(ctx, room, func() (err error) {
		review, err = g.access.Create(ctx, review, metav1.CreateOptions{})
		return err
	})
	if err != nil {
		return false, err
	}
	if !review.Status.Allowed {
		g.barred.Add(key, true, Remembered)
		return false, nil
	}
	g.rights.Add(key, true, Remembered)
	g.callers.Add(key, true, acquainted)
	return true, nil
}

var errBusy = errors.New("too many callers ask at once who they are")

func (g *Gate) review(ctx context.Context, room chan struct{}, ask func() error) error {
	select {
	case room <- struct{}{}:
	case <-ctx.Done():
		return errBusy
	}
	defer func() { <-room }()
	return ask()
}
