package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"

	"tradeops.dev/strategy-operator/internal/signals"
)

// maxAnswerBytes is how much of an answer is read, and thrown away: a connection can be used again only when it was.
const maxAnswerBytes = 64 << 10

// MinKeyBytes is how long a signing key must be.
const MinKeyBytes = 32

// Message is one notification on its way.
type Message struct {
	Namespace  string // of the playbook
	URL        string
	SigningKey []byte
	Key        string // the same for each try
	Body       []byte
}

// Sender posts messages, to servers that playbooks may have asked and no others: the policy is that of signals.
type Sender struct {
	client *http.Client
	allow  signals.Allow
	failed func(ctx context.Context, url string, err error)
}

// errNoAnswer is every failure between the operator and a server: a status would tell its readers who listens where.
var errNoAnswer = errors.New("the server gives no answer; the operator's log says why")

// New makes a Sender.
func New(options signals.Options) *Sender {
	options.Pauses = options.Pauses.OrDefault()
	return &Sender{client: signals.NewClient(options), allow: options.Allow, failed: options.Failed}
}

// Send posts a message once. Nil: the server took it. After an error it may have taken it or not. No error holds the URL, the key or
// words of the server.
func (s *Sender) Send(ctx context.Context, message Message) error {
	if err := signals.CheckWebhook(message.URL); err != nil {
		return err
	}
	if err := s.allow.Check(message.URL, message.Namespace); err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, message.URL, bytes.NewReader(message.Body))
	if err != nil {
		return errors.New("no request can be made of the URL of the webhook") // err would repeat the URL
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "strategy-operator")
	request.Header.Set("Idempotency-Key", message.Key)
	request.Header.Set("X-Signature", Sign(message.SigningKey, message.Body))
	response, err := s.client.Do(request)
	if err != nil {
		if s.failed != nil {
			s.failed(ctx, message.URL, signals.WithoutURL(err))
		}
		return errNoAnswer
	}
	defer func() { _ = response.Body.Close() }()                              // a reader has nothing left to lose
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswerBytes)) // the status says all
	switch code := response.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code >= 300 && code < 400:
		return fmt.Errorf("the server answers HTTP %d, a redirect, which is not followed; write the URL that it leads to into the playbook and the Secret", code)
	default:
		return fmt.Errorf("the server answers HTTP %d", code)
	}
}

// Sign is the header X-Signature of a body.
func Sign(key, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}
