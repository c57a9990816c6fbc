//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/hack/demo/sinks"
)

const (
	sinksName   = "sinks"
	sinksSecret = "what-all-sinks-of-the-stories-want-to-know"
	mailFrom    = "operator@example.com"
)

// mailCA is what the stories' operator believes of mail servers, beside what its image does.
func mailCA() *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: operatorNamespace, Name: "mail-ca"}}
}

// certifyMail makes a certificate for the mail servers of all worlds, and has the operator believe it from its next start on.
func certifyMail(ctx context.Context, all []*world) error {
	var names []string
	for _, w := range all {
		names = append(names, sinksName+"."+w.namespace)
	}
	certificate, key, err := certify(names)
	if err != nil {
		return err
	}
	for _, w := range all {
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: sinksName}}
		secret.StringData = map[string]string{"secret": sinksSecret, "tls.crt": certificate, "tls.key": key}
		if err := admin.Create(ctx, secret); err != nil {
			return err
		}
	}
	if err := client.IgnoreNotFound(admin.Delete(ctx, mailCA())); err != nil { // of a run that failed
		return err
	}
	trusted := mailCA()
	trusted.Data = map[string]string{"mail-ca.crt": certificate}
	return admin.Create(ctx, trusted)
}

func certify(names []string) (certificate, key string, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true, IsCA: true,
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return "", "", err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", "", err
	}
	var public, hidden bytes.Buffer
	err = pem.Encode(&public, &pem.Block{Type: "CERTIFICATE", Bytes: signed})
	if err == nil {
		err = pem.Encode(&hidden, &pem.Block{Type: "PRIVATE KEY", Bytes: secret})
	}
	return public.String(), hidden.String(), err
}

// sinks are pods of the world that take notifications, the Secrets of their channels, and the operator's right to read these.
func (s *story) sinks() *strategyv1.NotificationsSpec {
	s.Helper()
	at := metav1.ObjectMeta{Namespace: s.namespace, Name: sinksName}
	s.Cleanup(func() {
		for _, object := range []client.Object{&appsv1.Deployment{ObjectMeta: at}, &corev1.Service{ObjectMeta: at}} {
			if err := admin.Delete(context.WithoutCancel(s.ctx), object); client.IgnoreNotFound(err) != nil {
				s.Errorf("%v", err)
			}
		}
	})
	s.must(apply(s.ctx, repositoryFile("hack/demo/world/sinks.yaml"), "--namespace="+s.namespace, "-f", "-"))
	server := "http://" + sinksName + "." + s.namespace + ":8080"
	spec := &strategyv1.NotificationsSpec{Channels: []strategyv1.ChannelSpec{
		{Name: "chat", Type: strategyv1.ChannelSlack}, {Name: "pager", Type: strategyv1.ChannelPagerDuty, URL: server + "/pagerduty"},
		{Name: "hook", Type: strategyv1.ChannelWebhook, URL: server + "/webhook"},
		{
			Name: "mail", Type: strategyv1.ChannelEmail, URL: "smtp://" + sinksName + "." + s.namespace + ":587",
			Email: &strategyv1.EmailSpec{From: mailFrom, To: []string{"stranger@example.com"}, OnCall: strategyv1.MailContact},
		},
	}}
	keys := map[string]string{"chat": "", "pager": "routing-key", "hook": "hmac-key", "mail": "password"}
	var names []string
	for i := range spec.Channels {
		channel := &spec.Channels[i]
		channel.SecretName = "sinks-" + channel.Name
		names = append(names, channel.SecretName)
		s.secret(channel.SecretName, keys[channel.Name], channel.URL, server)
	}
	s.readable("sinks-secrets", names...)
	s.eventually("the sinks are there", time.Minute, func(ctx context.Context) error {
		return available(ctx, client.ObjectKey{Namespace: s.namespace, Name: sinksName})
	})
	s.trace("the sinks are there")
	return spec
}

// readable gives the operator the right to read Secrets of the world, for the rest of the story.
func (s *story) readable(role string, secrets ...string) {
	s.Helper()
	at := metav1.ObjectMeta{Namespace: s.namespace, Name: role, Labels: ours}
	s.must(admin.Create(s.ctx, &rbacv1.Role{
		ObjectMeta: at, Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: secrets, Verbs: []string{"get"}}},
	}))
	s.must(admin.Create(s.ctx, &rbacv1.RoleBinding{
		ObjectMeta: at, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: operatorNamespace, Name: operatorName}},
	}))
}

// secret is that of one channel; of a chat the URL is the secret.
func (s *story) secret(name, key, url, server string) {
	s.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: name, Labels: map[string]string{strategyv1.LabelManaged: strategyv1.ManagedValue}}}
	secret.StringData = map[string]string{"url": url}
	if key == "" {
		secret.StringData["url"] = server + "/slack/" + sinksSecret
	} else {
		secret.StringData[key] = sinksSecret
	}
	s.must(admin.Create(s.ctx, secret))
	s.Cleanup(func() {
		if err := admin.Delete(context.WithoutCancel(s.ctx), secret); err != nil {
			s.Errorf("%v", err)
		}
	})
}

// gets waits until a sink has taken a message with all of these words.
func (s *story) gets(over string, words ...string) {
	s.Helper()
	s.eventually(fmt.Sprintf("%s takes %q", over, words), 20*time.Second, func(ctx context.Context) error {
		var taken []sinks.Taken
		if err := s.call(ctx, http.MethodGet, sinksName, "/v1/taken", nil, &taken); err != nil {
			return err
		}
		var others []string
		for _, one := range taken {
			text := strings.Join(one.To, " ") + " " + strings.ReplaceAll(one.Body, "=\r\n", "") // long lines of mails are folded
			if one.Over == over && !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) }) {
				return nil
			}
			others = append(others, fmt.Sprintf("%s: %.200q", one.Over, text))
		}
		return fmt.Errorf("it has not; the sinks have %s", strings.Join(others, "\n"))
	})
	s.trace("%s takes %q", over, words)
}
