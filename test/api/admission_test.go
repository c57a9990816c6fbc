package api_test

import (
	"context"
	"fmt"
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
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// The people: alice is a responder and bob an approver (config/samples/demo/users.yaml); eve has no role. dana has the
// role admin, grace the rights to change and delete rollbacks and to decide, without any of the verbs, and olga the verbs
// approve, restore and respond for one rollback and one incident only. frank has the verb override and heidi the verb
// restore, without the right to change or delete anything.
func morePeople(t *testing.T) {
	t.Helper()
	group := []string{strategyv1.GroupVersion.Group}
	change := []string{"get", "list", "update", "patch", "delete", "deletecollection"}
	roles := []rbacv1.Role{
		{ObjectMeta: metav1.ObjectMeta{Name: "clerk"}, Rules: []rbacv1.PolicyRule{
			{APIGroups: group, Resources: []string{"strategyrollbacks"}, Verbs: change},
			{APIGroups: group, Resources: []string{"strategydecisions"}, Verbs: []string{"create"}},
		}},
		{ObjectMeta: metav1.ObjectMeta{Name: "one-only"}, Rules: []rbacv1.PolicyRule{
			{APIGroups: group, Resources: []string{"strategyrollbacks"}, Verbs: []string{"approve", "restore"}, ResourceNames: []string{"pause"}},
			{APIGroups: group, Resources: []string{"strategyincidents"}, Verbs: []string{"respond"}, ResourceNames: []string{"loss"}},
			{APIGroups: group, Resources: []string{"strategyrollbacks"}, Verbs: change},
			{APIGroups: group, Resources: []string{"strategydecisions"}, Verbs: []string{"create"}},
		}},
		{ObjectMeta: metav1.ObjectMeta{Name: "override-only"}, Rules: []rbacv1.PolicyRule{
			{APIGroups: group, Resources: []string{"strategyrollbacks"}, Verbs: []string{"override"}},
			{APIGroups: group, Resources: []string{"strategydecisions"}, Verbs: []string{"create"}},
		}},
		{ObjectMeta: metav1.ObjectMeta{Name: "restore-only"}, Rules: []rbacv1.PolicyRule{
			{APIGroups: group, Resources: []string{"strategyrollbacks"}, Verbs: []string{"restore"}},
		}},
	}
	bindings := []rbacv1.RoleBinding{
		bound("dana", "ClusterRole", "strategy-operator-admin"), bound("grace", "Role", "clerk"), bound("olga", "Role", "one-only"),
		bound("frank", "Role", "override-only"), bound("heidi", "Role", "restore-only"),
	}
	for _, role := range roles {
		role.Namespace = "trading"
		give(t, &role)
	}
	for _, binding := range bindings {
		give(t, &binding)
	}
	for user, verb := range map[string]string{"dana": "update", "grace": "update", "olga": "update", "frank": "override", "heidi": "restore"} {
		must(t, eventually(t.Context(), func() (bool, error) {
			return allowed(t, user, "trading", verb, "strategy.tradeops.dev/strategyrollbacks"), nil
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
	const (
		mayNotCreate = `cannot create resource "strategydecisions"`
		namesThePlan = "Approve, Override and Renew name what was looked at"
	)
	may := func(verdict strategyv1.DecisionVerdict) *strategyv1.StrategyDecision { return decision(verdict, "") }
	forged := func(verdict strategyv1.DecisionVerdict, by string) *strategyv1.StrategyDecision {
		return decision(verdict, by)
	}
	about := func(name string, object *strategyv1.StrategyDecision) *strategyv1.StrategyDecision {
		object.Spec.Target.Name = name
		return object
	}
	anIncident := func(object *strategyv1.StrategyDecision) *strategyv1.StrategyDecision {
		object.Spec.Target = strategyv1.DecisionTarget{Kind: strategyv1.KindIncident, Name: "loss"}
		return object
	}
	in := func(namespace string, object *strategyv1.StrategyDecision) *strategyv1.StrategyDecision {
		object.Namespace = namespace
		return object
	}
	without := func(object *strategyv1.StrategyDecision) *strategyv1.StrategyDecision {
		object.Spec.Digest = ""
		return object
	}
	tests := []struct {
		name, user string
		sends      *strategyv1.StrategyDecision
		want       string
	}{
		{"a responder acknowledges", "alice", may("Acknowledge"), ""},
		{"a responder escalates", "alice", may("Escalate"), ""},
		{"a responder calls a false alarm", "alice", may("FalseAlarm"), ""},
		{"a responder resolves", "alice", may("Resolve"), ""},
		{"a responder puts a playbook on hold", "alice", may("Hold"), ""},
		{"a responder puts an incident on hold", "alice", anIncident(may("Hold")), ""},
		{"a responder releases no playbook", "alice", may("Release"), "alice may not Release: the verb release on strategyplaybooks in namespace trading is not granted"},
		{"a responder releases no incident", "alice", anIncident(may("Release")), "alice may not Release: the verb release on strategyincidents in namespace trading is not granted"},
		{"an approver puts a playbook on hold", "bob", may("Hold"), ""},
		{"an approver releases it", "bob", may("Release"), ""},
		{"an approver releases an incident", "bob", anIncident(may("Release")), ""},
		{"the right to decide alone holds nothing", "grace", may("Hold"), "grace may not Hold: the verb hold on strategyplaybooks in namespace trading is not granted"},
		{"the operator itself holds nothing", operator, may("Hold"), operator + " may not Hold"},
		{"a hold in somebody else's name", "alice", forged("Hold", "bob"), "a client may only name itself"},
		{"a responder does not approve", "alice", may("Approve"), "alice may not Approve: the verb approve on strategyrollbacks in namespace trading is not granted"},
		{"a responder does not deny", "alice", may("Deny"), "alice may not Deny: the verb approve on strategyrollbacks in namespace trading is not granted"},
		{"a responder does not renew", "alice", may("Renew"), "alice may not Renew: the verb approve on strategyrollbacks in namespace trading is not granted"},
		{"a responder does not override", "alice", may("Override"), "alice may not Override: the verb override on strategyrollbacks in namespace trading is not granted"},
		{"a responder does not restore", "alice", may("Restore"), "alice may not Restore: the verb restore on strategyrollbacks in namespace trading is not granted"},
		{"a responder takes over no checks", "alice", may("AdoptChecks"), "alice may not AdoptChecks: the verb approve on strategyrollbacks in namespace trading is not granted"},
		{"a responder takes over none for an incident", "alice", anIncident(may("AdoptChecks")), "alice may not AdoptChecks: the verb approve on strategyincidents in namespace trading is not granted"},
		{"an approver takes over checks", "bob", may("AdoptChecks"), ""},
		{"an approver takes them over for an incident", "bob", anIncident(may("AdoptChecks")), ""},
		{"an approver approves", "bob", may("Approve"), ""},
		{"an approver denies", "bob", may("Deny"), ""},
		{"an approver restores", "bob", may("Restore"), ""},
		{"an approver escalates", "bob", may("Escalate"), ""},
		{"an approver renews", "bob", may("Renew"), ""},
		{"an approver overrides", "bob", may("Override"), ""},
		{"an approver names the plan", "bob", without(may("Approve")), namesThePlan},
		{"an approver names the plan to renew", "bob", without(may("Renew")), namesThePlan},
		{"an approver names the plan to override for", "bob", without(may("Override")), namesThePlan},
		{"an approver may say that it is them", "bob", forged("Approve", "bob"), ""},
		{"an approver may say that it is them who renews", "bob", forged("Renew", "bob"), ""},
		{"an approver may say that it is them who overrides", "bob", forged("Override", "bob"), ""},
		{"an approver forges another's renewal", "bob", forged("Renew", "olga"), onlyItself},
		{"an approver forges another's override", "bob", forged("Override", "olga"), onlyItself},
		{"a responder forges an approver's override", "alice", forged("Override", "bob"), onlyItself},
		{"an approver forges another", "bob", forged("Approve", "olga"), `a client may only name itself: by is "olga", the request comes from "bob"`},
		{"an approver forges with a line break", "bob", forged("Approve", "olga\nbob"), "spec.by in body should match"},
		{"a responder forges an approver", "alice", forged("Approve", "bob"), onlyItself},
		{"case matters", "bob", forged("Approve", "Bob"), onlyItself},
		{"an approver elsewhere", "bob", in("default", may("Approve")), mayNotCreate},
		{"nobody in particular", "eve", may("Escalate"), mayNotCreate},
		{"the right to decide alone acknowledges nothing", "grace", may("Acknowledge"), "grace may not Acknowledge: the verb respond on strategyincidents in namespace trading is not granted"},
		{"nobody in particular, forged", "eve", forged("Approve", "bob"), mayNotCreate},
		{"the right to decide alone responds to nothing", "grace", may("Resolve"), "grace may not Resolve: the verb respond on strategyincidents in namespace trading is not granted"},
		{"the right to decide alone approves nothing", "grace", may("Approve"), "grace may not Approve"},
		{"the right to decide alone renews nothing", "grace", may("Renew"), "grace may not Renew"},
		{"the right to decide alone overrides nothing", "grace", may("Override"), "grace may not Override"},
		{"the verb override overrides", "frank", may("Override"), ""},
		{"the verb override renews nothing", "frank", may("Renew"), "frank may not Renew: the verb approve"},
		{"the verb override approves nothing", "frank", may("Approve"), "frank may not Approve: the verb approve"},
		{"the verb override restores nothing", "frank", may("Restore"), "frank may not Restore: the verb restore"},
		{"the verbs approve and restore override nothing", "olga", may("Override"), "olga may not Override: the verb override"},
		{"the verb approve renews", "olga", may("Renew"), ""},
		{"the verb approve for one rollback renews no other", "olga", about("other", may("Renew")), "olga may not Renew"},
		{"a verb for one rollback", "olga", may("Approve"), ""},
		{"a verb for one rollback, for another", "olga", about("other", may("Approve")), "olga may not Approve"},
		{"a verb for one incident", "olga", may("FalseAlarm"), ""},
		{"a verb for one incident, for another", "olga", about("other", may("FalseAlarm")), "olga may not FalseAlarm"},
		{"the role admin decides", "dana", may("Approve"), ""},
		{"the role admin overrides", "dana", may("Override"), ""},
		{"the role admin forges nobody", "dana", forged("Approve", "bob"), onlyItself},
		{"the cluster's administrator forges nobody", "admin", forged("Approve", "bob"), onlyItself},
		{"the operator finds a forged approval refused", operator, forged("Approve", "strategy-operator:forged"), onlyItself},
		{"the operator finds a forged restore refused", operator, forged("Restore", "bob"), onlyItself},
		{"the operator finds a forged escalation refused", operator, forged("Escalate", "bob"), onlyItself},
		{"the operator itself approves nothing", operator, may("Approve"), operator + " may not Approve"},
		{"the operator itself renews nothing", operator, may("Renew"), operator + " may not Renew"},
		{"the operator itself overrides nothing", operator, may("Override"), operator + " may not Override"},
		{"the operator itself responds to nothing", operator, may("FalseAlarm"), operator + " may not FalseAlarm"},
		{"the operator itself restores nothing", operator, may("Restore"), operator + " may not Restore"},
		{"the operator proves nothing in a namespace that it does not serve", operator, in("default", forged("Approve", "bob")), mayNotCreate},
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
		{"the role admin asks for no other", "dana", rollback("alice"), onlyItself, ""},
		{"the cluster's administrator asks for no other", "admin", rollback("alice"), onlyItself, ""},
		{"the role admin does not report for another", "dana", incident("alice"), onlyItself, ""},
		{"the cluster's administrator does not report for another", "admin", incident("alice"), onlyItself, ""},
		{"eve reports nothing", "eve", incident(""), `cannot create resource "strategyincidents"`, ""},
		{"eve asks for nothing", "eve", rollback(""), `cannot create resource "strategyrollbacks"`, ""},
		{"the operator names the reporter", operator, rollback("alice"), "", "alice"},
		{"the operator names nobody", operator, rollback(""), "", operator},
		{"the operator reports in its own name what alerts say", operator, incident(""), "", operator},
		{"the operator reports for nobody else", operator, incident("alice"), onlyItself, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			by := as(test.user)
			if test.user == "admin" {
				by = admin
			}
			err := by.Create(t.Context(), test.sends, client.DryRunAll)
			refused(t, err, test.want)
			if got := *author(test.sends); err == nil && got != test.author {
				t.Errorf("requestedBy = %q, want %q", got, test.author)
			}
		})
	}
}

func TestWhoMayRestore(t *testing.T) {
	morePeople(t)
	standing(t, "pause", strategyv1.DeletionRetain)
	standing(t, "other", strategyv1.DeletionRetain)
	standing(t, "tidy", strategyv1.DeletionRestore)
	standing(t, "claimed", strategyv1.DeletionRetain)
	standing(t, "claimed-tidy", strategyv1.DeletionRestore)
	claim(t, "claimed")
	claim(t, "claimed-tidy")
	const (
		restore    = `{"spec":{"desiredState":"Restored"}}`
		undo       = `{"spec":{"deletionPolicy":"Restore"}}`
		leave      = `{"spec":{"deletionPolicy":"Retain"}}`
		notState   = " may not change desiredState: the verb restore on strategyrollbacks in namespace trading is not granted"
		notPolicy  = " may not change deletionPolicy: the verb restore on strategyrollbacks in namespace trading is not granted"
		notPatch   = `cannot patch resource "strategyrollbacks"`
		notAny     = "deletionPolicy cannot become Restore once the edits are asked for"
		immutable  = "only desiredState and deletionPolicy of a rollback may change"
		finalizers = `{"metadata":{"finalizers":["` + strategyv1.Finalizer + `"]}}`
	)
	tests := []struct {
		name, user, rollback, patch, want string
	}{
		{"an approver", "bob", "pause", restore, ""},
		{"the role admin", "dana", "pause", restore, ""},
		{"with update alone", "grace", "pause", restore, "grace" + notState},
		{"with update and the verb for this one", "olga", "pause", restore, ""},
		{"with update and the verb for another one", "olga", "other", restore, "olga" + notState},
		{"with the verb alone", "heidi", "pause", restore, notPatch},
		{"with nothing", "eve", "pause", restore, notPatch},
		{"the operator", operator, "pause", restore, operator + notState},
		{"nothing changes", "grace", "pause", `{"spec":{"desiredState":"Applied"}}`, ""},
		{"the default comes back", "grace", "pause", `{"spec":{"desiredState":null}}`, ""},
		{"another reason", "grace", "pause", `{"spec":{"reason":"other"}}`, immutable},
		{"another mode", "grace", "pause", `{"spec":{"mode":"DryRun"}}`, immutable},
		{"labels", "grace", "pause", `{"metadata":{"labels":{"desk":"crypto"}}}`, ""},
		{"finalizers", "grace", "pause", `{"metadata":{"finalizers":["example.com/keep"]}}`, ""},

		{"an approver lets deletion undo it", "bob", "pause", undo, ""},
		{"an approver lets deletion leave it", "bob", "tidy", leave, ""},
		{"the role admin lets deletion undo it", "dana", "pause", undo, ""},
		{"with update alone: deletion undoes it", "grace", "pause", undo, "grace" + notPolicy},
		{"with update alone: deletion leaves it", "grace", "tidy", leave, "grace" + notPolicy},
		{"with update alone: the default comes back", "grace", "tidy", `{"spec":{"deletionPolicy":null}}`, "grace" + notPolicy},
		{"with update alone: the policy stays", "grace", "tidy", undo, ""},
		{"with update alone: the default stays", "grace", "pause", `{"spec":{"deletionPolicy":null}}`, ""},
		{"the policy, with the verb for this one", "olga", "pause", undo, ""},
		{"the policy, with the verb for another one", "olga", "other", undo, "olga" + notPolicy},
		{"the policy, with the verb alone", "heidi", "pause", undo, notPatch},
		{"once it is claimed, deletion does not undo it", "bob", "claimed", undo, notAny},
		{"once it is claimed, deletion may leave it", "bob", "claimed-tidy", leave, ""},
		{"once it is claimed, the policy stays", "bob", "claimed-tidy", undo, ""},
		{"once it is claimed, it may be restored", "bob", "claimed-tidy", restore, ""},
		{"the operator changes no policy", operator, "tidy", leave, operator + notPolicy},
		{"the operator adds its finalizer", operator, "tidy", finalizers, ""},
		{"the operator changes nothing else", operator, "tidy", `{"spec":{"actions":null}}`, "spec.actions: Required value"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			patch := client.RawPatch(types.MergePatchType, []byte(test.patch))
			refused(t, as(test.user).Patch(t.Context(), called(test.rollback), patch, client.DryRunAll), test.want)
		})
	}
}

func TestWhoMayDelete(t *testing.T) {
	morePeople(t)
	standing(t, "pause", strategyv1.DeletionRestore)
	standing(t, "other", strategyv1.DeletionRestore)
	standing(t, "kept", strategyv1.DeletionRetain)
	const (
		mayNot    = ", which would undo its change (deletionPolicy Restore): the verb restore on strategyrollbacks in namespace trading is not granted"
		notDelete = `cannot delete resource "strategyrollbacks"`
	)
	tests := []struct {
		name, user, rollback, want string
	}{
		{"an approver", "bob", "pause", ""},
		{"the role admin", "dana", "pause", ""},
		{"with delete alone", "grace", "pause", "grace may not delete rollback pause" + mayNot},
		{"with delete alone, where the change stays", "grace", "kept", ""},
		{"with delete and the verb for this one", "olga", "pause", ""},
		{"with delete and the verb for another one", "olga", "other", "olga may not delete rollback other" + mayNot},
		{"with the verb alone", "heidi", "pause", notDelete},
		{"a responder", "alice", "kept", notDelete},
		{"the operator, whose history lets ended ones go", operator, "kept", ""},
		{"the operator undoes nothing by deleting", operator, "pause", operator + " may not delete rollback pause" + mayNot},
		{"the garbage collector, where the change stays", collector, "kept", ""},
		{"the garbage collector is no way round the verb", collector, "pause", collector + " may not delete rollback pause" + mayNot},
		{"who deletes namespaces, while this one stays", namespaces, "pause", namespaces + " may not delete rollback pause" + mayNot},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			refused(t, as(test.user).Delete(t.Context(), called(test.rollback), client.DryRunAll), test.want)
		})
	}
	several := []struct {
		name, user, rollback, want string
	}{
		{"with delete alone", "grace", "pause", "grace may not delete rollback pause" + mayNot},
		{"with delete alone, where the changes stay", "grace", "kept", ""},
		{"with delete and the verb for these", "olga", "pause", ""},
		{"with delete and the verb for others", "olga", "other", "olga may not delete rollback other" + mayNot},
		{"the role admin", "dana", "pause", ""},
	}
	for _, test := range several {
		t.Run("several at once, "+test.name, func(t *testing.T) {
			these := client.MatchingFields{"metadata.name": test.rollback}
			err := as(test.user).DeleteAllOf(t.Context(), &strategyv1.StrategyRollback{}, client.InNamespace("trading"), these, client.DryRunAll)
			refused(t, err, test.want)
		})
	}
}

// TestDeletionWithAFinalizer: who may delete starts it, the operator ends it, and nobody changes its mind in between without
// the verb.
func TestDeletionWithAFinalizer(t *testing.T) {
	morePeople(t)
	object := rollback("")
	object.Spec.DeletionPolicy = strategyv1.DeletionRestore
	must(t, as("bob").Create(t.Context(), object))
	patch := func(user, text string) error {
		return as(user).Patch(t.Context(), object.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(text)))
	}
	must(t, patch(operator, `{"metadata":{"finalizers":["`+strategyv1.Finalizer+`"]}}`))
	refused(t, as("grace").Delete(t.Context(), object.DeepCopy()), "grace may not delete rollback")
	// The garbage collector's way of foreground deletion: its own finalizer, taken off by a patch.
	must(t, as("bob").Delete(t.Context(), object.DeepCopy(), client.PropagationPolicy(metav1.DeletePropagationForeground)))
	refused(t, patch("grace", `{"spec":{"deletionPolicy":"Retain"}}`), "grace may not change deletionPolicy")
	must(t, patch(collector, `{"metadata":{"finalizers":["`+strategyv1.Finalizer+`"]}}`))
	must(t, admin.Get(t.Context(), client.ObjectKeyFromObject(object), object))
	if object.DeletionTimestamp.IsZero() || !slices.Equal(object.Finalizers, []string{strategyv1.Finalizer}) {
		t.Fatalf("not held by the operator's finalizer: %v", object.Finalizers)
	}
	must(t, patch(operator, `{"metadata":{"finalizers":null}}`))
	if err := admin.Get(t.Context(), client.ObjectKeyFromObject(object), object); !apierrors.IsNotFound(err) {
		t.Errorf("it is still there: %v", err)
	}
}

// claim: the edits of a rollback are asked for, and may stand.
func claim(t *testing.T, name string) {
	t.Helper()
	var object strategyv1.StrategyRollback
	must(t, admin.Get(t.Context(), client.ObjectKeyFromObject(called(name)), &object))
	object.Status.Config = &strategyv1.ConfigClaim{ConfigMapName: "bot-core-config", Key: "core.yaml", Claim: strategyv1.ClaimHold}
	must(t, as(operator).Status().Update(t.Context(), &object))
}

// standing creates a rollback for the length of a test.
func standing(t *testing.T, name string, policy strategyv1.DeletionPolicy) {
	t.Helper()
	object := called(name)
	object.Spec.DeletionPolicy = policy
	give(t, object)
}

func called(name string) *strategyv1.StrategyRollback {
	object := rollback("")
	object.GenerateName, object.Name = "", name
	return object
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
	changed.Spec.Digest = strings.Replace(digest, "0", "f", 1)
	refused(t, as("bob").Update(t.Context(), changed), `cannot update resource "strategydecisions"`)
	refused(t, admin.Update(t.Context(), changed), "a decision is a record and cannot be changed")
	refused(t, as("bob").Delete(t.Context(), approval), `cannot delete resource "strategydecisions"`)
	elsewhere := approval.DeepCopy()
	elsewhere.Namespace = "default"
	refused(t, as(operator).Delete(t.Context(), elsewhere), `cannot delete resource "strategydecisions"`)
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
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "leaving-", Labels: map[string]string{strategyv1.LabelServe: "false"}}}
	must(t, admin.Create(t.Context(), namespace))
	held := rollback("")
	held.Finalizers = []string{strategyv1.Finalizer}
	held.Spec.DeletionPolicy = strategyv1.DeletionRestore
	hold := decision("Hold", "")
	hold.Spec.Target, hold.Spec.Digest, hold.Spec.Reason = strategyv1.DecisionTarget{Kind: strategyv1.KindPlaybook, Name: "gone"}, "", "as agreed"
	kinds := []client.Object{parse(t, validPlaybook), incident(""), held, decision("Deny", ""), hold}
	for _, object := range kinds {
		object.SetNamespace(namespace.Name)
		must(t, admin.Create(t.Context(), object))
	}
	hold.Status.Answer = &strategyv1.DecisionAnswer{Outcome: strategyv1.OutcomeHonoured, Message: "put on hold", Time: metav1.Now()}
	must(t, admin.Status().Update(t.Context(), hold))
	refused(t, as(namespaces).Delete(t.Context(), hold.DeepCopy()), namespaces+" may not delete decision "+hold.Name)
	refused(t, as(namespaces).Delete(t.Context(), held.DeepCopy()), namespaces+" may not delete rollback "+held.Name)
	must(t, admin.Delete(t.Context(), namespace))
	must(t, admin.Get(t.Context(), client.ObjectKeyFromObject(namespace), namespace))
	if namespace.DeletionTimestamp.IsZero() {
		t.Fatal("the namespace is not being deleted")
	}

	for _, object := range kinds { // it tries again, too: the policies learn a little later that the namespace goes
		must(t, eventually(t.Context(), func() (bool, error) {
			err := as(namespaces).DeleteAllOf(t.Context(), object.DeepCopyObject().(client.Object), client.InNamespace(namespace.Name))
			return err == nil, err
		}))
	}
	must(t, admin.Get(t.Context(), client.ObjectKeyFromObject(held), held))
	held.Status.ObservedGeneration = 2
	refused(t, as(operator).Status().Update(t.Context(), held), "") // its rights do not hang on the namespace's bindings
	released := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`))
	refused(t, as(operator).Patch(t.Context(), held, released), "")
	for _, list := range []client.ObjectList{
		&strategyv1.StrategyPlaybookList{}, &strategyv1.StrategyIncidentList{}, &strategyv1.StrategyRollbackList{}, &strategyv1.StrategyDecisionList{},
	} {
		must(t, as(namespaces).List(t.Context(), list, client.InNamespace(namespace.Name), client.Limit(1)))
		if left := meta.LenList(list); left != 0 {
			t.Errorf("%T: %d left", list, left)
		}
	}
}

// TestPolicyShapes: what must hold of every policy, now and after the next change.
func TestPolicyShapes(t *testing.T) {
	objects, err := rendered("config/admission")
	must(t, err)
	stamping, err := rendered("config/stamps")
	must(t, err)
	bound, policies, warns := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, object := range append(objects, stamping...) {
		if !strings.HasPrefix(object.GetName(), "strategy-operator-") {
			t.Errorf("%s %s: the name does not say whose it is", object.GetKind(), object.GetName())
		}
		spec := object.Object["spec"].(map[string]any)
		if strings.HasSuffix(object.GetKind(), "Binding") {
			bound[spec["policyName"].(string)] = true
			actions, _ := spec["validationActions"].([]any)
			warns[object.GetName()] = slices.Equal(actions, []any{"Warn"})
			if len(actions) > 0 && !slices.Contains(actions, any("Deny")) && !warns[object.GetName()] {
				t.Errorf("binding %s neither denies nor warns", object.GetName())
			}
			continue
		}
		policies[object.GetName()] = true
		open := object.GetName() == "strategy-operator-rollbacks-left" // only a warning is lost
		if (spec["failurePolicy"] != "Fail") != open {
			t.Errorf("policy %s: failurePolicy %v", object.GetName(), spec["failurePolicy"])
		}
		for _, r := range spec["matchConstraints"].(map[string]any)["resourceRules"].([]any) {
			matched := r.(map[string]any)
			for _, resource := range matched["resources"].([]any) {
				if strings.ContainsAny(resource.(string), "/*") && !slices.Contains([]any{"pods/ephemeralcontainers", "pods/resize"}, resource) {
					t.Errorf("policy %s matches %s: only the main resources may be matched, and what changes what runs", object.GetName(), resource)
				}
			}
			for _, operation := range matched["operations"].([]any) {
				switch operation {
				case "CREATE", "UPDATE":
				case "DELETE":
					if !strings.Contains(fmt.Sprint(spec["validations"]), "has(namespaceObject.metadata.deletionTimestamp) ||") {
						t.Errorf("policy %s matches DELETE and stands in the way of deleting a namespace", object.GetName())
					}
				default:
					t.Errorf("policy %s matches %s", object.GetName(), operation)
				}
			}
			if strings.Contains(fmt.Sprint(spec["matchConditions"]), "namespaceObject") { // an error there refuses everything
				t.Errorf("policy %s asks for the namespace in a match condition", object.GetName())
			}
		}
	}
	for name := range policies {
		if !bound[name] {
			t.Errorf("policy %s is not bound", name)
		}
	}
	if len(policies) != 17 || !warns["strategy-operator-rollbacks-left"] {
		t.Errorf("%d policies, want 17, of which one warns: %v", len(policies), warns)
	}
}

// warnings keeps what the API server warns of.
type warnings []string

// HandleWarningHeaderWithContext implements rest.WarningHandlerWithContext.
func (w *warnings) HandleWarningHeaderWithContext(_ context.Context, _ int, _, text string) {
	*w = append(*w, text)
}

// TestDeletingWhatStaysInForceWarns: nothing stands in the way, and whoever deletes reads what nobody undoes any more.
func TestDeletingWhatStaysInForceWarns(t *testing.T) {
	for name, c := range map[string]struct {
		policy strategyv1.DeletionPolicy
		claim  strategyv1.ClaimState
		ended  bool
		warned bool
	}{
		"in force":             {strategyv1.DeletionRetain, strategyv1.ClaimHold, false, true},
		"in force, by default": {"", strategyv1.ClaimHold, false, true},
		"to be undone":         {strategyv1.DeletionRestore, strategyv1.ClaimHold, false, false},
		"not written":          {strategyv1.DeletionRetain, "", false, false},
		"ended":                {strategyv1.DeletionRetain, strategyv1.ClaimRelease, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			object := rollback("")
			object.Spec.DeletionPolicy = c.policy
			must(t, admin.Create(t.Context(), object))
			now := metav1.Now()
			object.Status.Config = &strategyv1.ConfigClaim{ConfigMapName: "c", Key: "k", Claim: c.claim, ClaimedTime: &now}
			if c.ended {
				object.Status.End = &strategyv1.RollbackEnd{How: strategyv1.EndRestored, Time: now}
			}
			must(t, admin.Status().Update(t.Context(), object))
			heard := warnings{}
			config := rest.CopyConfig(server)
			config.WarningHandlerWithContext = &heard
			deleting, err := client.New(config, client.Options{Scheme: scheme, Mapper: admin.RESTMapper()})
			must(t, err)
			must(t, deleting.Delete(t.Context(), object))
			told := strings.Contains(strings.Join(heard, " "), "the change of rollback "+object.Name+" stays in the configuration, and nobody undoes it any more")
			if told != c.warned {
				t.Errorf("it warns: %q", heard)
			}
		})
	}
}
