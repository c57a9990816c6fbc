package reading

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/utils/clock"

	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/serve"
)

const (
	// serviceName is what callers call the server by.
	serviceName = "strategy-operator-evidence.strategy-operator-system.svc"
	// readsAtOnce is how many objects are in memory at a time, and readsOfOne how many of these are one user's.
	readsAtOnce, readsOfOne = 8, 2
	// readsPerSecond is how fast one user may read for long, after a burst: an incident with its rollbacks has some hundreds of objects.
	readsPerSecond, burst = 20, 400
	// maxUsers is how many users' rates are remembered, and usersFor how long: then a burst is there again anyway.
	maxUsers, usersFor = 1024, time.Minute
	// readLimit is for a whole request, with the questions who asks and the wait for room; writeLimit is for its answer, too.
	readLimit, writeLimit = 30 * time.Second, 2 * time.Minute
)

// Bucket is what is read.
type Bucket interface {
	Get(ctx context.Context, key string) ([]byte, error)
	List(ctx context.Context, folder, after string, most int) ([]evidence.Object, error)
}

// Options are what a Server is made of.
type Options struct {
	Address string // where it listens
	CertDir string // of tls.crt and tls.key; empty, or nothing in it: a certificate is made up
	Bucket  Bucket
	About   func() string // what there is to say of the bucket
	Tokens  serve.TokenReviews
	Access  serve.AccessReviews
	Clock   clock.PassiveClock
	Log     logr.Logger
}

// Server serves evidence. It is a runnable of a manager, on every replica.
type Server struct {
	Options
	gate  *serve.Gate
	room  *serve.Room
	wait  time.Duration // for room
	limit time.Duration // for each call of the bucket

	mu    sync.Mutex
	rates *cache.LRUExpireCache // *rate.Limiter by user
}

// New makes a server that does not listen yet.
func New(o Options) *Server {
	return &Server{
		Options: o, gate: serve.NewGate(o.Tokens, o.Access, o.Clock), room: serve.NewRoom(readsAtOnce, readsOfOne), wait: waitLimit, limit: bucketLimit,
		rates: cache.NewLRUExpireCacheWithClock(maxUsers, o.Clock),
	}
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (*Server) NeedLeaderElection() bool { return false }

// Start implements manager.Runnable. It ends with the context, once what is on its way is sent, or after a while.
func (s *Server) Start(ctx context.Context) error { return s.listener().Start(ctx) }

// Serve is Start with a listener, which it closes.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	return s.listener().Serve(ctx, listener)
}

func (s *Server) listener() serve.Listener {
	return serve.Listener{
		Address: s.Address, CertDir: s.CertDir, Name: serviceName, Handler: s, ReadLimit: readLimit, WriteLimit: writeLimit,
		CutOff: "answers; whoever reads asks again", Clock: s.Clock, Log: s.Log,
	}
}

// inTime says whether a user may read one more now.
func (s *Server) inTime(user string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	limiter := rate.NewLimiter(readsPerSecond, burst)
	if known, found := s.rates.Get(user); found {
		limiter, _ = known.(*rate.Limiter)
	}
	s.rates.Add(user, limiter, usersFor)
	return limiter.AllowN(s.Clock.Now(), 1)
}
