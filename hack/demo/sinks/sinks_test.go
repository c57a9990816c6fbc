package sinks

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/notify"
	"tradeops.dev/strategy-operator/internal/signals"
)

const secret = "a-key-of-the-tests,-32-bytes-long,-or-more"

// TestTheOperatorIsTakenSeriously over each channel, and whoever does not know the secret is not.
func TestTheOperatorIsTakenSeriously(t *testing.T) {
	s := &Sinks{Secret: secret, User: "operator@example.com"}
	web := httptest.NewServer(s.Handler())
	defer web.Close()
	certificates := httptest.NewTLSServer(nil)
	defer certificates.Close()
	roots := x509.NewCertPool()
	roots.AddCert(certificates.Certificate())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	mail := s.MailServer(&tls.Config{Certificates: certificates.TLS.Certificates, MinVersion: tls.VersionTLS12})
	go func() { _ = mail.Serve(listener) }() // ends with the listener
	defer func() { _ = mail.Close() }()
	allow, err := signals.ParseAllow("127.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	sender := notify.New(signals.Options{AllowLoopback: true, Allow: allow, Roots: roots})
	channels := []strategyv1.ChannelSpec{
		{Name: Slack, Type: strategyv1.ChannelSlack}, {Name: PagerDuty, Type: strategyv1.ChannelPagerDuty, URL: web.URL + "/pagerduty"},
		{Name: Webhook, Type: strategyv1.ChannelWebhook, URL: web.URL + "/webhook"},
		{Name: Mail, Type: strategyv1.ChannelEmail, URL: "smtp://" + listener.Addr().String(), Email: &strategyv1.EmailSpec{From: "operator@example.com", To: []string{"bob@example.com", "stranger@example.com"}}},
	}
	for _, known := range []bool{false, true} {
		for _, channel := range channels {
			missed, err := sender.Send(t.Context(), message(channel, known, web.URL))
			if (err == nil) != known || known && (missed != "") != (channel.Name == Mail) {
				t.Errorf("%s, known %t: missed %q, error %v", channel.Name, known, missed, err)
			}
		}
	}
	var over []string
	for _, taken := range shown(t.Context(), t, web.URL) {
		over = append(over, taken.Over+" "+strings.Join(taken.To, ","))
		if !strings.Contains(taken.Body, "pnl-1") {
			t.Errorf("%+v", taken)
		}
	}
	if got := strings.Join(over, "; "); got != "slack ; pagerduty ; webhook ; mail bob@example.com" {
		t.Errorf("taken: %s", got)
	}
}

// message is a call of L2 over a channel, by somebody who knows the secret or not.
func message(channel strategyv1.ChannelSpec, known bool, server string) notify.Message {
	key := secret
	if !known {
		key = "another-key,-which-is-as-long-as-the-one,-and-no-better"
	}
	if channel.Type == strategyv1.ChannelSlack {
		key = server + "/slack/" + key
	}
	incident := &strategyv1.StrategyIncident{ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: "pnl-1", UID: "u"}}
	return notify.Message{Namespace: "trading", Channel: channel, Secret: key, Key: "u/x", News: notify.News{
		Incident: incident, Now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC),
		Notification: strategyv1.NotificationStatus{Key: "u/x", Event: strategyv1.NotifyLevelCalled, Level: strategyv1.LevelL2, Message: "it loses"},
	}}
}

func shown(ctx context.Context, t *testing.T, server string) (all []Taken) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server+"/v1/taken", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if err := json.NewDecoder(response.Body).Decode(&all); err != nil {
		t.Fatal(err)
	}
	return all
}
