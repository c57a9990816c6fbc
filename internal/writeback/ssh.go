package writeback

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"

	"golang.org/x/crypto/ssh"
)

// overSSH talks to a server over SSH: one command, whose output is the answer.
type overSSH struct {
	client *ssh.Client
	stop   func() bool
	in     io.WriteCloser
	out    io.Reader
}

// The Git services do not look at their environment, and no terminal is asked for: nothing but the command reaches the server.
func (w *Writer) dialSSH(repository Repository, credentials Credentials) Dial {
	return func(ctx context.Context, name string) (Service, error) {
		where, err := url.Parse(repository.URL)
		if err != nil {
			return nil, failf(Invalid, "the URL of the repository cannot be read") // err would repeat it
		}
		config, address, err := clientConfig(where, credentials)
		if err != nil {
			return nil, err
		}
		connection, err := w.dial(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		stop := context.AfterFunc(ctx, func() { _ = connection.Close() }) // the library knows no context
		secured, channels, requests, err := ssh.NewClientConn(connection, address, config)
		if err != nil {
			stop()
			_ = connection.Close()
			return nil, ofHandshake(err)
		}
		one := &overSSH{client: ssh.NewClient(secured, channels, requests), stop: stop}
		if err := one.start(name + " " + quoted(where.Path)); err != nil {
			one.Close()
			return nil, err
		}
		return one, nil
	}
}

func clientConfig(where *url.URL, credentials Credentials) (config *ssh.ClientConfig, address string, err error) {
	signer, err := ssh.ParsePrivateKey([]byte(credentials.Identity))
	if err != nil { // it may repeat parts of the key
		return nil, "", failf(Invalid, "the Secret's key identity holds no private key for SSH that can be used without a passphrase")
	}
	port := where.Port()
	if port == "" {
		port = "22"
	}
	hosts, err := parseHosts(credentials.KnownHosts)
	if err != nil {
		return nil, "", err
	}
	check, algorithms, err := hosts.of(where.Hostname(), port)
	if err != nil {
		return nil, "", err
	}
	user := where.User.Username()
	if user == "" {
		user = "git"
	}
	return &ssh.ClientConfig{
		User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: check, HostKeyAlgorithms: algorithms,
	}, net.JoinHostPort(where.Hostname(), port), nil
}

func (s *overSSH) start(command string) error {
	session, err := s.client.NewSession()
	if err != nil {
		return err
	}
	if s.in, err = session.StdinPipe(); err != nil {
		return err
	}
	if s.out, err = session.StdoutPipe(); err != nil {
		return err
	}
	return session.Start(command)
}

// ofHandshake: whom the server is not, or does not let in, somebody has to fix.
func ofHandshake(err error) error {
	if failure, ok := errors.AsType[*Failure](err); ok {
		return failure
	}
	if strings.Contains(err.Error(), "unable to authenticate") {
		return failf(Refused, "the Git server does not accept the key of the Secret; register its public key there, with the right to push")
	}
	return err
}

func (s *overSSH) Refs() (io.Reader, error) { return s.out, nil }

func (s *overSSH) Ask(request []byte) (io.Reader, error) {
	if _, err := s.in.Write(request); err != nil {
		return nil, err
	}
	return s.out, nil
}

func (s *overSSH) Close() {
	s.stop()
	_ = s.client.Close() // whatever was to be read was read
}

// quoted is a path as one word of a shell.
func quoted(path string) string {
	return "'" + strings.NewReplacer("'", `'\''`, "!", `'\!'`).Replace(path) + "'"
}
