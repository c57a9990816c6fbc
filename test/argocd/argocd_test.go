package argocd

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/yaml"
)

const git = "apiVersion: v1\nkind: ConfigMap\nmetadata: {namespace: trading, name: core}\ndata: {core.yaml: a}\n"

func application(t *testing.T, ignore string, options ...string) Application {
	t.Helper()
	app, err := Parse([]byte("metadata: {name: trading}\nspec: {ignoreDifferences: [" + ignore + "], syncPolicy: {automated: {selfHeal: true}, syncOptions: [" + strings.Join(options, ", ") + "]}}"))
	if err != nil {
		t.Fatal(err)
	}
	return app
}

// live is Git's ConfigMap as this manifest has it in the cluster, with one field manager of the document.
func live(t *testing.T, manifest, manager string, operation metav1.ManagedFieldsOperationType) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(manifest), &object.Object); err != nil {
		t.Fatal(err)
	}
	object.SetAnnotations(map[string]string{"argocd.argoproj.io/tracking-id": "trading:/ConfigMap:trading/core"})
	object.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: manager, Operation: operation, FieldsV1: metav1.NewFieldsV1(`{"f:data":{"f:core.yaml":{}}}`)}})
	return object
}

func TestSynced(t *testing.T) {
	const update, apply = metav1.ManagedFieldsOperationUpdate, metav1.ManagedFieldsOperationApply
	edited := strings.Replace(git, "core.yaml: a", "core.yaml: b", 1)
	added := strings.Replace(git, "core.yaml: a", "core.yaml: a, other: x", 1)
	without := strings.Replace(git, "data: {core.yaml: a}", "data: {other: x}", 1)
	pointer, managers := "{kind: ConfigMap, jsonPointers: [/data/core.yaml]}", "{kind: ConfigMap, managedFieldsManagers: [ours]}"
	for name, c := range map[string]struct {
		git    string
		live   *unstructured.Unstructured
		app    Application
		synced bool
	}{
		"as in Git":                     {git, live(t, git, Manager, update), application(t, ""), true},
		"edited":                        {git, live(t, edited, "ours", update), application(t, ""), false},
		"edited, server-side":           {git, live(t, edited, "ours", update), application(t, "", ServerSide), false},
		"a key that Git never had":      {git, live(t, added, Manager, update), application(t, ""), true},
		"the same, server-side":         {git, live(t, added, Manager, apply), application(t, "", ServerSide), true},
		"a key that Git has no more":    {without, live(t, strings.Replace(git, "core.yaml: a", "core.yaml: a, other: x", 1), Manager, apply), application(t, "", ServerSide), false},
		"somebody else's key, likewise": {without, live(t, strings.Replace(git, "core.yaml: a", "core.yaml: a, other: x", 1), "ours", apply), application(t, "", ServerSide), true},
		"ignored by its pointer":        {git, live(t, edited, "ours", update), application(t, pointer), true},
		"ignored by its manager":        {git, live(t, edited, "ours", update), application(t, managers, ServerSide), true},
		"of another manager":            {git, live(t, edited, "kubectl-edit", update), application(t, managers), false},
		"ignored in another ConfigMap":  {git, live(t, edited, "ours", update), application(t, "{kind: ConfigMap, name: other, jsonPointers: [/data/core.yaml]}"), false},
		"it is not there":               {git, nil, application(t, pointer), false},
	} {
		t.Run(name, func(t *testing.T) {
			target, err := c.app.Target([]byte(c.git))
			if err != nil {
				t.Fatal(err)
			}
			if synced, err := c.app.Synced(target, c.live); err != nil || synced != c.synced {
				t.Errorf("%t, %v", synced, err)
			}
		})
	}
}

func TestWhatIsHandedToKubectl(t *testing.T) {
	const pointer = "{kind: ConfigMap, jsonPointers: [/data/core.yaml]}"
	edited := live(t, strings.Replace(git, "core.yaml: a", "core.yaml: b", 1), kubectlsManager, metav1.ManagedFieldsOperationUpdate)
	for name, c := range map[string]struct {
		live    *unstructured.Unstructured
		options []string
		want    []string // each call, and the document in it
	}{
		"nothing":                  {edited, nil, []string{"apply --field-manager=argocd-controller a"}},
		"respected":                {edited, []string{Respect}, []string{"apply --field-manager=argocd-controller b"}},
		"respected, not there":     {nil, []string{Respect, ServerSide}, []string{"apply --server-side --force-conflicts --field-manager=argocd-controller a"}},
		"on the server, kubectl's": {edited, []string{Respect, ServerSide}, []string{"apply --field-manager=kubectl-client-side-apply b", "apply --server-side --force-conflicts --field-manager=argocd-controller b"}},
		"replaced":                 {edited, []string{Replace, ServerSide}, []string{"replace --field-manager=argocd-application-controller a"}},
		"replaced, not there":      {nil, []string{Replace}, []string{"create --field-manager=argocd-application-controller a"}},
	} {
		t.Run(name, func(t *testing.T) {
			app := application(t, pointer)
			target, err := app.Target([]byte(git))
			if err != nil {
				t.Fatal(err)
			}
			commands, err := app.Commands(target, c.live, c.options)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, command := range commands {
				sent := &unstructured.Unstructured{}
				if err := yaml.Unmarshal(command.Manifest, &sent.Object); err != nil {
					t.Fatal(err)
				}
				document, _, _ := unstructured.NestedString(sent.Object, "data", "core.yaml")
				got = append(got, strings.Join(append(command.Arguments, document), " "))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// With selfHeal the same revision is tried again after growing pauses, another one at once.
func TestSelfHealWaitsLongerAndLonger(t *testing.T) {
	start := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	var after []int
	now := start
	c := &Controller{App: application(t, ""), Reader: fake.NewClientBuilder().Build(), Kubectl: func(context.Context, Command) error {
		after = append(after, int(now.Sub(start).Seconds()))
		return nil // and nothing changes
	}}
	if err := c.Commit([]byte(git)); err != nil {
		t.Fatal(err)
	}
	for ; now.Before(start.Add(100 * time.Second)); now = now.Add(time.Second) {
		if now.Sub(start) == 90*time.Second {
			if err := c.Commit([]byte(git)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.Turn(t.Context(), now); err != nil {
			t.Fatal(err)
		}
	}
	if want := []int{0, 1, 3, 9, 27, 81, 90, 91, 93, 99}; !slices.Equal(after, want) {
		t.Errorf("synced after %v s, want %v", after, want)
	}
}
