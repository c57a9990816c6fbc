package signals

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// maxHeaderBytes bounds the header of an answer.
const maxHeaderBytes = 64 << 10

// CheckURL says what is wrong with the URL of a Prometheus, without asking it. No error repeats the URL, which may hold a
// password.
func CheckURL(text string) error {
	if err := checkServer("Prometheus", "https://prometheus.monitoring:9090", text); err != nil {
		return err
	}
	if path := pathOf(text); strings.HasSuffix(path, "/api/v1") || strings.HasSuffix(path, "/api/v1/query") {
		return errors.New("the URL of Prometheus must end before /api/v1, which the operator adds")
	}
	return nil
}

func pathOf(text string) string {
	parsed, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return strings.TrimRight(parsed.Path, "/")
}

// CheckChannel says what is wrong with the URL of a channel of notifications, without asking it; one without a URL has it in its Secret alone.
func CheckChannel(text string) error {
	mail, isMail := strings.CutPrefix(text, "smtp")
	switch {
	case text == "":
		return nil
	case !isMail:
		return checkServer("the channel", "https://notify.trading/strategy", text)
	}
	server, err := url.Parse("http" + mail) // as a URL of the web it is read in the same way
	if err != nil || server.Port() == "" || strings.Trim(server.Path, "/") != "" || server.RawQuery != "" {
		return errors.New("the URL of the mail server cannot be read; write it like smtp://mail.example.com:587")
	}
	return checkServer("the mail server", "smtp://mail.example.com:587", server.String())
}

// CheckRepository says what is wrong with the URL of a Git repository, without asking its server. Over SSH it may name a user, but no password.
func CheckRepository(text string) error {
	const what, example = "the repository", "https://git.example.com/team/config.git or ssh://git@git.example.com/team/config.git"
	remote, secure := strings.CutPrefix(text, "ssh://")
	if !secure {
		if strings.Contains(text, "@") && !strings.Contains(text, "://") {
			return fmt.Errorf("the URL of %s cannot be read; write it like %s", what, example)
		}
		if err := checkServer(what, example, text); err != nil {
			return err
		}
		if strings.Contains(text, "?") {
			return fmt.Errorf("the URL of %s holds a query (?...); write it like %s", what, example)
		}
		return nil
	}
	user, host, named := strings.Cut(remote, "@")
	if named && !strings.ContainsAny(user, ":/") {
		remote = host
	}
	if strings.Contains(remote, "?") || strings.HasPrefix(pathOf("http://"+remote), "-") || pathOf("http://"+remote) == "" {
		return fmt.Errorf("the URL of %s cannot be read; write it like %s", what, example)
	}
	return checkServer(what, example, "http://"+remote) // as a URL of the web it is read in the same way
}

// checkServer says what is wrong with the URL of a server that the operator is to ask, without asking it, and how to write it. No error
// repeats the URL.
func checkServer(what, example, text string) error {
	parsed, err := url.Parse(text)
	if err != nil {
		return fmt.Errorf("the URL of %s cannot be read; write it like %s", what, example) // err would repeat parts of it
	}
	switch {
	case parsed.Scheme != "http" && parsed.Scheme != "https":
		return fmt.Errorf("the URL of %s must start with http:// or https://", what)
	case parsed.User != nil:
		return fmt.Errorf("the URL of %s holds a user or a password; put what is secret into the Secret instead", what)
	case strings.Contains(text, "#"):
		return fmt.Errorf("the URL of %s holds a fragment (#...), which is never sent; leave it out", what)
	case parsed.Hostname() == "":
		return fmt.Errorf("the URL of %s names no host; write it like %s", what, example)
	case disguised(strings.ToLower(parsed.Hostname())):
		return fmt.Errorf("the URL of %s holds an address in an unusual form; write it like 10.0.0.1 or [fd00::1]", what)
	}
	if address, err := netip.ParseAddr(parsed.Hostname()); err == nil && !address.Unmap().IsLoopback() {
		return checkAddress(address, false) // loopback is allowed or not by the operator, not by the playbook: the dialer knows
	}
	return nil
}

// checkAddress refuses addresses that are no Prometheus, whatever the manager's flags allow.
func checkAddress(address netip.Addr, allowLoopback bool) error {
	kind := unaskable(address, allowLoopback)
	if kind == "" {
		return nil
	}
	return fmt.Errorf("%s is %s, which the operator does not ask; name a Service", address.Unmap(), kind)
}

// Dial makes a connection.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// NewDial connects to checked addresses alone. Which names may be asked is checked before, with [Allow.Check].
func NewDial(options Options) Dial {
	dialer := &net.Dialer{
		Timeout: options.Pauses.Query,
		// Control sees the address after the name was resolved, right before the connection: a name that resolves to
		// something else at each look-up cannot pass one address here and use another.
		Control: func(_, address string, _ syscall.RawConn) error {
			dialled, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("address %q cannot be checked: %w", address, err)
			}
			return checkAddress(dialled.Addr(), options.AllowLoopback)
		},
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return dialer.DialContext(ctx, network, net.JoinHostPort(options.Allow.dialled(host, port), port))
	}
}

// NewClient trusts nothing that the environment or an answer says: no proxy, no redirect, no address but a checked one.
func NewClient(options Options) *http.Client {
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                  nil,
			DialContext:            NewDial(options),
			TLSClientConfig:        &tls.Config{RootCAs: options.Roots, MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2:      true,
			MaxIdleConnsPerHost:    parallel,
			IdleConnTimeout:        90 * time.Second,
			TLSHandshakeTimeout:    options.Pauses.Query,
			MaxResponseHeaderBytes: maxHeaderBytes,
		},
	}
}

// normal is a source without the line break at the end of a Secret, and with an interval.
func (s Source) normal() Source {
	s.Token = strings.TrimSpace(s.Token)
	s.Interval = max(s.Interval, minInterval)
	return s
}

// problem is why a source cannot be asked, or empty.
func (s Source) problem(allow Allow) string {
	if err := CheckURL(s.URL); err != nil {
		return err.Error()
	}
	if err := allow.Check(s.URL, s.Namespace); err != nil {
		return err.Error()
	}
	if strings.ContainsFunc(s.Token, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }) {
		return "the bearer token holds a space, a quote or another character that no token has; write the bare token into the Secret"
	}
	return ""
}

func (s Source) server() server {
	return server{s.URL, sha256.Sum256([]byte(s.Token))}
}

func (s Source) route() route { return route{s.Namespace, s.server()} }
