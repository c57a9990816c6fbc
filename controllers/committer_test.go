package controllers

import (
	"context"
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"github.com/go-logr/logr/funcr"
	"golang.org/x/crypto/ssh"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/signals"
	"tradeops.dev/strategy-operator/internal/writeback"
)

// oneSecret is an API server that has one Secret, or answers with an error.
type oneSecret struct {
	client.Reader
	secret *corev1.Secret
	err    error
}

func (s *oneSecret) Get(_ context.Context, at client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	if s.err != nil {
		return s.err
	}
	if s.secret == nil || client.ObjectKeyFromObject(s.secret) != at {
		return apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, at.Name)
	}
	s.secret.DeepCopyInto(object.(*corev1.Secret))
	return nil
}

const (
	gitHTTPS = "https://git.example.com/config.git"
	gitSSH   = "ssh://git@git.example.com/config.git"
	// hunter2 is in everything that must not be told.
	hunter2 = "hunter2"
)

// keyOf is something that calls itself a private key, or a certificate.
func keyOf(kind string) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte(hunter2)}))
}

// sshKeyPair is a real one.
func sshKeyPair(t *testing.T) (private, public string) {
	t.Helper()
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	block, err := ssh.MarshalPrivateKey(key, "test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(block)), string(ssh.MarshalAuthorizedKey(signer.PublicKey()))
}

// What is wrong with the Secret of a repository is said with the key and what to do, for somebody to act, before a server is asked; no value of it is told, in
// no status and no log.
func TestASecretOfARepository(t *testing.T) {
	at := types.NamespacedName{Namespace: "trading", Name: "git"}
	with := func(values ...string) *corev1.Secret {
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: at.Namespace, Name: at.Name, Labels: map[string]string{strategyv1.LabelManaged: strategyv1.ManagedValue}}, Data: map[string][]byte{}}
		for i := 0; i < len(values); i += 2 {
			secret.Data[values[i]] = []byte(values[i+1])
		}
		return secret
	}
	unlabelled := with("url", gitHTTPS, "password", hunter2)
	unlabelled.Labels = nil
	sshKey, sshPublic := sshKeyPair(t)
	for name, c := range map[string]struct {
		live oneSecret
		url  string
		kind writeback.Kind
		says string
	}{
		"that does not exist":          {oneSecret{}, gitHTTPS, writeback.Invalid, `Secret trading/git with the credentials of the repository does not exist; create it with the keys "url"`},
		"that is not opted in":         {oneSecret{secret: unlabelled}, gitHTTPS, writeback.Invalid, "kubectl label secret git -n trading"},
		"that may not be read":         {oneSecret{err: apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "git", errors.New("rbac"))}, gitHTTPS, writeback.Invalid, "Role strategy-operator-secrets in namespace trading"},
		"of an API server that is off": {oneSecret{err: errors.New("dial tcp 10.0.0.1: refused")}, gitHTTPS, writeback.Unreachable, "the API server gives no answer"},
		"for another URL":              {oneSecret{secret: with("url", "https://"+hunter2+".example.com", "password", hunter2)}, gitHTTPS, writeback.Invalid, "lets it be used for another URL"},
		"without a URL":                {oneSecret{secret: with("password", hunter2)}, gitHTTPS, writeback.Invalid, "lets it be used for another URL"},
		"with a blank password":        {oneSecret{secret: with("url", gitHTTPS, "username", hunter2, "password", " \n")}, gitHTTPS, writeback.Invalid, `Secret trading/git, key "password", is empty`},
		"with a name alone":            {oneSecret{secret: with("url", gitHTTPS, "username", hunter2)}, gitHTTPS, writeback.Invalid, `key "username", has no key "password" beside it`},
		"with a token of two lines":    {oneSecret{secret: with("url", gitHTTPS, "bearerToken", hunter2+"\nX-Evil: 1")}, gitHTTPS, writeback.Invalid, `key "bearerToken", has several lines`},
		"with a key too large":         {oneSecret{secret: with("url", gitSSH, "identity", strings.Repeat(hunter2, 10_000))}, gitSSH, writeback.Invalid, `key "identity", has 70000 bytes; at most 65536 are read`},
		"with an empty authority":      {oneSecret{secret: with("url", gitHTTPS, "password", hunter2, "ca.crt", "")}, gitHTTPS, writeback.Invalid, `key "ca.crt", is empty`},
		"with a broken authority":      {oneSecret{secret: with("url", gitHTTPS, "password", hunter2, "ca.crt", keyOf("CERTIFICATE"))}, gitHTTPS, writeback.Invalid, "key ca.crt holds a certificate that cannot be read"},
		"with no key that signs":       {oneSecret{secret: with("url", gitHTTPS, "password", hunter2, "signing-key", hunter2)}, gitHTTPS, writeback.Invalid, "signing-key"},
		"of SSH, without a key":        {oneSecret{secret: with("url", gitSSH, "known_hosts", "git.example.com ssh-ed25519 "+hunter2)}, gitSSH, writeback.Invalid, "key identity holds no private key"},
		"of SSH, with a wrong key":     {oneSecret{secret: with("url", gitSSH, "identity", keyOf("OPENSSH PRIVATE KEY"), "known_hosts", "x")}, gitSSH, writeback.Invalid, "key identity holds no private key"},
		"of SSH, without known_hosts":  {oneSecret{secret: with("url", gitSSH, "identity", sshKey)}, gitSSH, writeback.Invalid, "has no key known_hosts"},
		"of SSH, of another host":      {oneSecret{secret: with("url", gitSSH, "identity", sshKey, "known_hosts", "other.example.com "+sshPublic)}, gitSSH, writeback.Invalid, "known_hosts has no key for git.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			var logged strings.Builder
			ctx := log.IntoContext(t.Context(), funcr.New(func(prefix, args string) { logged.WriteString(prefix + args + "\n") }, funcr.Options{Verbosity: 9}))
			allow, err := signals.ParseAllow("git.example.com")
			if err != nil {
				t.Fatal(err)
			}
			r := &committer{reader: &reader{keys: &keys{Live: &c.live}}}
			job := writeback.Job{
				Repository: writeback.Repository{URL: c.url, Branch: "main", Path: "core.yaml"}, Namespace: at.Namespace, Name: "less", UID: "u",
			}
			if job.Credentials, err = r.credentials(ctx, at, c.url); err == nil { // with these nobody is asked either
				_, err = writeback.New(signals.Options{Allow: allow, Failed: func(_ context.Context, _ string, err error) { logged.WriteString(err.Error()) }}).Write(ctx, job)
			}
			failure, ok := errors.AsType[*writeback.Failure](err)
			if !ok || failure.Kind != c.kind || !strings.Contains(failure.Problem, c.says) {
				t.Fatalf("%#v", err)
			}
			problem, person := problemOf(err)
			if person != (c.kind == writeback.Invalid) {
				t.Errorf("somebody has to act: %v", person)
			}
			if told := problem.Message + logged.String(); strings.Contains(told, hunter2) {
				t.Errorf("it tells what is secret: %s", told)
			}
		})
	}
}
