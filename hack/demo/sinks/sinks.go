// Package sinks takes what the operator tells people, in place of a chat, a pager, a webhook and a mail server, and shows what it took. Like the
// real ones it believes only who knows the secret; the mail server takes nothing without TLS.
package sinks

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"tradeops.dev/strategy-operator/hack/demo/internal/web"
)

// Where messages come in.
const (
	Slack     = "slack"
	PagerDuty = "pagerduty"
	Webhook   = "webhook"
	Mail      = "mail"
)

// What is kept, and how much of one message.
const (
	maxTaken = 1000
	maxBytes = 256 << 10
)

// Taken is a message that came.
type Taken struct {
	Over string   `json:"over"`
	To   []string `json:"to,omitempty"` // whom a mail is for
	Body string   `json:"body"`
}

// Sinks are all of them. The zero value believes nobody.
type Sinks struct {
	Secret string // path of the chat, routing key of the pager, signing key of the webhook, and password of the mail server
	User   string // of the mail server

	mu    sync.Mutex
	taken []Taken
}

func (s *Sinks) take(one Taken) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken = append(s.taken, one)
	s.taken = s.taken[max(0, len(s.taken)-maxTaken):]
}

// Taken is what came, oldest first.
func (s *Sinks) Taken() []Taken {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Taken{}, s.taken...)
}

func (s *Sinks) known(secret string) bool {
	return s.Secret != "" && subtle.ConstantTimeCompare([]byte(secret), []byte(s.Secret)) == 1
}

// Handler serves the chat, the pager, the webhook, and what was taken.
func (s *Sinks) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		web.WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /v1/taken", func(w http.ResponseWriter, _ *http.Request) {
		web.WriteJSON(w, http.StatusOK, s.Taken())
	})
	mux.HandleFunc("POST /"+Slack+"/{secret}", func(w http.ResponseWriter, r *http.Request) {
		s.post(w, r, Slack, func([]byte) bool { return s.known(r.PathValue("secret")) })
	})
	mux.HandleFunc("POST /"+PagerDuty, func(w http.ResponseWriter, r *http.Request) {
		s.post(w, r, PagerDuty, func(body []byte) bool {
			var sent struct {
				RoutingKey string `json:"routing_key"`
			}
			return json.Unmarshal(body, &sent) == nil && s.known(sent.RoutingKey)
		})
	})
	mux.HandleFunc("POST /"+Webhook, func(w http.ResponseWriter, r *http.Request) {
		s.post(w, r, Webhook, func(body []byte) bool { return s.genuine(r.Header.Get("X-Signature"), body) })
	})
	return mux
}

func (s *Sinks) genuine(signature string, body []byte) bool {
	mac := hmac.New(sha256.New, []byte(s.Secret))
	_, _ = mac.Write(body) // never fails
	return s.Secret != "" && hmac.Equal([]byte("sha256="+hex.EncodeToString(mac.Sum(nil))), []byte(signature))
}

func (s *Sinks) post(w http.ResponseWriter, r *http.Request, over string, believes func([]byte) bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBytes))
	switch {
	case err != nil:
		web.Fail(w, http.StatusRequestEntityTooLarge, "the message is too long")
	case !believes(body):
		web.Fail(w, http.StatusUnauthorized, "nobody known sent this")
	default:
		s.take(Taken{Over: over, Body: string(body)})
		w.WriteHeader(http.StatusAccepted)
	}
}

// MailServer speaks SMTP with STARTTLS and passwords.
func (s *Sinks) MailServer(secure *tls.Config) *smtp.Server {
	server := smtp.NewServer(smtp.BackendFunc(func(conn *smtp.Conn) (smtp.Session, error) { return &session{sinks: s, conn: conn}, nil }))
	server.Domain, server.TLSConfig, server.MaxMessageBytes, server.MaxRecipients = "mail", secure, maxBytes, 64
	server.ReadTimeout, server.WriteTimeout = 10*time.Second, 10*time.Second
	return server
}

// session is one connection to the mail server.
type session struct {
	sinks *Sinks
	conn  *smtp.Conn
	known bool
	to    []string
}

// AuthMechanisms implements smtp.AuthSession.
func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

// Auth implements smtp.AuthSession. The library offers it over TLS alone.
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != s.sinks.User || !s.sinks.known(password) {
			return smtp.ErrAuthFailed
		}
		s.known = true
		return nil
	}), nil
}

// Mail implements smtp.Session.
func (s *session) Mail(string, *smtp.MailOptions) error {
	if _, secure := s.conn.TLSConnectionState(); !secure || !s.known {
		return smtp.ErrAuthRequired
	}
	return nil
}

// Rcpt implements smtp.Session. A stranger is refused, as by any mail server.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if strings.HasPrefix(to, "stranger@") {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	}
	s.to = append(s.to, to)
	return nil
}

// Data implements smtp.Session.
func (s *session) Data(letter io.Reader) error {
	text, err := io.ReadAll(letter)
	if err != nil {
		return err
	}
	s.sinks.take(Taken{Over: Mail, To: s.to, Body: string(text)})
	return nil
}

// Reset implements smtp.Session.
func (s *session) Reset() { s.to = nil }

// Logout implements smtp.Session.
func (s *session) Logout() error { return nil }
