package notify_test

import (
	"errors"
	"strings"
	"testing"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/notify"
)

// TestOneWhoIsRefusedKeepsNobodyFromAMail: whoever can be told is told, and who was not is said.
func TestOneWhoIsRefusedKeepsNobodyFromAMail(t *testing.T) {
	for name, c := range map[string]struct {
		strangers []string
		missed    string
		err       string
		letters   int
	}{
		"all are known":    {nil, "", "", 1},
		"one is not":       {[]string{"b@example.com"}, "b@example.com: the mail server answers 550", "", 2},
		"the first is not": {[]string{"a@example.com"}, "a@example.com: the mail server answers 550", "", 2},
		"two are not":      {[]string{"a@example.com", "c@example.com"}, "a@example.com: the mail server answers 550, c@example.com: the mail server answers 550", "", 1},
		"nobody is":        {[]string{"a@example.com", "b@example.com", "c@example.com"}, "", "the mail server answers 550", 0},
	} {
		t.Run(name, func(t *testing.T) {
			var logged []string
			server := &smtpServer{starts: true, strangers: c.strangers}
			address, options := server.trusted(t, &logged)
			missed, err := notify.New(options).Send(t.Context(), notify.Message{
				Namespace: "trading", Channel: mailTo("smtp://"+address, "a@example.com", "b@example.com", "c@example.com"), Secret: "right", Key: "u/x",
				News: news(strategyv1.NotifyLevelCalled),
			})
			if missed != c.missed || (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
				t.Fatalf("missed %q, error %v; log: %q", missed, err, logged)
			}
			took := server.took()
			if letters := strings.Count(took.letter, "Message-ID:"); letters != c.letters {
				t.Errorf("%d letters: %s", letters, took.letter)
			}
			for _, stranger := range c.strangers {
				if strings.Contains(took.letter, stranger) {
					t.Errorf("%s got one:\n%s", stranger, took.letter)
				}
			}
		})
	}
}

// TestMailsFindWhoeverIsOnCall, where the rotation has an address; whom it has none of is said.
func TestMailsFindWhoeverIsOnCall(t *testing.T) {
	bob := strategyv1.OnCallStatus{Level: strategyv1.LevelL2, Name: "bob", Contact: "Bob <bob@example.com>"}
	alice := strategyv1.OnCallStatus{Level: strategyv1.LevelL1, Name: "alice", Contact: "alice@example.com"}
	phone := strategyv1.OnCallStatus{Level: strategyv1.LevelL2, Name: "bob", Contact: "+48 600"}
	for name, c := range map[string]struct {
		onCall []strategyv1.OnCallStatus
		event  strategyv1.NotificationEvent
		to     []string
		want   string // the addresses
		missed string
	}{
		"of the level alone":         {[]strategyv1.OnCallStatus{alice, bob}, strategyv1.NotifyLevelCalled, nil, "bob@example.com", ""},
		"beside others":              {[]strategyv1.OnCallStatus{bob}, strategyv1.NotifyLevelCalled, []string{"desk@example.com"}, "desk@example.com bob@example.com", ""},
		"who is there already, once": {[]strategyv1.OnCallStatus{bob}, strategyv1.NotifyLevelCalled, []string{"bob@example.com"}, "bob@example.com", ""},
		"the end, for all":           {[]strategyv1.OnCallStatus{alice, bob}, strategyv1.NotifyClosed, nil, "alice@example.com bob@example.com", ""},
		"a telephone":                {[]strategyv1.OnCallStatus{phone}, strategyv1.NotifyLevelCalled, []string{"desk@example.com"}, "desk@example.com", "the contact of bob, who is on call for L2, is no mail address"},
		"a gap":                      {[]strategyv1.OnCallStatus{{Level: strategyv1.LevelL2}}, strategyv1.NotifyLevelCalled, []string{"desk@example.com"}, "desk@example.com", "nobody is on call for L2"},
		"a telephone alone":          {[]strategyv1.OnCallStatus{phone}, strategyv1.NotifyLevelCalled, nil, "", "the contact of bob, who is on call for L2, is no mail address"},
		"no rotation":                {nil, strategyv1.NotifyLevelCalled, nil, "", "nobody knows who is on call for L2"},
	} {
		t.Run(name, func(t *testing.T) {
			var logged []string
			server := &smtpServer{starts: true}
			address, options := server.trusted(t, &logged)
			message := notify.Message{Namespace: "trading", Channel: mailTo("smtp://" + address), Secret: "right", Key: "u/x", News: news(c.event)}
			message.Channel.Email.To, message.Channel.Email.OnCall = c.to, strategyv1.MailContact
			message.News.Incident.Status.OnCall = c.onCall
			missed, err := notify.New(options).Send(t.Context(), message)
			if c.want == "" {
				if err == nil || err.Error() != c.missed || server.took().letter != "" {
					t.Fatalf("missed %q, error %v", missed, err)
				}
				return
			}
			if err != nil || missed != c.missed {
				t.Fatalf("missed %q, error %v; log %q", missed, err, logged)
			}
			if got := strings.Join(notify.Recipients(message), " "); got != c.want || strings.Join(server.took().to, " ") != c.want {
				t.Errorf("it goes to %s, and the server heard of %v", got, server.took().to)
			}
		})
	}
}

// TestWhatHangsIsSaid, so that it is left alone for a while; a server that refuses does not hang.
func TestWhatHangsIsSaid(t *testing.T) {
	for name, server := range map[string]*smtpServer{"it says nothing": {hangs: true}, "it takes no mail": {starts: true, refuses: true}} {
		t.Run(name, func(t *testing.T) {
			var logged []string
			address, options := server.trusted(t, &logged)
			_, err := notify.New(options).Send(t.Context(), notify.Message{
				Namespace: "trading", Channel: mailTo("smtp://" + address), Secret: "right", Key: "u/x", News: news(strategyv1.NotifyLevelCalled),
			})
			var failure *notify.Failure
			if !errors.As(err, &failure) || failure.Hung != server.hangs {
				t.Errorf("%+v", err)
			}
		})
	}
}
