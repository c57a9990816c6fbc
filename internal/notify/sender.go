package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/signals"
)

// maxAnswerBytes is how much of an answer is read, and thrown away: a connection can be used again only when it was.
const maxAnswerBytes = 64 << 10

// MinKeyBytes is how long a signing key must be.
const MinKeyBytes = 32

// Message is one notification on its way over one channel.
type Message struct {
	Namespace string // of the playbook
	Channel   strategyv1.ChannelSpec
	Secret    string // of the channel: a key, a password, a token, or a URL
	Key       string // the same for each try
	News      News
}

// Sender sends messages, to servers that playbooks may have asked and no others: the policy is that of signals.
type Sender struct {
	client  *http.Client
	dial    signals.Dial
	roots   *x509.CertPool
	allow   signals.Allow
	callFor time.Duration
	failed  func(ctx context.Context, url string, err error)
}

// New makes a Sender.
func New(options signals.Options) *Sender {
	options.Pauses = options.Pauses.OrDefault()
	return &Sender{
		client: signals.NewClient(options), dial: signals.NewDial(options), roots: options.Roots, allow: options.Allow, callFor: options.Pauses.NotifyCall, failed: options.Failed,
	}
}

// Send sends a message once. Without an error the server took it; missed says who did not get it all the same, empty: nobody. After an error
// it may have taken it or not; a *Failure says more. Nothing of it holds the URL, the secret or words of the server.
func (s *Sender) Send(ctx context.Context, message Message) (missed string, err error) {
	if message.Channel.Type == strategyv1.ChannelEmail {
		return s.mail(ctx, message)
	}
	all, err := posts(message)
	if err != nil {
		return "", err
	}
	for _, one := range all {
		if err := s.post(ctx, message, one); err != nil {
			return "", err
		}
	}
	return "", nil
}

// post sends one request.
func (s *Sender) post(ctx context.Context, message Message, one post) error {
	if err := signals.CheckChannel(one.url); err != nil {
		return err
	}
	if err := s.allow.Check(one.url, message.Namespace); err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, one.url, bytes.NewReader(one.body))
	if err != nil {
		return errors.New("no request can be made of the URL of the channel") // err would repeat the URL
	}
	request.Header = one.header
	request.Header.Set("User-Agent", "strategy-operator")
	response, err := s.client.Do(request)
	if err != nil {
		s.logs(ctx, message.Channel, signals.WithoutURL(err))
		return unanswered(ctx, err)
	}
	defer func() { _ = response.Body.Close() }()                              // a reader has nothing left to lose
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswerBytes)) // the status says all
	switch code := response.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code >= 300 && code < 400:
		return fmt.Errorf("the server answers HTTP %d, a redirect, which is not followed; write the URL that it leads to into the playbook and the Secret", code)
	default:
		return &Failure{Problem: fmt.Sprintf("the server answers HTTP %d", code), After: retryAfter(response, message.News.Now)}
	}
}

// logs has the log say what a status must not. Where the URL is the secret, the log has the channel's name alone.
func (s *Sender) logs(ctx context.Context, channel strategyv1.ChannelSpec, err error) {
	if s.failed != nil {
		s.failed(ctx, orElse(channel.URL, "channel "+channel.Name), err)
	}
}

// Sign is the header X-Signature of a body.
func Sign(key, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}
