package writeback_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"tradeops.dev/strategy-operator/internal/signals"
	"tradeops.dev/strategy-operator/internal/writeback"
)

func TestASSHServerIsRecognised(t *testing.T) {
	t.Parallel()
	host, _ := keyPair(t)
	other, _ := keyPair(t)
	mine, private := keyPair(t)
	_, stranger := keyPair(t)
	r := newRepository(t, document)
	url := r.serveSSH(host, mine.PublicKey())
	address, _, _ := strings.Cut(strings.TrimPrefix(url, "ssh://git@"), "/")
	known := knownhosts.Line([]string{address}, host.PublicKey())
	for name, c := range map[string]struct {
		hosts, identity string
		kind            writeback.Kind // empty: it works
		part            string
	}{
		"by its key":                {known, private, "", ""},
		"by a hashed name":          {knownhosts.HashHostname(knownhosts.Normalize(address)) + " " + authorized(host.PublicKey()), private, "", ""},
		"among others":              {"# all of ours\n" + knownhosts.Line([]string{"git.example.com"}, other.PublicKey()) + "\n" + known + "\n", private, "", ""},
		"without any":               {"", private, writeback.Invalid, "has no key known_hosts"},
		"without its own":           {knownhosts.Line([]string{"git.example.com"}, host.PublicKey()), private, writeback.Invalid, "has no key for"},
		"by somebody else's key":    {knownhosts.Line([]string{address}, other.PublicKey()), private, writeback.Invalid, "another key than known_hosts"},
		"by a key that was revoked": {known + "\n@revoked * " + authorized(host.PublicKey()), private, writeback.Invalid, "another key than known_hosts"},
		"by what is no such file":   {"a b c", private, writeback.Invalid, "cannot be read"},
		"with a key it knows not":   {known, stranger, writeback.Refused, "does not accept the key"},
		"without a key":             {known, "", writeback.Invalid, "holds no private key"},
	} {
		t.Run(name, func(t *testing.T) {
			job := jobFor(url)
			job.Credentials = writeback.Credentials{Identity: c.identity, KnownHosts: c.hosts}
			if c.kind == "" {
				write(t, job)
				return
			}
			_, err := writer(t).Write(t.Context(), job)
			if failure, ok := errors.AsType[*writeback.Failure](err); !ok || failure.Kind != c.kind || !strings.Contains(failure.Problem, c.part) {
				t.Errorf("%#v", err)
			}
		})
	}
}

func authorized(key ssh.PublicKey) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

// TestASignedCommit is believed by Git itself, where it has the program for it.
func TestASignedCommit(t *testing.T) {
	t.Parallel()
	t.Run("by SSH", func(t *testing.T) {
		t.Parallel()
		if _, err := exec.LookPath("ssh-keygen"); err != nil {
			t.Skip("Git verifies such signatures by ssh-keygen, which is not here")
		}
		key, private := keyPair(t)
		r := newRepository(t, document)
		job := jobFor(r.serveHTTP(nil))
		job.Credentials.SigningKey = private
		write(t, job)
		signers := filepath.Join(t.TempDir(), "signers")
		if err := os.WriteFile(signers, []byte("ops@example.com "+authorized(key.PublicKey())+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		r.Git("-c", "gpg.ssh.allowedSignersFile="+signers, "verify-commit", "main")
	})
	t.Run("by OpenPGP", func(t *testing.T) {
		t.Parallel()
		entity, err := openpgp.NewEntity("ops", "", "ops@example.com", nil)
		if err != nil {
			t.Fatal(err)
		}
		var private bytes.Buffer
		armored, err := armor.Encode(&private, openpgp.PrivateKeyType, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := entity.SerializePrivate(armored, nil); err != nil {
			t.Fatal(err)
		}
		if err := armored.Close(); err != nil {
			t.Fatal(err)
		}
		r := newRepository(t, document)
		job := jobFor(r.serveHTTP(nil))
		job.Credentials.SigningKey = private.String()
		write(t, job)
		signed, signature := signatureOf(r.Git("cat-file", "commit", "main") + "\n")
		if _, err := openpgp.CheckArmoredDetachedSignature(openpgp.EntityList{entity}, strings.NewReader(signed), strings.NewReader(signature), nil); err != nil {
			t.Errorf("%v of:\n%s", err, signed)
		}
	})
	t.Run("by what is no key", func(t *testing.T) {
		t.Parallel()
		for _, key := range []string{"nonsense", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nx\n-----END PGP PRIVATE KEY BLOCK-----"} {
			job := jobFor("https://git.trading/config.git")
			job.Credentials.SigningKey = key
			fails(t, job, writeback.Invalid, "signing-key holds")
		}
	})
}

// signatureOf takes the signature out of a commit, as it is stored.
func signatureOf(commit string) (signed, signature string) {
	var rest, sig strings.Builder
	in := false
	for line := range strings.Lines(commit) {
		if after, found := strings.CutPrefix(line, "gpgsig "); found {
			in = true
			sig.WriteString(after)
		} else if in && strings.HasPrefix(line, " ") {
			sig.WriteString(line[1:])
		} else {
			in = false
			rest.WriteString(line)
		}
	}
	return rest.String(), sig.String()
}

func TestWhereItMayBePushed(t *testing.T) {
	t.Parallel()
	allow, err := signals.ParseAllow("git.example.com:443,git.example.com:22")
	if err != nil {
		t.Fatal(err)
	}
	strict := writeback.New(signals.Options{Allow: allow})
	for name, c := range map[string]struct {
		change func(*writeback.Job)
		part   string
	}{
		"a file":                  {func(j *writeback.Job) { j.Repository.URL = "file:///etc" }, "must start with"},
		"a program":               {func(j *writeback.Job) { j.Repository.URL = "ext::sh -c x" }, "must start with"},
		"a path":                  {func(j *writeback.Job) { j.Repository.URL = "/srv/git/config.git" }, "must start with"},
		"like scp":                {func(j *writeback.Job) { j.Repository.URL = "git@git.example.com:config.git" }, "write it like"},
		"with a password":         {func(j *writeback.Job) { j.Repository.URL = "https://a:hunter2@git.example.com/config.git" }, "holds a user or a password"},
		"with a password, by SSH": {func(j *writeback.Job) { j.Repository.URL = "ssh://a:hunter2@git.example.com/config.git" }, "holds a user or a password"},
		"with a query":            {func(j *writeback.Job) { j.Repository.URL = "https://git.example.com/config.git?a=b" }, "holds a query"},
		"by SSH, without a path":  {func(j *writeback.Job) { j.Repository.URL = "ssh://git@git.example.com" }, "cannot be read"},
		"another server":          {func(j *writeback.Job) { j.Repository.URL = "https://git.evil.com/config.git" }, "does not ask this server"},
		"another server, by SSH":  {func(j *writeback.Job) { j.Repository.URL = "ssh://git@git.evil.com/config.git" }, "does not ask this server"},
		"another port":            {func(j *writeback.Job) { j.Repository.URL = "ssh://git@git.example.com:2222/config.git" }, "does not ask this server"},
		"another namespace":       {func(j *writeback.Job) { j.Repository.URL = "http://git.other/config.git" }, "does not ask this server"},
		"the cloud":               {func(j *writeback.Job) { j.Repository.URL = "http://169.254.169.254/config.git" }, "link-local"},
		"the operator's own pod":  {func(j *writeback.Job) { j.Repository.URL = "http://127.0.0.1:1/config.git" }, "does not ask this server"},
		"a branch that is none":   {func(j *writeback.Job) { j.Repository.Branch = "a..b" }, "no name of a branch"},
		"a branch of that name":   {func(j *writeback.Job) { j.Repository.PushBranch, j.Name = "ops", "less.lock" }, "no name of a branch"},
		"outside of it":           {func(j *writeback.Job) { j.Repository.Path = "../core.yaml" }, "no path of a file"},
		"from its root":           {func(j *writeback.Job) { j.Repository.Path = "/core.yaml" }, "no path of a file"},
		"nowhere":                 {func(j *writeback.Job) { j.Repository.Path = "" }, "no path of a file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			job := jobFor("https://git.example.com/config.git")
			c.change(&job)
			result, err := strict.Write(t.Context(), job)
			failure, ok := errors.AsType[*writeback.Failure](err)
			if !ok || failure.Kind != writeback.Invalid || !strings.Contains(failure.Problem, c.part) || strings.Contains(failure.Problem, "hunter2") {
				t.Errorf("%+v, %#v", result, err)
			}
		})
	}
}

func TestWhatARepositoryHasNot(t *testing.T) {
	t.Parallel()
	r := newRepository(t, document)
	url := r.serveHTTP(nil)
	r.put("link", "x", "x")
	for name, c := range map[string]struct {
		change func(*writeback.Job)
		part   string
	}{
		"the branch": {func(j *writeback.Job) { j.Repository.Branch = "prod" }, "has no branch prod"},
		"the file":   {func(j *writeback.Job) { j.Repository.Path = "clusters/test/core.yaml" }, "has no file clusters/test/core.yaml"},
		"a file":     {func(j *writeback.Job) { j.Repository.Path = "clusters/prod" }, "is a directory or a link"},
	} {
		t.Run(name, func(t *testing.T) {
			job := jobFor(url)
			c.change(&job)
			fails(t, job, writeback.Invalid, c.part)
		})
	}
}

// TestAHookThatRefuses is told by the server's word, shortened; a person has to see to it.
func TestAHookThatRefuses(t *testing.T) {
	t.Parallel()
	r := newRepository(t, document)
	hook := filepath.Join(r.Dir, "hooks", "pre-receive")
	if err := os.WriteFile(hook, []byte("#!/bin/sh\nexit 1\n"), 0o700); err != nil { //nolint:gosec // Git runs it
		t.Fatal(err)
	}
	fails(t, jobFor(r.serveHTTP(nil)), writeback.Refused, "pre-receive hook declined")
}

// TestARepositoryThatIsTooLarge is refused before it is unpacked.
func TestARepositoryThatIsTooLarge(t *testing.T) {
	t.Parallel()
	r := newRepository(t, document)
	r.put("zeroes", strings.Repeat("0", 33<<20), "many")
	fails(t, jobFor(r.serveHTTP(nil)), writeback.Invalid, "a file of more than 8 MiB")
}
