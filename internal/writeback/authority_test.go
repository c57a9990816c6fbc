package writeback_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tradeops.dev/strategy-operator/internal/writeback"
)

// authority vouches for servers on this machine.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ours"}, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	made := authority{template, nil}
	signed := made.sign(t, template)
	parsed, err := x509.ParseCertificate(signed.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	return authority{parsed, signed.PrivateKey.(*ecdsa.PrivateKey)}
}

// sign makes a certificate; the first one signs itself.
func (a authority) sign(t *testing.T, template *x509.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	by := a.key
	if by == nil {
		by = key
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, by)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{signed}, PrivateKey: key}
}

// pem is how a Secret has it.
func (a authority) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw}))
}

// serveTLS is a Git server with a certificate of an authority, for a name and until a time.
func (r *repository) serveTLS(by authority, host string, until time.Time) (url string) {
	r.t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: time.Unix(0, 0), NotAfter: until, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if address := net.ParseIP(host); address != nil {
		template.IPAddresses = []net.IP{address}
	} else {
		template.DNSNames = []string{host}
	}
	server := httptest.NewUnstartedServer(r.handler(nil))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{by.sign(r.t, template)}, MinVersion: tls.VersionTLS12}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that are to fail
	server.StartTLS()
	r.t.Cleanup(server.Close)
	return server.URL + "/config.git"
}

// Whom a server of a private authority is trusted by is in the Secret, and counts for this repository alone.
func TestAPrivateAuthority(t *testing.T) {
	t.Parallel()
	ours, other := newAuthority(t), newAuthority(t)
	later, past := time.Unix(1<<33, 0), time.Unix(1<<30, 0)
	_, private := keyPair(t)
	for name, c := range map[string]struct {
		ca, host string
		until    time.Time
		part     string // of what is said; empty: it works
	}{
		"that the Secret names":             {ours.pem(), "127.0.0.1", later, ""},
		"among others":                      {"# of the old server\n" + other.pem() + "\n# and ours\n" + ours.pem(), "127.0.0.1", later, ""},
		"that nobody names":                 {"", "127.0.0.1", later, "as key ca.crt"},
		"that is another":                   {other.pem(), "127.0.0.1", later, "as key ca.crt"},
		"for another host":                  {ours.pem(), "git.example.com", later, "for another name"},
		"that expired":                      {ours.pem(), "127.0.0.1", past, "has expired"},
		"of no certificate":                 {"hunter2-is-secret", "127.0.0.1", later, "holds no certificate"},
		"of blanks":                         {"\n", "127.0.0.1", later, "holds no certificate"},
		"of a key":                          {private, "127.0.0.1", later, "something else than certificates"},
		"of a certificate, and a key":       {ours.pem() + private, "127.0.0.1", later, "something else than certificates"},
		"of what is called a certificate":   {"-----BEGIN CERTIFICATE-----\naHVudGVyMg==\n-----END CERTIFICATE-----\n", "127.0.0.1", later, "cannot be read"},
		"of one that can be read, and more": {ours.pem() + "-----BEGIN CERTIFICATE-----\naHVudGVyMg==\n-----END CERTIFICATE-----\n", "127.0.0.1", later, "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRepository(t, document)
			job := jobFor(r.serveTLS(ours, c.host, c.until))
			job.Credentials.CA = c.ca
			_, err := writer(t).Write(t.Context(), job)
			if c.part == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			failure, ok := errors.AsType[*writeback.Failure](err)
			if !ok || failure.Kind != writeback.Invalid || !strings.Contains(failure.Problem, c.part) || strings.Contains(failure.Problem, "hunter2") {
				t.Errorf("%#v", err)
			}
		})
	}
}

// One repository's authority vouches for no other's server, whoever was asked before.
func TestAnAuthorityVouchesForItsRepositoryAlone(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t)
	first, second := newRepository(t, document), newRepository(t, document)
	w := writer(t)
	trusting, plain := jobFor(first.serveTLS(ours, "127.0.0.1", time.Unix(1<<33, 0))), jobFor(second.serveTLS(ours, "127.0.0.1", time.Unix(1<<33, 0)))
	trusting.Credentials.CA = ours.pem()
	if _, err := w.Write(t.Context(), trusting); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(t.Context(), plain); err == nil || !strings.Contains(err.Error(), "as key ca.crt") {
		t.Errorf("%v", err)
	}
}
