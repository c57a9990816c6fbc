package intake

import (
	"context"
	"crypto/tls"
	"errors"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/net/netutil"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// What one connection may take. A message is in memory only once it has room.
const (
	maxConnections = 256
	maxHeader      = 16 << 10
	headerLimit    = 5 * time.Second
	// readLimit is for a whole request, with the questions who sends it and the wait for room.
	readLimit = 40 * time.Second
	// writeLimit is readLimit and the time for storing it.
	writeLimit = readLimit + storeLimit + 5*time.Second
	idleLimit  = 30 * time.Second
	// drainLimit is how long what is on its way may take when the manager ends.
	drainLimit = 10 * time.Second
)

// Options are what a Server is made of.
type Options struct {
	Address string        // where it listens
	CertDir string        // of tls.crt and tls.key; empty, or nothing in it: a certificate is made up
	Client  client.Client // writes; reads come from a cache
	Live    client.Reader // reads come from the API server
	Tokens  TokenReviews
	Access  AccessReviews
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
	gate             *gate
	room             *room
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
		address: o.Address, certDir: o.CertDir, gate: newGate(o.Tokens, o.Access, o.Clock), room: newRoom(),
		store:     &store{client: o.Client, live: o.Live, clock: o.Clock},
		notServed: o.NotServed, person: o.Person, clock: o.Clock, log: o.Log, wait: waitLimit,
	}
}

// NeedLeaderElection implements manager.LeaderElectionRunnable: whoever is asked stores what it hears.
func (*Server) NeedLeaderElection() bool { return false }

// Start implements manager.Runnable. It ends with the context, once what is on its way is stored, or after a while.
func (s *Server) Start(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.address)
	if err != nil {
		return err
	}
	return s.Serve(ctx, listener)
}

// Serve is Start with a listener, which it closes.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	certificate, err := newCertificate(s.certDir, s.clock, s.log)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := &http.Server{
		Handler: s, ReadHeaderTimeout: headerLimit, ReadTimeout: readLimit, WriteTimeout: writeLimit, IdleTimeout: idleLimit,
		MaxHeaderBytes: maxHeader, Protocols: new(http.Protocols),
		TLSConfig:   &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certificate.get},
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
		ErrorLog:    log.New(quiet{}, "", 0), // each handshake that fails would be a line
	}
	server.Protocols.SetHTTP1(true) // a connection of HTTP/2 is hundreds of requests
	s.log.Info("Serving alerts", "address", listener.Addr().String())
	ended := make(chan error, 1)
	go func() { ended <- server.ServeTLS(netutil.LimitListener(listener, maxConnections), "", "") }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainLimit)
	defer cancel()
	if err := server.Shutdown(draining); err != nil {
		s.log.Info("Messages on their way were cut off; their senders send them again")
		return server.Close()
	}
	return nil
}

// quiet drops what net/http says of strangers' connections.
type quiet struct{}

// Write implements io.Writer.
func (quiet) Write(text []byte) (int, error) { return len(text), nil }
