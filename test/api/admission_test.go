package api_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// The people: alice is a responder and bob an approver (config/samples/demo/users.yaml); eve has no role. dana has the
// role admin, grace the rights to update rollbacks and to decide, without any of the verbs, and carol the verbs for one
// rollback and one incident only.
func morePeople(t *testing.T) {
	t.Helper()
	group := []string{strategyv1.GroupVersion.Group}
	roles := []rbacv1.Role{
		{ObjectMeta: metav1.ObjectMeta{Name: "clerk"}, Rules: []rbacv1.PolicyRule{
			{APIGroups: group, Resources: []string{"strategyrollbacks"}, Verbs: []string{"get", "update", "patch"}},
			{APIGroups: group, Resources: []string{"strategydecisions"}, Verbs: []string{"create"}},
		}},
		{ObjectMeta: metav1.ObjectMeta{Name: "one-only"}, Rules: []rbacv1.PolicyRule{
			{APIGroups: group, Resources: []string{"strategyrollbacks"}, Verbs: []string{"approve", "restore"}, ResourceNames: []string{"pause"}},
			{APIGroups: group, Resources: []string{"strategyincidents"}, Verbs: []string{"respond"}, ResourceNames: []string{"loss"}},
			{APIGroups: group, Resources: []string{"strategyrollbacks"}, Verbs: []string{"get", "update", "patch"}},
			{APIGroups: group, Resources: []string{"strategydecisions"}, Verbs: []string{"create"}},
		}},
	}
	bindings := []rbacv1.RoleBinding{
		bound("dana", "ClusterRole", "strategy-operator-admin"), bound("grace", "Role", "clerk"), bound("carol", "Role", "one-only"),
	}
	for _, role := range roles {
		role.Namespace = "trading"
		give(t, &role)
	}
	for _, binding := range bindings {
		give(t, &binding)
	}
	for _, user := range []string{"dana", "grace", "carol"} {
		must(t, eventually(t.Context(), func() (bool, error) {
			return allowed(t, user, "trading", "update", "strategy.tradeops.dev/strategyrollbacks"), nil
		}))
	}
}

func bound(user, kind, role string) rbacv1.RoleBinding {
	return rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: user},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: role},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user}},
	}
}

// give creates an object for the length of a test.
func give(t *testing.T, object client.Object) {
	t.Helper()
	must(t, admin.Create(t.Context(), object))
	tidyUp(t, object)
}

func tidyUp(t *testing.T, object client.Object) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // cleanup runs after the test's own context has ended
	t.Cleanup(func() {
		if err := client.IgnoreNotFound(admin.Delete(ctx, object)); err != nil {
			t.Error(err)
		}
	})
}

func TestWhoMayDecide(t *testing.T) {
	morePeople(t)
	const mayNotCreate = `cannot create resource "strategydecisions"`
	may := func(verdict strategyv1.DecisionVerdict) *strategyv1.StrategyDecision { return decision(verdict, "") }
	forged := func(verdict strategyv1.DecisionVerdict, by string) *strategyv1.StrategyDecision {
		return decision(verdict, by)
	}
	about := func(name string, object *strategyv1.StrategyDecision) *strategyv1.StrategyDecision {
		object.Spec.Target.Name = name
		return object
	}
	in := func(namespace string, object *strategyv1.StrategyDecision) *strategyv1.StrategyDecision {
		object.Namespace = namespace
		return object
	}
	without := func(object *strategyv1.StrategyDecision) *strategyv1.StrategyDecision {
		object.Spec.PlanDigest = ""
		return object
	}
	tests := []struct {
		name, user string
		sends      *strategyv1.StrategyDecision
		want       string
	}{
		{"a responder escalates", "alice", may("Escalate"), ""},
		{"a responder calls a false alarm", "alice", may("FalseAlarm"), ""},
		{"a responder resolves", "alice", may("Resolve"), ""},
		{"a responder does not approve", "alice", may("Approve"), "alice may not Approve: the verb approve on strategyrollbacks in namespace trading is not granted"},
		{"a responder does not deny", "alice", may("Deny"), "alice may not Deny: the verb approve on strategyrollbacks in namespace trading is not granted"},
		{"a responder does not restore", "alice", may("Restore"), "alice may not Restore: the verb restore on strategyrollbacks in namespace trading is not granted"},
		{"an approver approves", "bob", may("Approve"), ""},
		{"an approver denies", "bob", may("Deny"), ""},
		{"an approver restores", "bob", may("Restore"), ""},
		{"an approver escalates", "bob", may("Escalate"), ""},
		{"an approver names the plan", "bob", without(may("Approve")), "Approve names the plan"},
		{"an approver may say that it is them", "bob", forged("Approve", "bob"), ""},
		{"an approver forges another", "bob", forged("Approve", "carol"), `a client may only name itself: by is "carol", the request comes from "bob"`},
		{"an approver forges with a line break", "bob", forged("Approve", "carol\nbob"), onlyItself},
		{"a responder forges an approver", "alice", forged("Approve", "bob"), onlyItself},
		{"case matters", "bob", forged("Approve", "Bob"), onlyItself},
		{"an approver elsewhere", "bob", in("default", may("Approve")), mayNotCreate},
		{"nobody in particular", "eve", may("Escalate"), mayNotCreate},
		{"nobody in particular, forged", "eve", forged("Approve", "bob"), mayNotCreate},
		{"the right to decide alone responds to nothing", "grace", may("Resolve"), "grace may not Resolve: the verb respond on strategyincidents in namespace trading is not granted"},
		{"the right to decide alone approves nothing", "grace", may("Approve"), "grace may not Approve"},
		{"a verb for one rollback", "carol", may("Approve"), ""},
		{"a verb for one rollback, for another", "carol", about("other", may("Approve")), "carol may not Approve"},
		{"a verb for one incident", "carol", may("FalseAlarm"), ""},
		{"a verb for one incident, for another", "carol", about("other", may("FalseAlarm")), "carol may not FalseAlarm"},
		{"the role admin decides", "dana", may("Approve"), ""},
		{"the role admin forges nobody", "dana", forged("Approve", "bob"), onlyItself},
		{"the cluster's administrator forges nobody", "admin", forged("Approve", "bob"), onlyItself},
		{"the operator finds a forged approval refused", operator, forged("Approve", "strategy-operator:forged"), onlyItself},
		{"the operator finds a forged restore refused", operator, forged("Restore", "bob"), onlyItself},
		{"the operator finds a forged escalation refused", operator, forged("Escalate", "bob"), onlyItself},
		{"the operator itself approves nothing", operator, may("Approve"), operator + " may not Approve"},
		{"the operator itself responds to nothing", operator, may("FalseAlarm"), operator + " may not FalseAlarm"},
		{"the operator itself restores nothing", operator, may("Restore"), operator + " may not Restore"},
		{"the operator proves it in a namespace that it does not serve", operator, in("default", forged("Approve", "bob")), onlyItself},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			by := as(test.user)
			if test.user == "admin" {
				by = admin
			}
			err := by.Create(t.Context(), test.sends, client.DryRunAll)
			refused(t, err, test.want)
			if err == nil && test.sends.Spec.By != test.user {
				t.Errorf("by = %q, want %q", test.sends.Spec.By, test.user)
			}
		})
	}
}

func TestWhoMayAsk(t *testing.T) {
	morePeople(t)
	tests := []struct {
		name, user string
		sends      client.Object
		want       string
		author     string
	}{
		{"a responder reports", "alice", incident(""), "", "alice"},
		{"a responder reports and says so", "alice", incident("alice"), "", "alice"},
		{"a responder reports for another", "alice", incident("bob"), `a client may only name itself: requestedBy is "bob", the request comes from "alice"`, ""},
		{"a responder asks for no rollback", "alice", rollback(""), `cannot create resource "strategyrollbacks"`, ""},
		{"an approver asks", "bob", rollback(""), "", "bob"},
		{"an approver asks and says so", "bob", rollback("bob"), "", "bob"},
		// else bob could approve it himself
		{"an approver asks for another", "bob", rollback("alice"), `a client may only name itself: requestedBy is "alice", the request comes from "bob"`, ""},
		{"the role admin does not delegate", "dana", rollback("alice"), onlyItself, ""},
		{"the role admin does not report for another", "dana", incident("alice"), onlyItself, ""},
		{"the cluster's administrator does not report for another", "admin", incident("alice"), onlyItself, ""},
		{"eve reports nothing", "eve", incident(""), `cannot create resource "strategyincidents"`, ""},
		{"eve asks for nothing", "eve", rollback(""), `cannot create resource "strategyrollbacks"`, ""},
		{"the operator names the reporter", operator, rollback("alice"), "", "alice"},
		{"the operator names nobody", operator, rollback(""), "", operator},
		{"the operator reports nothing", operator, incident(""), `cannot create resource "strategyincidents"`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			by := as(test.user)
			if test.user == "admin" {
				by = admin
			}
			err := by.Create(t.Context(), test.sends, client.DryRunAll)
			refused(t, err, test.want)
			if got := author(test.sends); err == nil && got != test.author {
				t.Errorf("requestedBy = %q, want %q", got, test.author)
			}
		})
	}
}

func TestWhoMayRestore(t *testing.T) {
	morePeople(t)
	for _, name := range []string{"pause", "other"} {
		object := rollback("")
		object.GenerateName, object.Name = "", name
		give(t, object)
	}
	const (
		restore = `{"spec":{"desiredState":"Restored"}}`
		mayNot  = " may not change desiredState: the verb restore on strategyrollbacks in namespace trading is not granted"
	)
	tests := []struct {
		name, user, rollback, patch, want string
	}{
		{"with update and the verb", "dana", "pause", restore, ""},
		{"with update alone", "grace", "pause", restore, "grace" + mayNot},
		{"with update and the verb for this one", "carol", "pause", restore, ""},
		{"with update and the verb for another one", "carol", "other", restore, "carol" + mayNot},
		{"with the verb alone", "bob", "pause", restore, `cannot patch resource "strategyrollbacks"`},
		{"with nothing", "eve", "pause", restore, `cannot patch resource "strategyrollbacks"`},
		{"the operator", operator, "pause", restore, `cannot patch resource "strategyrollbacks"`},
		{"nothing changes", "grace", "pause", `{"spec":{"desiredState":"Applied"}}`, ""},
		{"the default comes back", "grace", "pause", `{"spec":{"desiredState":null}}`, ""},
		{"another reason", "grace", "pause", `{"spec":{"reason":"other"}}`, "only desiredState of a rollback may change"},
		{"labels", "grace", "pause", `{"metadata":{"labels":{"desk":"crypto"}}}`, ""},
		{"finalizers", "grace", "pause", `{"metadata":{"finalizers":["example.com/keep"]}}`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			object := rollback("")
			object.GenerateName, object.Name = "", test.rollback
			patch := client.RawPatch(types.MergePatchType, []byte(test.patch))
			refused(t, as(test.user).Patch(t.Context(), object, patch, client.DryRunAll), test.want)
		})
	}
}

func TestReplay(t *testing.T) {
	approval := decision("Approve", "")
	approval.GenerateName, approval.Name = "", "approve-pause"
	must(t, as("bob").Create(t.Context(), approval))
	tidyUp(t, approval)
	again := func(change func(*strategyv1.StrategyDecision)) *strategyv1.StrategyDecision {
		copied := approval.DeepCopy()
		copied.ResourceVersion, copied.UID = "", ""
		change(copied)
		return copied
	}
	if err := as("bob").Create(t.Context(), again(func(*strategyv1.StrategyDecision) {})); !apierrors.IsAlreadyExists(err) {
		t.Errorf("the same record twice: %v", err)
	}
	copied := again(func(d *strategyv1.StrategyDecision) { d.Name = "approve-pause-copy" })
	refused(t, as("alice").Create(t.Context(), copied), `by is "bob", the request comes from "alice"`)

	changed := approval.DeepCopy()
	changed.Spec.PlanDigest = strings.Replace(digest, "0", "f", 1)
	refused(t, as("bob").Update(t.Context(), changed), `cannot update resource "strategydecisions"`)
	refused(t, admin.Update(t.Context(), changed), "a decision is a record and cannot be changed")
	refused(t, as("bob").Delete(t.Context(), approval), `cannot delete resource "strategydecisions"`)
	refused(t, as(operator).Delete(t.Context(), approval), `cannot delete resource "strategydecisions"`)
}

// TestApplyAgain: who applies a manifest again, by another tool, does not lose the stamp and changes nothing.
func TestApplyAgain(t *testing.T) {
	manifest := parse(t, validIncident)
	manifest.SetGenerateName("")
	manifest.SetName("applied")
	manifest.SetNamespace("trading")
	var versions []string
	for _, owner := range []string{"kubectl", "flux", "flux"} {
		sent := manifest.DeepCopy()
		must(t, admin.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(sent), client.FieldOwner(owner), client.ForceOwnership))
		stored := incident("")
		stored.GenerateName, stored.Name = "", "applied"
		must(t, admin.Get(t.Context(), client.ObjectKeyFromObject(stored), stored))
		if stored.Spec.RequestedBy != "admin" {
			t.Errorf("applied by %s: requestedBy = %q", owner, stored.Spec.RequestedBy)
		}
		versions = append(versions, stored.ResourceVersion)
	}
	if versions[1] != versions[2] {
		t.Errorf("applying again changed something: %v", versions)
	}
}

// TestWithoutStamps: the stamping policies are comfort; the checking ones alone are the boundary.
func TestWithoutStamps(t *testing.T) {
	takeAway(t,
		&admissionregistrationv1.MutatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: "strategy-operator-stamp-decisions"}},
		&admissionregistrationv1.MutatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: "strategy-operator-stamp-requests"}})
	bob, alice := as("bob"), as("alice")
	must(t, eventually(t.Context(), forgedIsRefused(t.Context(), bob, decision("Deny", ""))))
	must(t, eventually(t.Context(), forgedIsRefused(t.Context(), bob, rollback(""))))
	must(t, eventually(t.Context(), forgedIsRefused(t.Context(), alice, incident(""))))

	refused(t, bob.Create(t.Context(), decision("Deny", "bob"), client.DryRunAll), "")
	refused(t, bob.Create(t.Context(), decision("Deny", "carol"), client.DryRunAll), onlyItself)
	refused(t, alice.Create(t.Context(), decision("Deny", "alice"), client.DryRunAll), "alice may not Deny")
	refused(t, alice.Create(t.Context(), incident("alice"), client.DryRunAll), "")
	refused(t, bob.Create(t.Context(), rollback("bob"), client.DryRunAll), "")
	refused(t, as(operator).Create(t.Context(), rollback("alice"), client.DryRunAll), "")
	refused(t, as(operator).Create(t.Context(), rollback(""), client.DryRunAll), onlyItself) // delegating is naming someone
}

// TestWithoutChecks is what remains: whoever may delete the cluster's policies can let a forged name pass. The operator
// notices, because its own forged decision passes, too, and honours no approval.
func TestWithoutChecks(t *testing.T) {
	takeAway(t, &admissionregistrationv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: "strategy-operator-decisions"}})
	passes := func(user string) func() (bool, error) {
		return func() (bool, error) {
			err := as(user).Create(t.Context(), decision("Approve", "mallory"), client.DryRunAll)
			return err == nil, err
		}
	}
	must(t, eventually(t.Context(), passes("alice")))
	must(t, eventually(t.Context(), passes(operator)))
	refused(t, as("eve").Create(t.Context(), decision("Approve", "mallory"), client.DryRunAll), `cannot create resource "strategydecisions"`)
}

// takeAway deletes bindings for the length of a test, and then waits until they act again.
func takeAway(t *testing.T, bindings ...client.Object) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // cleanup runs after the test's own context has ended
	t.Cleanup(func() {
		for _, binding := range bindings {
			binding.SetResourceVersion("")
			binding.SetUID("")
			if err := admin.Create(ctx, binding); err != nil {
				t.Error(err)
			}
		}
		if err := policiesInForce(ctx); err != nil {
			t.Error(err)
		}
	})
	for _, binding := range bindings {
		must(t, admin.Get(t.Context(), client.ObjectKeyFromObject(binding), binding))
		must(t, admin.Delete(t.Context(), binding.DeepCopyObject().(client.Object)))
	}
}

// TestNamespaceDeletion plays the namespace controller: no policy stands in the way of what it and the operator do.
func TestNamespaceDeletion(t *testing.T) {
	const controller = "system:serviceaccount:kube-system:namespace-controller"
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "leaving-"}}
	must(t, admin.Create(t.Context(), namespace))
	held := rollback("")
	held.Finalizers = []string{"example.com/held"}
	kinds := []client.Object{parse(t, validPlaybook), incident(""), held, decision("Deny", "")}
	for _, object := range kinds {
		object.SetNamespace(namespace.Name)
		must(t, admin.Create(t.Context(), object))
	}
	must(t, admin.Delete(t.Context(), namespace))
	must(t, admin.Get(t.Context(), client.ObjectKeyFromObject(namespace), namespace))
	if namespace.DeletionTimestamp.IsZero() {
		t.Fatal("the namespace is not being deleted")
	}

	for _, object := range kinds {
		must(t, as(controller).DeleteAllOf(t.Context(), object.DeepCopyObject().(client.Object), client.InNamespace(namespace.Name)))
	}
	must(t, admin.Get(t.Context(), client.ObjectKeyFromObject(held), held))
	held.Status.ObservedGeneration = 2
	refused(t, as(operator).Status().Update(t.Context(), held), "") // its rights do not hang on the namespace's bindings
	released := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`))
	refused(t, admin.Patch(t.Context(), held, released), "")
	for _, list := range []client.ObjectList{
		&strategyv1.StrategyPlaybookList{}, &strategyv1.StrategyIncidentList{}, &strategyv1.StrategyRollbackList{}, &strategyv1.StrategyDecisionList{},
	} {
		must(t, as(controller).List(t.Context(), list, client.InNamespace(namespace.Name), client.Limit(1)))
		if left := meta.LenList(list); left != 0 {
			t.Errorf("%T: %d left", list, left)
		}
	}
}

// TestPolicyShapes: what must hold of every policy, now and after the next change.
func TestPolicyShapes(t *testing.T) {
	objects, err := rendered("config/admission")
	must(t, err)
	bound, policies := map[string]bool{}, map[string]bool{}
	for _, object := range objects {
		if !strings.HasPrefix(object.GetName(), "strategy-operator-") {
			t.Errorf("%s %s: the name does not say whose it is", object.GetKind(), object.GetName())
		}
		spec := object.Object["spec"].(map[string]any)
		if strings.HasSuffix(object.GetKind(), "Binding") {
			bound[spec["policyName"].(string)] = true
			if actions, ok := spec["validationActions"]; ok && !slices.Contains(actions.([]any), any("Deny")) {
				t.Errorf("binding %s does not deny", object.GetName())
			}
			continue
		}
		policies[object.GetName()] = true
		if spec["failurePolicy"] != "Fail" {
			t.Errorf("policy %s does not fail closed", object.GetName())
		}
		for _, r := range spec["matchConstraints"].(map[string]any)["resourceRules"].([]any) {
			matched := r.(map[string]any)
			for _, resource := range matched["resources"].([]any) {
				if strings.ContainsAny(resource.(string), "/*") {
					t.Errorf("policy %s matches %s: only the main resources may be matched", object.GetName(), resource)
				}
			}
			for _, operation := range matched["operations"].([]any) {
				if operation != "CREATE" && operation != "UPDATE" {
					t.Errorf("policy %s matches %s: deletion must not be in its hands", object.GetName(), operation)
				}
			}
		}
	}
	for name := range policies {
		if !bound[name] {
			t.Errorf("policy %s is not bound", name)
		}
	}
	if len(policies) != 5 {
		t.Errorf("%d policies, want 5", len(policies))
	}
}
