package intake

import (
	"context"
	"net"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"tradeops.dev/strategy-operator/internal/serve"
)

const (
	// serviceName is what senders call the server by.
	serviceName = "strategy-operator-alerts.strategy-operator-system.svc"
	// messagesAtOnce is how many messages are in memory and stored at a time; the others wait before their bodies are read.
	messagesAtOnce = 6
	// messagesOfOne is how many of these may be one namespace's, so that none keeps the others out.
	messagesOfOne = messagesAtOnce / 2
	// readLimit is for a whole request, with the questions who sends it and the wait for room.
	readLimit = 40 * time.Second
	// writeLimit is readLimit and the time for storing it.
	writeLimit = readLimit + storeLimit + 5*time.Second
)

// Options are what a Server is made of.
type Options struct {
	Address string        // where it listens
	CertDir string        // of tls.crt and tls.key; empty, or nothing in it: a certificate is made up
	Client  client.Client // writes; reads come from a cache
	Live    client.Reader // reads come from the API server
	Tokens  serve.TokenReviews
	Access  serve.AccessReviews
	// NotServed says why nothing may be stored in a namespace; empty: it may.
	NotServed func(ctx context.Context, namespace string) string
	// Person says whether a user is a person, as far as anybody can tell: people report in their own name.
	Person func(user string) bool
	Clock  clock.PassiveClock
	Log    logr.Logger
}

// Server is the alert intake. It is a runnable of a manager, on every replica.
type Server struct {
	address, certDir string
	gate             *serve.Gate
	room             *serve.Room
	store            *store
	notServed        func(context.Context, string) string
	person           func(string) bool
	clock            clock.PassiveClock
	log              logr.Logger
	wait             time.Duration
}

// New makes a server that does not listen yet.
func New(o Options) *Server {
	return &Server{
		address: o.Address, certDir: o.CertDir, gate: serve.NewGate(o.Tokens, o.Access, o.Clock), room: serve.NewRoom(messagesAtOnce, messagesOfOne),
		store:     &store{client: o.Client, live: o.Live, clock: o.Clock},
		notServed: o.NotServed, person: o.Person, clock: o.Clock, log: o.Log, wait: waitLimit,
	}
}

// NeedLeaderElection implements manager.LeaderElectionRunnable: whoever is asked stores what it hears.
func (*Server) NeedLeaderElection() bool { return false }

// Start implements manager.Runnable. It ends with the context, once what is on its way is stored, or after a while.
func (s *Server) Start(ctx context.Context) error { return s.listener().Start(ctx) }

// Serve is Start with a listener, which it closes.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	return s.listener().Serve(ctx, listener)
}

func (s *Server) listener() serve.Listener {
	return serve.Listener{
		Address: s.address, CertDir: s.certDir, Name: serviceName, Handler: s, ReadLimit: readLimit, WriteLimit: writeLimit,
		CutOff: "messages; their senders send them again", Clock: s.clock, Log: s.log,
	}
}
