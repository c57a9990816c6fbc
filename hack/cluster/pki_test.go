package main

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func readCertificate(t *testing.T, path string) *x509.Certificate {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(content)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// madePKI makes all certificates and gives functions to read and verify them.
func madePKI(t *testing.T) (dir string, read func(string) *x509.Certificate, verify func(*x509.Certificate, string, x509.ExtKeyUsage) error) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "pki")
	if err := writePKI(dir); err != nil {
		t.Fatal(err)
	}
	read = func(name string) *x509.Certificate { return readCertificate(t, filepath.Join(dir, name+".crt")) }
	verify = func(certificate *x509.Certificate, authority string, usage x509.ExtKeyUsage) error {
		roots := x509.NewCertPool()
		roots.AddCert(read(authority))
		_, err := certificate.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{usage}})
		return err
	}
	return dir, read, verify
}

func TestCertificatesAreWhatTheyAreFor(t *testing.T) {
	_, read, verify := madePKI(t)
	for _, spec := range certificates {
		certificate := read(spec.file)
		if err := verify(certificate, spec.authority, x509.ExtKeyUsageClientAuth); (err == nil) != spec.client {
			t.Errorf("%s as a client: %v", spec.file, err)
		}
		for _, name := range spec.names {
			if err := certificate.VerifyHostname(name); err != nil {
				t.Errorf("%s: %v", spec.file, err)
			}
		}
		for _, other := range []string{clusterCA, etcdCA, frontProxyCA} {
			if other != spec.authority && verify(certificate, other, x509.ExtKeyUsageAny) == nil {
				t.Errorf("%s is trusted by %s too", spec.file, other)
			}
		}
	}
	if admin := read("admin"); !slices.Contains(admin.Subject.Organization, "system:masters") {
		t.Error("the admin is in no group that may do anything")
	}
}

func TestAPIServerNames(t *testing.T) {
	_, read, _ := madePKI(t)
	server := read("apiserver")
	for _, name := range []string{nodeIP, apiServiceIP, "127.0.0.1", "localhost", "kubernetes.default.svc"} {
		if err := server.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
}

func TestPKIIsPrivateAndMadeOnce(t *testing.T) {
	dir, read, _ := madePKI(t)
	key, err := os.Stat(filepath.Join(dir, "ca.key"))
	if err != nil {
		t.Fatal(err)
	}
	if key.Mode().Perm() != 0o600 {
		t.Errorf("others may read the authority's key: %v", key.Mode())
	}
	before := read("admin").SerialNumber
	if err := writePKI(dir); err != nil {
		t.Fatal(err)
	}
	if read("admin").SerialNumber.Cmp(before) != 0 {
		t.Error("a second run made new certificates")
	}
}
