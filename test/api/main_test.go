// Package api_test tests what the API server decides: the schemas of the four kinds, the admission policies, the roles.
// One API server for the package, with everything installed as `kubectl apply -k` would; no controllers.
package api_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/test/attack"
)

const (
	repository = "../.."
	operator   = "system:serviceaccount:strategy-operator-system:strategy-operator"
	namespaces = "system:serviceaccount:kube-system:namespace-controller"
	collector  = "system:serviceaccount:kube-system:generic-garbage-collector"
	digest     = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

	// onlyItself are the words that the operator looks for when it proves that the policies are in force.
	onlyItself = "a client may only name itself"
)

// What the API server is, once TestMain has started it. admin is in system:masters, which may do everything.
var (
	server     *rest.Config
	kubeconfig []byte // of admin
	admin      client.Client
	scheme     = runtime.NewScheme()
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if err := assets(); err != nil {
		return 0, err
	}
	environment := &envtest.Environment{
		CRDDirectoryPaths:        []string{filepath.Join(repository, "config/crd/bases")},
		ErrorIfCRDPathMissing:    true,
		ControlPlaneStartTimeout: time.Minute,
	}
	defer func() { err = errors.Join(err, environment.Stop()) }()
	if server, err = environment.Start(); err != nil {
		return 0, fmt.Errorf("start the API server: %w", err)
	}
	kubeconfig = environment.KubeConfig
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, strategyv1.AddToScheme} {
		if err := add(scheme); err != nil {
			return 0, err
		}
	}
	if admin, err = client.New(server, client.Options{Scheme: scheme}); err != nil {
		return 0, err
	}
	admin = client.WithFieldValidation(admin, metav1.FieldValidationStrict) // a typing error in a manifest is an error
	admin = naming(admin, "admin")
	if err := install(context.Background()); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// assets: a machine without the programs must not look like one where the tests pass.
func assets() error {
	folder := os.Getenv("KUBEBUILDER_ASSETS")
	for _, program := range []string{"etcd", "kube-apiserver", "kubectl"} {
		if _, err := os.Stat(filepath.Join(folder, program)); folder == "" || err != nil {
			return fmt.Errorf("KUBEBUILDER_ASSETS=%q has no %s; run `make test`, or build them and use the folder that this prints: "+
				"cd hack/cluster && go run . assets --dir ../../.cluster", folder, program)
		}
	}
	return nil
}

// install applies everything, then a namespace as the demo has it: served, with alice and bob.
func install(ctx context.Context) error {
	trading := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "trading", Labels: map[string]string{strategyv1.LabelServe: "false"}}}
	if err := admin.Create(ctx, trading); err != nil {
		return err
	}
	usual := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}} // tests of one object are there
	if err := admin.Patch(ctx, usual, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"`+strategyv1.LabelServe+`":"false"}}}`))); err != nil {
		return err
	}
	for _, folder := range []string{installed(), "config/namespace"} {
		objects, err := rendered(folder)
		if err != nil {
			return err
		}
		for _, object := range objects {
			if object.GetKind() == "CustomResourceDefinition" {
				continue // installed before, and waited for
			}
			if err := admin.Create(ctx, object); err != nil {
				return fmt.Errorf("%s: %s %s: %w", folder, object.GetKind(), object.GetName(), err)
			}
		}
	}
	if err := letInEverywhere(ctx); err != nil {
		return err
	}
	people, err := fromFile("config/samples/demo/users.yaml")
	if err != nil {
		return err
	}
	for _, object := range people {
		if err := admin.Create(ctx, object); err != nil {
			return err
		}
	}
	return policiesInForce(ctx)
}

// everywhere is a group that has what config/namespace gives, in all namespaces: worlds come and go faster than roles are taken up.
const everywhere = "everywhere"

// reviewers are approvers in all namespaces.
const reviewers = "reviewers"

func letInEverywhere(ctx context.Context) error {
	secrets := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "every-secret"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"get"}},
	}}
	objects := []client.Object{secrets}
	for role, group := range map[string]string{"strategy-operator-namespace": everywhere, secrets.Name: everywhere, "strategy-operator-approver": reviewers} {
		objects = append(objects, &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: "everywhere-" + role},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "Group", Name: group}},
		})
	}
	for _, object := range objects {
		if err := admin.Create(ctx, object); err != nil {
			return err
		}
	}
	return nil
}

// rendered is what `kubectl apply -k` would send. It looks at the folders of manifests itself, too: go test knows of no files
// that kubectl reads, and would give the result from before they changed.
func rendered(folder string) ([]*unstructured.Unstructured, error) {
	if err := filepath.WalkDir(filepath.Join(repository, "config"), func(_ string, _ fs.DirEntry, err error) error { return err }); err != nil {
		return nil, err
	}
	command := exec.Command(filepath.Join(os.Getenv("KUBEBUILDER_ASSETS"), "kubectl"), "kustomize", filepath.Join(repository, folder))
	var stderr strings.Builder
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("kubectl kustomize %s: %w: %s", folder, err, stderr.String())
	}
	return decode(output)
}

func fromFile(path string) ([]*unstructured.Unstructured, error) {
	data, err := os.ReadFile(filepath.Join(repository, path))
	if err != nil {
		return nil, err
	}
	return decode(data)
}

func decode(data []byte) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096)
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(object)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		if len(object.Object) > 0 {
			objects = append(objects, object)
		}
	}
}

// policiesInForce waits until every policy acts: the API server takes them up some time after they were created.
func policiesInForce(ctx context.Context) error {
	stamped := func(object client.Object) func() (bool, error) {
		return func() (bool, error) {
			sent := object.DeepCopyObject().(client.Object)
			err := admin.Create(ctx, sent, client.DryRunAll)
			return err == nil && *author(sent) != "", err
		}
	}
	checked := errors.Join(
		eventually(ctx, forgedIsRefused(ctx, admin, decision("Deny", "mallory"))),
		eventually(ctx, forgedIsRefused(ctx, admin, incident("mallory"))),
		eventually(ctx, forgedIsRefused(ctx, admin, rollback("mallory"))),
	)
	if !stamps() {
		return checked
	}
	return errors.Join(checked,
		eventually(ctx, stamped(decision("Deny", ""))),
		eventually(ctx, stamped(incident(""))),
		eventually(ctx, stamped(rollback(""))),
	)
}

func forgedIsRefused(ctx context.Context, by client.Client, object client.Object) func() (bool, error) {
	return func() (bool, error) {
		err := by.Create(ctx, object.DeepCopyObject().(client.Object), client.DryRunAll)
		return err != nil && strings.Contains(err.Error(), onlyItself), err
	}
}

// eventually asks again until it is so. The last error is only why it is not so yet: roles and policies take effect some
// time after they were created, and the API server reads the kinds that it stamps from its own OpenAPI document.
func eventually(ctx context.Context, so func() (bool, error)) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, 30*time.Second, true, func(context.Context) (bool, error) {
		var held bool
		held, last = so()
		return held, nil
	})
	if err != nil {
		return errors.Join(err, last)
	}
	return nil
}

// as is a client of that user.
func as(user string) client.Client { return naming(bare(user), user) }

// bare is a client of that user that sends what it is given.
func bare(user string) client.Client { return in(user, "system:authenticated") }

func impersonating(user, group string) *rest.Config {
	config := rest.CopyConfig(server)
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: []string{group}}
	return config
}

// in is a client of that user in a group.
func in(user, group string) client.Client {
	acting, err := client.New(impersonating(user, group), client.Options{Scheme: scheme, Mapper: admin.RESTMapper()})
	if err != nil {
		panic(err) // the same configuration worked for admin
	}
	return acting
}

func decision(verdict strategyv1.DecisionVerdict, by string) *strategyv1.StrategyDecision {
	object := &strategyv1.StrategyDecision{
		ObjectMeta: metav1.ObjectMeta{Namespace: "trading", GenerateName: "decision-"},
		Spec: strategyv1.StrategyDecisionSpec{
			Target:  strategyv1.DecisionTarget{Kind: strategyv1.KindRollback, Name: "pause"},
			Verdict: verdict, By: by, Reason: "checked with the desk",
		},
	}
	switch verdict {
	case strategyv1.DecisionAcknowledge, strategyv1.DecisionEscalate, strategyv1.DecisionFalseAlarm, strategyv1.DecisionResolve:
		object.Spec.Target = strategyv1.DecisionTarget{Kind: strategyv1.KindIncident, Name: "loss"}
	case strategyv1.DecisionHold, strategyv1.DecisionRelease:
		object.Spec.Target = strategyv1.DecisionTarget{Kind: strategyv1.KindPlaybook, Name: "multi-strategy"}
	case strategyv1.DecisionApprove, strategyv1.DecisionOverride, strategyv1.DecisionRenew:
		object.Spec.Digest = digest
	}
	return object
}

func incident(requestedBy string) *strategyv1.StrategyIncident {
	return &strategyv1.StrategyIncident{
		ObjectMeta: metav1.ObjectMeta{Namespace: "trading", GenerateName: "loss-"},
		Spec:       strategyv1.StrategyIncidentSpec{PlaybookName: "multi-strategy", Type: "PnL", RequestedBy: requestedBy},
	}
}

func rollback(requestedBy string) *strategyv1.StrategyRollback {
	return &strategyv1.StrategyRollback{
		ObjectMeta: metav1.ObjectMeta{Namespace: "trading", GenerateName: "pause-"},
		Spec: strategyv1.StrategyRollbackSpec{
			PlaybookName: "multi-strategy", RequestedBy: requestedBy,
			Actions: []strategyv1.RollbackAction{{Type: strategyv1.ActionDisableSchedule, Schedule: "cross_exchange_watch"}},
		},
	}
}

// refused checks an answer: empty words want the request accepted.
var refused = attack.Refused

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
