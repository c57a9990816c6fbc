package intake

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/utils/clock"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

const (
	// remembered is how long an answer of the API server holds, so that a storm is not one for it, too. A token that is taken back, or a right,
	// is worth something for so long.
	remembered = 30 * time.Second
	// maxRemembered is how many of each are.
	maxRemembered = 1024
	// reviewsAtOnce bounds what senders with ever other tokens make the API server do. Whoever was somebody, or might send, lately has as many places
	// of their own: strangers keep no known sender waiting.
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

// gate knows who sends, and whether they may.
type gate struct {
	tokens TokenReviews
	access AccessReviews
	users  *cache.LRUExpireCache // *authenticationv1.UserInfo by hash of the token
	nobody *cache.LRUExpireCache // hashes of tokens that are nobody's, apart: strangers with ever other ones push nobody out
	rights *cache.LRUExpireCache // hashes of user and namespace that may
	barred *cache.LRUExpireCache // hashes of those that may not, apart for the same reason

	acquaintances    *cache.LRUExpireCache // hashes of tokens that were somebody's
	senders          *cache.LRUExpireCache // hashes of user and namespace that might
	known, strangers chan struct{}         // places for questions
}

func newGate(tokens TokenReviews, access AccessReviews, now clock.PassiveClock) *gate {
	return &gate{
		tokens: tokens, access: access, known: make(chan struct{}, reviewsAtOnce), strangers: make(chan struct{}, reviewsAtOnce),
		users: cache.NewLRUExpireCacheWithClock(maxRemembered, now), nobody: cache.NewLRUExpireCacheWithClock(maxRemembered, now),
		rights: cache.NewLRUExpireCacheWithClock(maxRemembered, now), barred: cache.NewLRUExpireCacheWithClock(maxRemembered, now),
		acquaintances: cache.NewLRUExpireCacheWithClock(maxRemembered, now), senders: cache.NewLRUExpireCacheWithClock(maxRemembered, now),
	}
}

// user is whoever the token of a request belongs to; nil: nobody. An error says that it is not known.
func (g *gate) user(ctx context.Context, header http.Header) (*authenticationv1.UserInfo, error) {
	scheme, token, _ := strings.Cut(header.Get("Authorization"), " ")
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
		g.users.Add(key, user, remembered)
		g.acquaintances.Add(key, true, acquainted)
		return user, nil
	}
	g.nobody.Add(key, true, remembered)
	return nil, nil
}

// may says whether a user may send alerts to a namespace: whether they may create StrategyAlerts there.
func (g *gate) may(ctx context.Context, user *authenticationv1.UserInfo, namespace string) (bool, error) {
	extra := map[string]authorizationv1.ExtraValue{}
	for key, values := range user.Extra {
		extra[key] = authorizationv1.ExtraValue(values)
	}
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: user.Username, UID: user.UID, Groups: user.Groups, Extra: extra,
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: namespace, Verb: "create", Group: strategyv1.GroupVersion.Group, Resource: "strategyalerts",
		},
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
	room := g.strangers // so is somebody who asks for ever other namespaces
	if _, found := g.senders.Get(key); found {
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
		g.barred.Add(key, true, remembered)
		return false, nil
	}
	g.rights.Add(key, true, remembered)
	g.senders.Add(key, true, acquainted)
	return true, nil
}

var errBusy = errors.New("too many senders ask at once who they are")

func (g *gate) review(ctx context.Context, room chan struct{}, ask func() error) error {
	select {
	case room <- struct{}{}:
	case <-ctx.Done():
		return errBusy
	}
	defer func() { <-room }()
	return ask()
}
