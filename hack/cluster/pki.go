package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// authority signs certificates. There are three, each trusted for one purpose:
// a client certificate of the cluster must not open etcd, nor pass for the API
// server's proxy.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// certificateSpec is one certificate to make. With names it is a server's.
type certificateSpec struct {
	file       string
	authority  string
	commonName string
	groups     []string
	names      []string
	client     bool
}

const (
	clusterCA    = "ca"
	etcdCA       = "etcd-ca"
	frontProxyCA = "front-proxy-ca"
)

var certificates = []certificateSpec{
	{file: "etcd", authority: etcdCA, commonName: "etcd", names: []string{"localhost", "127.0.0.1"}, client: true},
	{file: "apiserver-etcd-client", authority: etcdCA, commonName: "kube-apiserver", client: true},
	{file: "front-proxy-client", authority: frontProxyCA, commonName: "front-proxy-client", client: true},
	{file: "apiserver", authority: clusterCA, commonName: "kube-apiserver", names: []string{
		"kubernetes", "kubernetes.default", "kubernetes.default.svc",
		"kubernetes.default.svc." + clusterDomain,
		"localhost", nodeName, nodeIP, apiServiceIP, "127.0.0.1",
	}},
	{file: "apiserver-kubelet-client", authority: clusterCA, commonName: kubeletClientUser, client: true},
	{file: "kubelet-server", authority: clusterCA, commonName: nodeName, names: []string{nodeName, nodeIP}},
	{file: "kubelet", authority: clusterCA, commonName: "system:node:" + nodeName, groups: []string{"system:nodes"}, client: true},
	{file: "admin", authority: clusterCA, commonName: "cluster-admin", groups: []string{"system:masters"}, client: true},
	{file: "controller-manager", authority: clusterCA, commonName: "system:kube-controller-manager", client: true},
	{file: "scheduler", authority: clusterCA, commonName: "system:kube-scheduler", client: true},
	{file: "proxy", authority: clusterCA, commonName: "system:kube-proxy", client: true},
	{file: "alerts", authority: clusterCA, commonName: "strategy-operator-alerts", names: []string{ // of the operator's alert intake
		"strategy-operator-alerts.strategy-operator-system.svc", "strategy-operator-alerts.strategy-operator-system.svc." + clusterDomain, alertsServiceIP,
	}},
	{file: "coredns", authority: clusterCA, commonName: coreDNSUser, client: true},
}

const (
	kubeletClientUser = "kube-apiserver-kubelet-client"
	coreDNSUser       = "system:coredns"
)

// writePKI makes all keys and certificates unless they are there already. They
// are made in a temporary folder and renamed together, so that a half-made set
// is never used.
func writePKI(dir string) error {
	if exists(dir) {
		return nil
	}
	temporary := dir + ".new"
	if err := os.RemoveAll(temporary); err != nil {
		return err
	}
	if err := os.MkdirAll(temporary, 0o700); err != nil {
		return err
	}
	authorities := map[string]authority{}
	for _, name := range []string{clusterCA, etcdCA, frontProxyCA} {
		made, err := newAuthority("strategy-operator-cluster-" + name)
		if err != nil {
			return err
		}
		authorities[name] = made
		if err := writePair(temporary, name, made.certificate.Raw, made.key); err != nil {
			return err
		}
	}
	for _, spec := range certificates {
		raw, key, err := authorities[spec.authority].issue(spec)
		if err != nil {
			return fmt.Errorf("certificate %s: %w", spec.file, err)
		}
		if err := writePair(temporary, spec.file, raw, key); err != nil {
			return err
		}
	}
	if err := writeServiceAccountKey(temporary); err != nil {
		return err
	}
	return os.Rename(temporary, dir)
}

func newAuthority(commonName string) (authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return authority{}, err
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: commonName},
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	raw, err := sign(template, template, &key.PublicKey, key)
	if err != nil {
		return authority{}, err
	}
	certificate, err := x509.ParseCertificate(raw)
	return authority{certificate: certificate, key: key}, err
}

func (a authority) issue(spec certificateSpec) ([]byte, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		Subject:  pkix.Name{CommonName: spec.commonName, Organization: spec.groups},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
	if spec.client {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	}
	if len(spec.names) > 0 {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	for _, name := range spec.names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
			continue
		}
		template.DNSNames = append(template.DNSNames, name)
	}
	raw, err := sign(template, a.certificate, &key.PublicKey, a.key)
	return raw, key, err
}

func sign(template, parent *x509.Certificate, public *ecdsa.PublicKey, key *ecdsa.PrivateKey) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial
	// A little in the past, for a clock that is set back after a suspend.
	template.NotBefore = time.Now().Add(-time.Hour)
	template.NotAfter = time.Now().AddDate(5, 0, 0)
	return x509.CreateCertificate(rand.Reader, template, parent, public, key)
}

// writeServiceAccountKey makes the key pair that signs service account tokens.
func writeServiceAccountKey(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return err
	}
	if err := writePEM(filepath.Join(dir, "sa.pub"), "PUBLIC KEY", public); err != nil {
		return err
	}
	return writeKey(filepath.Join(dir, "sa.key"), key)
}

func writePair(dir, name string, certificate []byte, key *ecdsa.PrivateKey) error {
	if err := writePEM(filepath.Join(dir, name+".crt"), "CERTIFICATE", certificate); err != nil {
		return err
	}
	return writeKey(filepath.Join(dir, name+".key"), key)
}

func writeKey(path string, key *ecdsa.PrivateKey) error {
	raw, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return writePEM(path, "EC PRIVATE KEY", raw)
}

func writePEM(path, kind string, raw []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}), 0o600)
}
