//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/controllers"
)

// makeCheckpointKey is what docs/audit.md tells an administrator to do; one that is there stays.
func makeCheckpointKey(ctx context.Context) error {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	data, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	return client.IgnoreAlreadyExists(admin.Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: operatorNamespace, Name: controllers.CheckpointKeyName, Labels: map[string]string{strategyv1.LabelManaged: "true"}},
		Data:       map[string][]byte{"key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: data})},
	}))
}

// An auditor, with a token and two rights, reads the evidence of an incident through the API server, and verifies its log with public keys only;
// without the rights nothing is shown; and what was changed in a copy is found.
func TestAnAuditorVerifiesAnIncidentWithPublicKeysOnly(t *testing.T) {
	s := tell(t)
	playbook := s.sample("audited")
	playbook.Spec.Triage.Checks = []strategyv1.StageCheck{{Name: "stage4-audit"}}
	incident := s.report("alice", s.playbook(playbook), func(spec *strategyv1.StrategyIncidentSpec) { spec.Type, spec.Schedule = "Compliance", "" })
	s.eventually("its check is judged", time.Minute, func(ctx context.Context) error {
		if err := s.refresh(ctx, incident); err != nil {
			return err
		}
		if len(incident.Status.Checks) == 0 {
			return errors.New("it is at:\n" + describe(incident))
		}
		return nil
	})
	s.decides("alice", strategyv1.DecisionResolve, incident)
	s.reaches(incident, "Resolved", 20*time.Second)

	token := s.accountToken("auditor")
	if out, code := s.plugin(token, "evidence", "ls", incident.Name); code == 0 || !strings.Contains(out, "forbidden") && !strings.Contains(out, "may not") {
		s.Errorf("without a right: exit code %d: %s", code, out)
	}
	s.bindAccount("auditor", s.namespace, rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "strategy-operator-auditor"})
	s.bindAccount("auditor", s.namespace, rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "strategy-operator-evidence-reader"})
	if out, code := s.plugin(token, "evidence", "ls", incident.Name); code == 0 {
		s.Errorf("without the way to the manager: %s", out)
	}
	s.bindAccount("auditor", operatorNamespace, rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "strategy-operator-evidence-reach"})
	s.eventually("the auditor sees the evidence", 20*time.Second, func(context.Context) error {
		out, code := s.plugin(token, "evidence", "ls", incident.Name)
		for _, part := range []string{"log/000001.json", "checks/triage-stage4-audit-1.json", "report-"} {
			if code != 0 || !strings.Contains(out, part) {
				return fmt.Errorf("exit code %d, no %s: %s", code, part, out)
			}
		}
		return nil
	})
	copied := filepath.Join(s.TempDir(), "evidence")
	if out, code := s.plugin(token, "evidence", "export", incident.Name, "--to", copied); code != 0 {
		s.Errorf("export: exit code %d: %s", code, out)
	}
	if out, code := s.plugin(token, "log", "show", incident.Name); code != 0 || !strings.Contains(out, "closed") {
		s.Errorf("log show: exit code %d: %s", code, out)
	}
	public, checkpoint := s.anchored(incident, token)
	for _, arguments := range [][]string{{"evidence", "verify", incident.Name}, {"postmortem", incident.Name}} {
		if out, code := s.plugin(token, arguments...); code != 0 {
			s.Errorf("%v: exit code %d: %s", arguments, code, out)
		}
	}
	s.provesIn(incident, public, checkpoint)
}

// anchored waits until the log of an incident is in the tree, as the manager serves it, and returns the files of the public keys and the newest
// checkpoint.
func (s *story) anchored(incident *strategyv1.StrategyIncident, token string) (public, checkpoint string) {
	s.Helper()
	public = filepath.Join(s.TempDir(), "public-keys.pem")
	checkpoint = public + ".checkpoint"
	s.eventually("its log is in the tree", time.Minute, func(ctx context.Context) error {
		var anchor corev1.ConfigMap
		if err := admin.Get(ctx, client.ObjectKey{Namespace: operatorNamespace, Name: controllers.AnchorName}, &anchor); err != nil {
			return err
		}
		if err := os.WriteFile(public, []byte(anchor.Data["public-keys.pem"]), 0o600); err != nil {
			return err
		}
		if err := os.WriteFile(checkpoint, []byte(anchor.Data[s.namespace]), 0o600); err != nil {
			return err
		}
		out, code := s.plugin(token, "log", "verify", "incident/"+incident.Name, "--public", public, "--checkpoint", checkpoint)
		if code != 0 || !strings.Contains(out, "verified") {
			return fmt.Errorf("verify: exit code %d: %s", code, out)
		}
		return nil
	})
	return public, checkpoint
}

// provesIn verifies and proves the log of an incident in the bucket itself, where that lies on this machine, and finds what is changed in a copy.
func (s *story) provesIn(incident *strategyv1.StrategyIncident, public, checkpoint string) {
	s.Helper()
	if !local {
		return
	}
	s.must(s.refresh(s.ctx, incident))
	folder := filepath.Join(bucket, incident.Status.Log.Prefix)
	last := strings.TrimPrefix(incident.Status.Log.Prefix, s.namespace+"/") + fmt.Sprintf("log/%06d.json", *incident.Status.Log.Entries)
	for _, arguments := range [][]string{
		{"log", "verify", folder, "--public", public, "--checkpoint", checkpoint},
		{"log", "prove", filepath.Join(bucket, s.namespace), last, "--public", public},
	} {
		if out, code := s.plugin("", arguments...); code != 0 {
			s.Errorf("%v: exit code %d: %s", arguments, code, out)
		}
	}
	bad := s.TempDir()
	s.must(os.CopyFS(filepath.Join(bad, s.namespace), os.DirFS(filepath.Join(bucket, s.namespace))))
	first := filepath.Join(bad, incident.Status.Log.Prefix, "log/000001.json")
	text, err := os.ReadFile(first)
	s.must(err)
	s.must(os.WriteFile(first, bytes.Replace(text, []byte("alice"), []byte("mallo"), 1), 0o600))
	if out, code := s.plugin("", "log", "verify", filepath.Dir(filepath.Dir(first)), "--public", public); code != 2 || !strings.Contains(out, "000001.json") {
		s.Errorf("what was changed is not found: exit code %d: %s", code, out)
	}
}

// plugin runs the plugin in the namespace of the story, with a token if there is one; both of its outputs.
func (s *story) plugin(token string, arguments ...string) (out string, code int) {
	s.Helper()
	arguments = append(arguments, "-n", s.namespace)
	if token != "" {
		arguments = append(arguments, "--token="+token, "--server="+server.Host, "--certificate-authority="+s.authority(), "--kubeconfig=/dev/null")
	}
	cmd := exec.CommandContext(s.ctx, filepath.Join(mustAbs(repository), "bin/kubectl-strategy"), arguments...)
	text, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		s.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

// authority is the file of whoever vouches for the API server.
func (s *story) authority() string {
	s.Helper()
	if server.CAFile != "" {
		return server.CAFile
	}
	file := filepath.Join(s.TempDir(), "ca.crt")
	s.must(os.WriteFile(file, server.CAData, 0o600))
	return file
}

// accountToken makes a service account for the rest of the story, and a token of it.
func (s *story) accountToken(name string) string {
	s.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: name, Labels: ours}}
	s.must(admin.Create(s.ctx, account))
	s.Cleanup(func() { _ = admin.Delete(context.WithoutCancel(s.ctx), account) })
	token, err := clientset.CoreV1().ServiceAccounts(s.namespace).CreateToken(s.ctx, name, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	s.must(err)
	return token.Status.Token
}

// bindAccount gives a service account of the story a role in a namespace, for the rest of the story.
func (s *story) bindAccount(name, in string, role rbacv1.RoleRef) {
	s.Helper()
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: in, Name: s.namespace + "-" + role.Name, Labels: ours}, RoleRef: role,
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: s.namespace, Name: name}},
	}
	s.must(admin.Create(s.ctx, binding))
	s.Cleanup(func() { _ = admin.Delete(context.WithoutCancel(s.ctx), binding) })
}
