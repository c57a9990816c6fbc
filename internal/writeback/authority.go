package writeback

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"

	"tradeops.dev/strategy-operator/internal/signals"
)

// clientFor is a client for one job. A repository whose Secret names who vouches for its server trusts these alone, and no other repository does:
// whoever may write a Secret of one namespace vouches for nobody else's server. Done has it forget its connections.
func (w *Writer) clientFor(credentials Credentials) (client *http.Client, done func(), err error) {
	if credentials.CA == "" {
		return w.client, func() {}, nil
	}
	options := w.options
	if options.Roots, err = authorities(credentials.CA); err != nil {
		return nil, nil, err
	}
	client = signals.NewClient(options)
	return client, client.CloseIdleConnections, nil
}

// authorities are the certificates of a Secret, all of them: one that is passed over would be missed by nobody until the server uses it.
func authorities(text string) (*x509.CertPool, error) {
	pool, found := x509.NewCertPool(), false
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, failf(Invalid, "the Secret's key ca.crt holds something else than certificates; leave in it the certificates of the authority, as PEM")
		}
		one, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, failf(Invalid, "the Secret's key ca.crt holds a certificate that cannot be read; put the authority's there, as PEM")
		}
		pool.AddCert(one)
		found = true
	}
	if !found {
		return nil, failf(Invalid, "the Secret's key ca.crt holds no certificate; put the authority's there, as PEM (-----BEGIN CERTIFICATE-----)")
	}
	return pool, nil
}

// ofTLS: whom nobody trusts somebody has to vouch for. Any other error is as it was.
func ofTLS(err error) error {
	unproved, is := errors.AsType[*tls.CertificateVerificationError](err)
	if !is {
		return err
	}
	if _, other := errors.AsType[x509.HostnameError](unproved); other {
		return failf(Invalid, "the Git server's certificate is for another name than the URL's host; fix the URL of the write-back, or the certificate")
	}
	if invalid, is := errors.AsType[x509.CertificateInvalidError](unproved); is && invalid.Reason == x509.Expired {
		return failf(Invalid, "the Git server's certificate, or one that it rests on, has expired or is not valid yet; renew it")
	}
	return failf(Invalid, "nobody whom the operator trusts vouches for the Git server's certificate; put the certificate of its authority into the Secret of the write-back, as key ca.crt")
}
