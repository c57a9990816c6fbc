package serve

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
)

// What one connection may take.
const (
	maxConnections = 256
	maxHeader      = 16 << 10
	headerLimit    = 5 * time.Second
	idleLimit      = 30 * time.Second
	// drainLimit is how long what is on its way may take when the manager ends.
	drainLimit = 10 * time.Second
)

// Listener is what a server listens with: TLS, HTTP/1.1, and a bound on all that a stranger may take.
type Listener struct {
	Address               string // where it listens
	CertDir               string // of tls.crt and tls.key; empty, or nothing in it: a certificate is made up
	Name                  string // what callers call it by, in a certificate that is made up
	Handler               http.Handler
	ReadLimit, WriteLimit time.Duration // for a whole request, and for its answer, too
	CutOff                string        // what is lost of requests that the end cuts off, for the log
	Clock                 clock.PassiveClock
	Log                   logr.Logger
}

// Start serves until the context ends, and then what is on its way, or for a while.
func (l Listener) Start(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", l.Address)
	if err != nil {
		return err
	}
	return l.Serve(ctx, listener)
}

// Serve is Start with a listener, which it closes.
func (l Listener) Serve(ctx context.Context, listener net.Listener) error {
	certificate, err := newCertificate(l.CertDir, l.Name, l.Clock, l.Log)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := &http.Server{
		Handler: l.Handler, ReadHeaderTimeout: headerLimit, ReadTimeout: l.ReadLimit, WriteTimeout: l.WriteLimit, IdleTimeout: idleLimit,
		MaxHeaderBytes: maxHeader, Protocols: new(http.Protocols),
		TLSConfig:   &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certificate.get},
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
		ErrorLog:    log.New(quiet{}, "", 0), // each handshake that fails would be a line
	}
	server.Protocols.SetHTTP1(true) // a connection of HTTP/2 is hundreds of requests
	l.Log.Info("Serving", "address", listener.Addr().String(), "name", l.Name)
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
		l.Log.Info("Requests on their way were cut off", "lost", l.CutOff)
		return server.Close()
	}
	return nil
}

// quiet drops what net/http says of strangers' connections.
type quiet struct{}

// Write implements io.Writer.
func (quiet) Write(text []byte) (int, error) { return len(text), nil }
