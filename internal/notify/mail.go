package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"

	"github.com/wneessen/go-mail"

	"tradeops.dev/strategy-operator/internal/signals"
)

// mail sends a message by SMTP. The library writes the mail and speaks the protocol; the connection is made here, so it goes where requests
// may go and nowhere else. TLS is never left out: a password must not be read on the way.
func (s *Sender) mail(ctx context.Context, message Message) error {
	if err := signals.CheckChannel(message.Channel.URL); err != nil {
		return err
	}
	where, err := url.Parse(message.Channel.URL)
	if err != nil {
		return errNoAnswer // it was read right before
	}
	if err := s.allow.Check(where.String(), message.Namespace); err != nil {
		return err
	}
	client, err := s.mailClient(ctx, where, message)
	if err != nil {
		return err
	}
	letter, err := letterOf(message)
	if err != nil {
		return err
	}
	if err := client.DialAndSendWithContext(ctx, letter); err != nil && !letter.IsDelivered() { // a server that took it need not say goodbye
		s.logs(ctx, message.Channel, err)
		return refusedMail(err)
	}
	return nil
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
func letterOf(message Message) (*mail.Msg, error) {
	letter := mail.NewMsg()
	if err := letter.From(message.Channel.Email.From); err != nil {
		return nil, errors.New("email.from is no address")
	}
	if err := letter.To(message.Channel.Email.To...); err != nil {
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
func refusedMail(err error) error {
	var refused *mail.SendError
	if errors.As(err, &refused) && refused.ErrorCode() != 0 {
		return fmt.Errorf("the mail server answers %d", refused.ErrorCode())
	}
	return errNoAnswer
}
