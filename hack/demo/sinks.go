package main

import (
	"crypto/tls"
	"log/slog"
	"net"

	"github.com/spf13/cobra"

	"tradeops.dev/strategy-operator/hack/demo/sinks"
)

func sinksCommand() *cobra.Command {
	var listen, mail, cert, key string
	all := &sinks.Sinks{}
	cmd := &cobra.Command{
		Use:   "sinks",
		Short: "Take notifications as a chat, a pager, a webhook and a mail server do, and show them",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			pair, err := tls.LoadX509KeyPair(cert, key)
			if err != nil {
				return exit{exitFailed, err}
			}
			listener, err := net.Listen("tcp", mail)
			if err != nil {
				return exit{exitFailed, err}
			}
			server := all.MailServer(&tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})
			go func() {
				if err := server.Serve(listener); err != nil {
					slog.Error("the mail server ended", "error", err)
				}
			}()
			defer func() { _ = server.Close() }()
			return serve(cmd.Context(), listen, all.Handler())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&listen, "listen", ":8080", "address of the chat (/slack/SECRET), the pager (/pagerduty), the webhook (/webhook) and /v1/taken")
	flags.StringVar(&mail, "listen-mail", ":8025", "address of the mail server, with STARTTLS")
	flags.StringVar(&cert, "tls-cert", "/etc/sinks/tls.crt", "certificate of the mail server")
	flags.StringVar(&key, "tls-key", "/etc/sinks/tls.key", "its key")
	flags.StringVar(&all.User, "user", "operator@example.com", "who may send mails")
	flags.StringVar(&all.Secret, "secret", envOr("SINKS_SECRET", ""), "what all of them want to know ($SINKS_SECRET)")
	return cmd
}
