package intake

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"testing"
	"time"
)

// serves runs a server on a port of its own, and ends it.
func serves(t *testing.T, s *Server) (address string, end func() error) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, listener) }()
	return listener.Addr().String(), func() error {
		stop()
		return <-ended
	}
}

func posted(t *testing.T, address string, body []byte) (*http.Response, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+address+"/v1/namespaces/trading/alerts", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer good")
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true} // it made its certificate up
	return (&http.Client{Transport: transport}).Do(request)
}

func TestItSpeaksTLSAndHTTP1(t *testing.T) {
	w := newWorld(t)
	address, end := serves(t, w.server)
	response, err := posted(t, address, fixture(t, "alertmanager.json"))
	if err != nil {
		t.Fatal(err)
	}
	if _ = response.Body.Close(); response.StatusCode != http.StatusOK || response.ProtoMajor != 1 {
		t.Errorf("%s %s", response.Proto, response.Status)
	}
	old := &tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}} // it must be refused
	if connection, err := old.DialContext(t.Context(), "tcp", address); err == nil {
		_ = connection.Close()
		t.Error("TLS 1.1")
	}
	if err := end(); err != nil {
		t.Error(err)
	}
	if _, err := posted(t, address, nil); err == nil { //nolint:bodyclose // there is none
		t.Error("it goes on")
	}
	if w.server.NeedLeaderElection() {
		t.Error("only the leader hears")
	}
}

// What is on its way when the manager ends is stored and answered.
func TestItEndsWhenWhatCameIsStored(t *testing.T) {
	w := newWorld(t)
	stored, told := make(chan struct{}), make(chan struct{})
	w.before = func(string, string) error {
		close(told)
		<-stored
		return nil
	}
	address, end := serves(t, w.server)
	code := make(chan int, 1)
	go func() {
		response, err := posted(t, address, []byte(one("A", "firing", at("11:00:00"))))
		if err != nil {
			code <- 0
			return
		}
		_ = response.Body.Close()
		code <- response.StatusCode
	}()
	<-told
	ended := make(chan error, 1)
	go func() { ended <- end() }()
	select {
	case err := <-ended:
		t.Errorf("it ended in the middle: %v", err)
	case <-time.After(20 * time.Millisecond): // it has begun to end; if not, the rest holds all the same
	}
	close(stored)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got := <-code; got != http.StatusOK || len(w.alerts()) != 1 {
		t.Errorf("%d, %d stored", got, len(w.alerts()))
	}
}
