package attack

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// nora may approve, and has create and patch of one playbook by its name: enough for a server-side apply.
const nora = "nora"

// names are rights that are got round: by a name, by another kind of patch, by a role that somebody makes.
func names() table {
	const mayNotBind = "attempting to grant RBAC permissions not currently held"
	digest := "sha256:" + strings.Repeat("0", 64)
	approves := func(user, name string) *strategyv1.StrategyDecision {
		decision := by(aDecision, user)
		decision.Spec = strategyv1.StrategyDecisionSpec{
			Target: strategyv1.DecisionTarget{Kind: strategyv1.KindPlaybook, Name: name}, Verdict: strategyv1.DecisionApprove, Digest: digest, Reason: "it is as agreed", By: user,
		}
		return decision
	}
	bot := "system:serviceaccount:" + Namespace + ":gitops"
	binds := func(user, role string) *rbacv1.RoleBinding {
		return &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{GenerateName: "attack-"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
			Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user}},
		}
	}
	grants := func(verb, resource string) *rbacv1.Role {
		return &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{GenerateName: "attack-"}, Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{strategyv1.GroupVersion.Group}, Resources: []string{resource}, Verbs: []string{verb},
		}}}
	}
	named := by(aRollback, anna)
	named.Name, named.GenerateName = "applied", ""
	restored := func() client.Object {
		object := by(aRollback, "admin")
		object.Name, object.GenerateName, object.Spec.DesiredState = "pause", "", "Restored"
		return object
	}
	fresh := aPlaybook.DeepCopy()
	fresh.Name = "fresh"
	asks := by(aRollback, anna)
	asks.Spec.IncidentName = "loss"
	return table{"names", func(t *testing.T, server Server) {
		put(t, server, &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "one-playbook"}, Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{strategyv1.GroupVersion.Group}, Resources: []string{"strategyplaybooks"}, Verbs: []string{"create", "patch"}, ResourceNames: []string{"fresh"},
		}}})
		bind(t, server, nora, "Role", "one-playbook")
		bind(t, server, nora, "ClusterRole", "strategy-operator-approver")
		put(t, server, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "gitops"}})
		bind(t, server, bot, "ClusterRole", "strategy-operator-approver")
		until(t, func(ctx context.Context) bool {
			return applied(fresh)(ctx, server.As(nora)) == nil && server.As(bot).List(ctx, &strategyv1.StrategyIncidentList{}, client.InNamespace(Namespace)) == nil
		})
	}, []attack{
		{"somebody applies the one playbook that they may create", nora, applied(fresh), ""},
		{"and approves it", nora, create(approves(nora, "fresh")), "nora may write playbooks"},
		{"and approves another one", nora, create(approves(nora, "book")), ""},
		{"a tenant takes the token of an account of the namespace that may approve", tina, token("gitops"), ""},
		{"which approves", bot, create(approves(bot, "book")), ""},
		{"the administrator binds an approver, who would approve what the administrator writes", adam, create(binds("friend", "strategy-operator-approver")), mayNotBind},
		{"the administrator binds a responder", adam, create(binds("friend", "strategy-operator-responder")), ""},
		{"the administrator binds an editor", adam, create(binds("friend", "strategy-operator-playbook-editor")), ""},
		{"the administrator becomes the operator", adam, create(binds(adam, "strategy-operator-namespace")), mayNotBind},
		{"the administrator writes statuses", adam, create(binds(adam, "strategy-operator-kinds")), mayNotBind},
		{"the administrator makes a role that approves playbooks", adam, create(grants("approve", "strategyplaybooks")), mayNotBind},
		{"the administrator makes a role with every verb", adam, create(grants("*", "strategyrollbacks")), mayNotBind},
		{"a tenant freezes a playbook", tina, create(&appsv1.ControllerRevision{ObjectMeta: metav1.ObjectMeta{Name: "book-0123456789"}, Data: runtime.RawExtension{Raw: []byte("{}")}}), "cannot create resource"},
		{"a tenant lets no Job be made", tina, create(&corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "q"}}), "cannot create resource"},
		{"an administrator lets no Job be made", adam, create(&corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "q"}}), "cannot create resource"},
		{"an administrator bends what the checks ask for", adam, create(&corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Name: "l"}}), "cannot create resource"},
		{"who may update applies a rollback in another's name", gil, applied(named), "a client may only name itself"},
		{"who may update restores by an apply", gil, applied(restored()), "gil may not change desiredState"},
		{"who may update restores by a JSON patch", gil, jsonPatch(aRollback, `[{"op":"add","path":"/spec/desiredState","value":"Restored"}]`), "gil may not change desiredState"},
		{"who may update gives an owner by a JSON patch", gil, jsonPatch(aRollback, `[{"op":"add","path":"/metadata/ownerReferences","value":[{"apiVersion":"v1","kind":"ConfigMap","name":"g","uid":"`+uid+`"}]}]`), "gil may not change metadata.ownerReferences"},
		{"who may update writes over the remedies", gil, jsonPatch(aPlaybook, `[{"op":"remove","path":"/spec/remediations"}]`), "gil may change nothing of a playbook but suspend"},
		{"an approver says by nothing that an incident asked", anna, raw(asks, "incidentUID", ""), "incidentUID"},
		{"an approver names the playbook of another namespace", anna, create(func() client.Object { d := approves(anna, "book"); d.Spec.Target.Name = "other/book"; return d }()), "spec.target.name"},
		{"an approver names nobody, and is named", anna, raw(approves(anna, "book"), "by", nil), ""},
		{"an approver names emptiness", anna, raw(approves(anna, "book"), "by", ""), "spec.by"},
		{"a tenant writes an event in the operator's name", tina, create(&corev1.Event{
			ObjectMeta: metav1.ObjectMeta{Name: "e"}, InvolvedObject: corev1.ObjectReference{Kind: strategyv1.KindRollback, Namespace: Namespace, Name: "pause"}, Reason: "Approved", Message: "approved by carol",
			Type: "Normal", Source: corev1.EventSource{Component: "strategy-operator"}, ReportingController: "strategy-operator",
		}), ""},
	}}
}

// applied is a server-side apply.
func applied(object client.Object) func(context.Context, client.Client) error {
	return func(ctx context.Context, as client.Client) error {
		made := sent(object)
		made.SetResourceVersion("")
		made.SetManagedFields(nil)
		made.SetUID("")
		made.SetCreationTimestamp(metav1.Time{})
		made.GetObjectKind().SetGroupVersionKind(strategyv1.GroupVersion.WithKind(kindOf(object)))
		data, err := json.Marshal(made)
		if err != nil {
			return err
		}
		return as.Patch(ctx, made, client.RawPatch(types.ApplyYAMLPatchType, data), client.DryRunAll, client.FieldOwner("attack"), client.ForceOwnership)
	}
}

func kindOf(object client.Object) string {
	if _, isPlaybook := object.(*strategyv1.StrategyPlaybook); isPlaybook {
		return strategyv1.KindPlaybook
	}
	return strategyv1.KindRollback
}

func jsonPatch(object client.Object, text string) func(context.Context, client.Client) error {
	return func(ctx context.Context, as client.Client) error {
		return as.Patch(ctx, sent(object), client.RawPatch(types.JSONPatchType, []byte(text)), client.DryRunAll)
	}
}

// raw sends an object with a field of its spec as no client of ours writes it.
func raw(object client.Object, field string, value any) func(context.Context, client.Client) error {
	return func(ctx context.Context, as client.Client) error {
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(sent(object))
		if err != nil {
			return err
		}
		kind := strategyv1.KindRollback
		if _, isDecision := object.(*strategyv1.StrategyDecision); isDecision {
			kind = "StrategyDecision"
		}
		made := &unstructured.Unstructured{Object: content}
		made.SetGroupVersionKind(strategyv1.GroupVersion.WithKind(kind))
		delete(content, "status")
		content["spec"].(map[string]any)[field] = value
		return as.Create(ctx, made, client.DryRunAll)
	}
}

func token(account string) func(context.Context, client.Client) error {
	return func(ctx context.Context, as client.Client) error {
		return as.SubResource("token").Create(ctx, sent(&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: account}}), &authenticationv1.TokenRequest{})
	}
}
