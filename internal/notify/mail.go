package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/wneessen/go-mail"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/lifecycle"
	"tradeops.dev/strategy-operator/internal/signals"
)

// mail sends a message by SMTP. The library writes the mail and speaks the protocol; the connection is made here, so it goes where requests
// may go and nowhere else. TLS is never left out: a password must not be read on the way.
func (s *Sender) mail(ctx context.Context, message Message) (missed string, err error) {
	if err := signals.CheckChannel(message.Channel.URL); err != nil {
		return "", err
	}
	where, err := url.Parse(message.Channel.URL)
	if err != nil {
		return "", &Failure{Problem: noAnswer} // it was read right before
	}
	if err := s.allow.Check(where.String(), message.Namespace); err != nil {
		return "", err
	}
	to, unknown := recipients(message)
	if len(to) == 0 {
		return "", errors.New(unknown)
	}
	client, err := s.mailClient(ctx, where, message)
	if err != nil {
		return "", err
	}
	refused, err := s.deliver(ctx, client, message, to)
	if err != nil {
		return "", err
	}
	return strings.Join(slices.DeleteFunc([]string{unknown, refused}, func(text string) bool { return text == "" }), "; "), nil
}

// deliver sends one mail to all. Where the server refuses somebody, it takes the mail for nobody: then each of them gets one alone, and refused
// says who does not.
func (s *Sender) deliver(ctx context.Context, client *mail.Client, message Message, to []string) (refused string, err error) {
	letter, err := letterOf(message, to...)
	if err != nil {
		return "", err
	}
	err = client.DialAndSendWithContext(ctx, letter)
	if err == nil || letter.IsDelivered() { // a server that took it need not say goodbye
		return "", nil
	}
	var why *mail.SendError
	if errors.As(err, &why) && why.Reason == mail.ErrSMTPRcptTo && len(to) > 1 {
		return s.deliverEach(ctx, client, message, to)
	}
	s.logs(ctx, message.Channel, err)
	return "", refusedMail(ctx, err)
}

func (s *Sender) deliverEach(ctx context.Context, client *mail.Client, message Message, to []string) (refused string, err error) {
	letters := make([]*mail.Msg, len(to))
	for i, one := range to {
		if letters[i], err = letterOf(message, one); err != nil {
			return "", err
		}
	}
	err = client.DialAndSendWithContext(ctx, letters...)
	var without []string
	for i, letter := range letters {
		if !letter.IsDelivered() {
			without = append(without, to[i]+": "+refusedMail(ctx, letter.SendError()).Error())
		}
	}
	if err != nil {
		s.logs(ctx, message.Channel, err)
	}
	if len(without) == len(to) {
		return "", refusedMail(ctx, err)
	}
	return strings.Join(without, ", "), nil
}

// Recipients are the addresses that a mail goes to.
func Recipients(message Message) []string {
	to, _ := recipients(message)
	return to
}

// recipients are the addresses of a message; unknown says who is on call and has none.
func recipients(message Message) (to []string, unknown string) {
	email, n := message.Channel.Email, message.News.Notification
	to = slices.Clone(email.To)
	if email.OnCall != strategyv1.MailContact {
		return to, ""
	}
	var without []string
	found := false
	for _, shift := range message.News.Incident.Status.OnCall {
		if shift.Level != n.Level && !lifecycle.Ends(n.Event) {
			continue
		}
		found = true
		address, err := netmail.ParseAddress(shift.Contact)
		switch {
		case shift.Name == "":
			without = append(without, "nobody is on call for "+string(shift.Level))
		case err != nil:
			without = append(without, fmt.Sprintf("the contact of %s, who is on call for %s, is no mail address", shift.Name, shift.Level))
		case !slices.Contains(to, address.Address):
			to = append(to, address.Address)
		}
	}
	if !found {
		without = append(without, "nobody knows who is on call for "+orElse(string(n.Level), "it"))
	}
	return to, strings.Join(without, ", ")
}

func (s *Sender) mailClient(ctx context.Context, where *url.URL, message Message) (*mail.Client, error) {
	port, err := strconv.Atoi(where.Port())
	if err != nil {
		return nil, errors.New("the port of the mail server is no number")
	}
	options := []mail.Option{
		mail.WithPort(port), mail.WithDialContextFunc(s.connect(ctx, where)), mail.WithHELO("strategy-operator"), mail.WithTimeout(s.callFor),
		mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(orElse(message.Channel.Email.User, message.Channel.Email.From)), mail.WithPassword(message.Secret),
		mail.WithTLSConfig(s.tls(where.Hostname())), mail.WithTLSPolicy(mail.TLSMandatory),
	}
	if where.Scheme == smtps { // connect has done that; with a connection that is made for it the library would not
		options = append(options, mail.WithTLSPolicy(mail.TLSOpportunistic))
	}
	client, err := mail.NewClient(where.Hostname(), options...)
	if err != nil {
		return nil, errors.New("the mail server cannot be used as the playbook names it") // err may repeat parts of it
	}
	return client, nil
}

// smtps is TLS from the first byte on.
const smtps = "smtps"

// connect makes the connection for one mail. It is closed when the time of the call is over: the library bounds single steps.
func (s *Sender) connect(call context.Context, where *url.URL) mail.DialContextFunc {
	return func(ctx context.Context, network, _ string) (net.Conn, error) { // the library's address is none for an IPv6 host
		conn, err := s.dial(ctx, network, where.Host)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(call, func() { _ = conn.Close() })
		if where.Scheme != smtps {
			return conn, nil
		}
		secure := tls.Client(conn, s.tls(where.Hostname()))
		return secure, secure.HandshakeContext(ctx)
	}
}

func (s *Sender) tls(host string) *tls.Config {
	return &tls.Config{ServerName: host, RootCAs: s.roots, MinVersion: tls.VersionTLS12}
}

// letterOf is a message as a mail. Its Message-ID is the same for each try, so a mailbox can tell a repetition.
func letterOf(message Message, to ...string) (*mail.Msg, error) {
	letter := mail.NewMsg()
	if err := letter.From(message.Channel.Email.From); err != nil {
		return nil, errors.New("email.from is no address")
	}
	if err := letter.To(to...); err != nil {
		return nil, errors.New("email.to has something that is no address")
	}
	letter.SetMessageIDWithValue(Sign(nil, []byte(message.Key))[len("sha256="):] + "@strategy-operator")
	letter.SetDateWithValue(message.News.Now)
	letter.SetGenHeader("Auto-Submitted", "auto-generated")
	letter.Subject(message.News.title())
	letter.SetBodyString(mail.TypeTextPlain, message.News.text())
	return letter, nil
}

// refusedMail is what a status may say of it: the code of the server, and none of its words.
func refusedMail(ctx context.Context, err error) *Failure {
	var refused *mail.SendError
	if errors.As(err, &refused) && refused.ErrorCode() != 0 {
		return &Failure{Problem: fmt.Sprintf("the mail server answers %d", refused.ErrorCode())}
	}
	return unanswered(ctx, err)
}
