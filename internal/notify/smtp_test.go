package notify_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/signals"
)

// smtpServer is as much of a mail server as one letter needs. It believes the password "right", over TLS.
type smtpServer struct {
	starts, atOnce, refuses, hangs, leaves bool
	strangers                              []string // that it takes no mail for
	tls                                    *tls.Config

	mu   sync.Mutex
	seen seenMail
}

// seenMail is what a server saw: what everybody on the way could read, and the letter.
type seenMail struct {
	plain, letter string
	to            []string // of the letters, as the envelope has it
}

func (s *smtpServer) took() seenMail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

func (s *smtpServer) start(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
			if s.atOnce {
				conn = tls.Server(conn, s.tls)
			}
			go s.serve(conn)
		}
	}()
	return listener.Addr().String()
}

func (s *smtpServer) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	reader, secure, known := bufio.NewReader(conn), s.atOnce, false
	say := func(text string) { _, _ = conn.Write([]byte(text + "\r\n")) }
	if s.hangs {
		_, _ = reader.ReadString('\n')
		return
	}
	say("220 test")
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			return
		}
		s.read(secure, line)
		switch verb, rest, _ := strings.Cut(strings.TrimSpace(line), " "); strings.ToUpper(verb) {
		case "EHLO":
			say(s.extensions(secure))
		case "STARTTLS":
			say("220 go on")
			conn = tls.Server(conn, s.tls)
			reader, secure = bufio.NewReader(conn), true
		case "AUTH":
			known = rest == "PLAIN "+base64.StdEncoding.EncodeToString([]byte("\x00operator@example.com\x00right"))
			say(map[bool]string{true: "235 hello", false: "535 no such user PASSWORD"}[known])
		case "MAIL", "RCPT", "RSET", "NOOP":
			if slices.ContainsFunc(s.strangers, func(name string) bool { return strings.Contains(rest, "<"+name+">") }) {
				say("550 no such user")
				continue
			}
			say(map[bool]string{true: "250 fine", false: "530 log in"}[known])
		case "DATA":
			say("354 go on")
			s.letter(reader)
			say(map[bool]string{true: "550 not here", false: "250 taken"}[s.refuses])
			if s.leaves {
				return
			}
		case "QUIT":
			say("221 bye")
			return
		default:
			say("500 what?")
		}
	}
}

func (s *smtpServer) extensions(secure bool) string {
	switch {
	case secure:
		return "250-test\r\n250 AUTH PLAIN"
	case s.starts:
		return "250-test\r\n250 STARTTLS"
	}
	return "250-test\r\n250 AUTH PLAIN"
}

func (s *smtpServer) read(secure bool, line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !secure {
		s.seen.plain += line
	}
	if name, is := strings.CutPrefix(strings.TrimSpace(line), "RCPT TO:<"); is {
		name, _, _ = strings.Cut(name, ">")
		s.seen.to = append(s.seen.to, name)
	}
}

func (s *smtpServer) letter(reader *bufio.Reader) {
	var text strings.Builder
	for {
		line, err := reader.ReadString('\n')
		if err != nil || line == ".\r\n" {
			break
		}
		text.WriteString(line)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.refuses {
		s.seen.letter += text.String()
	}
}

// mailTo is a channel of a mail server.
func mailTo(server string, to ...string) strategyv1.ChannelSpec {
	one := channel(strategyv1.ChannelEmail, server)
	one.Email = &strategyv1.EmailSpec{From: "operator@example.com", To: to}
	if len(to) == 0 {
		one.Email.To = []string{"l2@example.com", "lead@example.com"}
	}
	return one
}

// trusted starts a server, and says whom to believe that it is it.
func (s *smtpServer) trusted(t *testing.T, logged *[]string) (address string, options signals.Options) {
	t.Helper()
	certificates := httptest.NewTLSServer(nil)
	t.Cleanup(certificates.Close)
	roots := x509.NewCertPool()
	roots.AddCert(certificates.Certificate())
	s.tls = &tls.Config{Certificates: certificates.TLS.Certificates}
	allow, err := signals.ParseAllow("127.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	options = signals.Options{AllowLoopback: true, Allow: allow, Roots: roots, Failed: logs(logged)}
	options.Pauses.NotifyCall = time.Second
	return s.start(t), options
}

// logs collects what the operator's log gets.
func logs(all *[]string) func(context.Context, string, error) {
	return func(_ context.Context, where string, err error) { *all = append(*all, where+" "+err.Error()) }
}
