package attack

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// The people of the tables, by role; gil may update everything and delete nothing, petra writes playbooks and approves, nina creates some and does; dora
// deletes decisions and playbooks and decides nothing, dina approves, too.
const (
	victor = "victor" // viewer
	rita   = "rita"   // responder
	arno   = "arno"   // approver
	anna   = "anna"   // approver
	paul   = "paul"   // playbook-editor
	tina   = "tina"   // the built-in edit
	adam   = "adam"   // the built-in admin, and admin of the four kinds
	gil    = "gil"
	petra  = "petra"
	nina   = "nina"
	dora   = "dora"
	dina   = "dina"
)

// Who is no person.
const (
	operator      = "system:serviceaccount:strategy-operator-system:strategy-operator"
	garbage       = "system:serviceaccount:kube-system:generic-garbage-collector"
	jobController = "system:serviceaccount:kube-system:job-controller"
	replicaSets   = "system:serviceaccount:kube-system:replicaset-controller"
	controllers   = "system:kube-controller-manager" // where the controllers have no service accounts
)

// Namespace is where the attacks take place: a served one.
const Namespace = "attacked"

// exempt is a namespace whose checks need not be restricted: the cluster's administrator says so.
const exempt = "exempt"

// Server is an API server with everything installed, and what is left of it to be known here.
type Server struct {
	Admin client.Client                   // may do everything
	As    func(user string) client.Client // may do what that user may
}

// attack is one row: what somebody sends, and a part of the answer; no words: it is let through. Nothing is stored.
type attack struct {
	name, by string
	sends    func(ctx context.Context, as client.Client) error
	answer   string
}

// table is what belongs together. scene makes what the rows are about.
type table struct {
	name  string
	scene func(*testing.T, Server)
	rows  []attack
}

// Run plays all tables.
func Run(t *testing.T, server Server) {
	people(t, server)
	t.Cleanup(func() { // no operator of another test is to serve it
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: Namespace}}
		must(t, server.Admin.Patch(context.Background(), namespace, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"`+strategyv1.LabelServe+`":null}}}`))))
	})
	for _, table := range []table{metadata(), rights(), review(), kept(), names(), wildcards(), alerts(), runs(), itself()} {
		t.Run(table.name, func(t *testing.T) {
			table.scene(t, server)
			for _, row := range table.rows {
				t.Run(row.name, func(t *testing.T) {
					Refused(t, row.sends(t.Context(), server.As(row.by)), row.answer)
				})
			}
		})
	}
}

// Refused checks an answer of the API server: empty words want the request accepted.
func Refused(t *testing.T, err error, words string) {
	t.Helper()
	switch {
	case words == "" && err != nil:
		t.Errorf("refused: %v", err)
	case words != "" && err == nil:
		t.Errorf("accepted, want a refusal with %q", words)
	case words != "" && !strings.Contains(err.Error(), words):
		t.Errorf("refused with %q, want %q", err, words)
	}
}

// people makes the namespace and gives everybody their role. It waits until the last of them has it.
func people(t *testing.T, server Server) {
	t.Helper()
	put(t, server, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: Namespace, Labels: map[string]string{strategyv1.LabelServe: strategyv1.ServeValue}}})
	everything := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "attack-updates"}, Rules: []rbacv1.PolicyRule{{
		APIGroups: []string{strategyv1.GroupVersion.Group},
		Resources: []string{"strategyplaybooks", "strategyincidents", "strategyrollbacks", "strategydecisions", "strategyalerts"},
		Verbs:     []string{"get", "list", "create", "update", "patch"},
	}}}
	put(t, server, everything)
	creates := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "attack-creates"}, Rules: []rbacv1.PolicyRule{{
		APIGroups: []string{strategyv1.GroupVersion.Group}, Resources: []string{"strategyplaybooks"}, Verbs: []string{"create", "delete"},
	}}}
	put(t, server, creates)
	deletes := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "attack-deletes"}, Rules: []rbacv1.PolicyRule{{
		APIGroups: []string{strategyv1.GroupVersion.Group}, Resources: []string{"strategyplaybooks", "strategydecisions"},
		Verbs: []string{"get", "delete", "deletecollection"},
	}}}
	put(t, server, deletes)
	roles := map[string][]string{
		dora: {deletes.Name, "strategy-operator-viewer"}, dina: {deletes.Name, "strategy-operator-approver"},
		petra: {"strategy-operator-playbook-editor", "strategy-operator-approver"}, nina: {creates.Name, "strategy-operator-approver"},
		victor: {"strategy-operator-viewer"}, rita: {"strategy-operator-responder"}, arno: {"strategy-operator-approver"}, anna: {"strategy-operator-approver"},
		paul: {"strategy-operator-playbook-editor"}, operator: {"strategy-operator-namespace"}, gil: {everything.Name},
		tina: aggregated(t, server, "edit", "view"), adam: append(aggregated(t, server, "admin", "edit", "view"), "strategy-operator-admin"),
	}
	for user, names := range roles {
		for _, name := range names {
			bind(t, server, user, "ClusterRole", name)
		}
	}
	put(t, server, &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "strategy-operator-secrets"}, Rules: []rbacv1.PolicyRule{{
		APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: []string{"decision-log-key"}, Verbs: []string{"get"},
	}}})
	bind(t, server, operator, "Role", "strategy-operator-secrets")
	for user := range roles {
		until(t, func(ctx context.Context) bool {
			return server.As(user).List(ctx, &strategyv1.StrategyIncidentList{}, client.InNamespace(Namespace)) == nil
		})
	}
}

// aggregated are the roles that the controller manager would put together to a built-in one.
func aggregated(t *testing.T, server Server, builtIn ...string) (names []string) {
	t.Helper()
	for _, role := range builtIn {
		var list rbacv1.ClusterRoleList
		must(t, server.Admin.List(t.Context(), &list, client.MatchingLabels{"rbac.authorization.k8s.io/aggregate-to-" + role: "true"}))
		for _, one := range list.Items {
			if one.AggregationRule == nil {
				names = append(names, one.Name)
			}
		}
	}
	return names
}

// bind gives somebody a role in the namespace.
func bind(t *testing.T, server Server, user, kind, role string) {
	t.Helper()
	bindIn(t, server, Namespace, user, kind, role)
}

func bindIn(t *testing.T, server Server, namespace, user, kind, role string) {
	t.Helper()
	put(t, server, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "attack-"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: role},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user}},
	})
}

// put creates an object of the scene; it is left to the end of the API server, since nobody else uses the namespace.
func put(t *testing.T, server Server, object client.Object) {
	t.Helper()
	must(t, server.Admin.Create(t.Context(), sent(object)))
}

// until waits for what the API server takes up some time after it was written.
func until(t *testing.T, so func(context.Context) bool) {
	t.Helper()
	must(t, wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
		return so(ctx), nil
	}))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// create sends a copy of an object that nobody keeps.
func create(object client.Object) func(context.Context, client.Client) error {
	return func(ctx context.Context, as client.Client) error {
		return as.Create(ctx, sent(object), client.DryRunAll)
	}
}

// patch changes a part of an object, for nobody: of a built-in kind as kubectl does, which knows what a list is keyed by.
func patch(object client.Object, text string) func(context.Context, client.Client) error {
	return func(ctx context.Context, as client.Client) error {
		return as.Patch(ctx, sent(object), patchOf(object, text), client.DryRunAll)
	}
}

func patchOf(object client.Object, text string) client.Patch {
	if strings.Contains(fmt.Sprintf("%T", object), "v1alpha1.") {
		return client.RawPatch(types.MergePatchType, []byte(text))
	}
	return client.RawPatch(types.StrategicMergePatchType, []byte(text))
}

func status(object client.Object, text string) func(context.Context, client.Client) error {
	return func(ctx context.Context, as client.Client) error {
		return as.Status().Patch(ctx, sent(object), patchOf(object, text), client.DryRunAll)
	}
}

func remove(object client.Object) func(context.Context, client.Client) error {
	return func(ctx context.Context, as client.Client) error {
		return as.Delete(ctx, sent(object), client.DryRunAll)
	}
}

func sent(object client.Object) client.Object {
	copied, _ := object.DeepCopyObject().(client.Object)
	_, isNamespace := copied.(*corev1.Namespace)
	_, isClusterRole := copied.(*rbacv1.ClusterRole)
	if copied.GetNamespace() == "" && !isNamespace && !isClusterRole {
		copied.SetNamespace(Namespace)
	}
	return copied
}
