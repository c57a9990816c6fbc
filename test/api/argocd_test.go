package api_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/controllers"
	"tradeops.dev/strategy-operator/test/argocd"
)

// argo is the stand-in for Argo CD with one ConfigMap on the real API server, and kubectl itself.
type argo struct {
	t *testing.T
	*argocd.Controller
	run func(args ...string) (string, error)
	now time.Time
}

func (a *argo) kubectl(_ context.Context, command argocd.Command) error {
	file := filepath.Join(a.t.TempDir(), "manifest")
	if err := os.WriteFile(file, command.Manifest, 0o600); err != nil {
		return err
	}
	if said, err := a.run(append(command.Arguments, "-f", file)...); err != nil {
		return fmt.Errorf("%v: %w: %s", command.Arguments, err, said)
	}
	return nil
}

// commits is Git's ConfigMap from now on.
func (a *argo) commits(text, other, label string) {
	a.t.Helper()
	must(a.t, a.Commit(fmt.Appendf(nil, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":%q,"name":%q,"labels":{"desk":%q}},"data":{"core.yaml":%q,"other":%q}}`,
		a.Key.Namespace, a.Key.Name, label, text, other)))
}

// refreshes is more of them than selfHeal needs for its longest pause.
func (a *argo) refreshes() {
	a.t.Helper()
	for range 3 {
		a.now = a.now.Add(10 * time.Minute)
		_, err := a.Turn(a.t.Context(), a.now)
		must(a.t, err)
	}
}

func (a *argo) live() *corev1.ConfigMap {
	a.t.Helper()
	var configMap corev1.ConfigMap
	must(a.t, admin.Get(a.t.Context(), a.Key, &configMap))
	return &configMap
}

// operator writes as the executor does: one update of the document and of the record.
func (a *argo) operator(text, record string, owner client.FieldOwner) {
	a.t.Helper()
	configMap := a.live()
	configMap.Data["core.yaml"] = text
	configMap.Annotations[strategyv1.AnnotationEdits] = record
	must(a.t, admin.Update(a.t.Context(), configMap, owner))
}

const gits, edited, later = "a: 1\n", "a: 10\n", "a: 2\n"

// withArgo has an Application of these options, synced, and then the operator's edit in the ConfigMap.
func withArgo(t *testing.T, name, ignore string, options ...string) *argo {
	t.Helper()
	application, err := argocd.Parse(fmt.Appendf(nil, "metadata: {name: trading}\nspec:\n  ignoreDifferences: [%s]\n  syncPolicy: {automated: {selfHeal: true}, syncOptions: [%s]}\n",
		ignore, strings.Join(options, ", ")))
	must(t, err)
	return startArgo(t, name, application)
}

func startArgo(t *testing.T, name string, application argocd.Application) *argo {
	t.Helper()
	a := &argo{t: t, run: kubectl(t), now: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)}
	a.Controller = &argocd.Controller{App: application, Reader: admin, Key: client.ObjectKey{Namespace: "trading", Name: name}, Kubectl: a.kubectl}
	tidyUp(t, &corev1.ConfigMap{ObjectMeta: inTrading(name)})
	a.commits(gits, "x", "one")
	a.refreshes()
	a.operator(edited, "a record", controllers.EditOwner)
	return a
}

// argoOptions are the rows of docs/gitops.md: what an Application ignores and its options, and what was observed.
func argoOptions(t *testing.T) (rows [][]string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "docs/gitops.md"))
	must(t, err)
	_, table, _ := strings.Cut(string(text), "| `ignoreDifferences` | `syncOptions` |")
	table, _, _ = strings.Cut(table, "\n\n")
	for _, line := range strings.Split(table, "\n")[2:] {
		var cells []string
		for cell := range strings.SplitSeq(strings.Trim(line, "|"), "|") {
			cells = append(cells, strings.Trim(strings.TrimSpace(cell), "`"))
		}
		rows = append(rows, cells)
	}
	if len(rows) < 8 {
		t.Fatalf("docs/gitops.md has a table of %d rows", len(rows))
	}
	return rows
}

// What the stand-in for Argo CD does to an edit, and to commits, is what docs/gitops.md says of it, row by row.
func TestWhatArgoDoesToAnEdit(t *testing.T) {
	ignores := map[string]string{
		"":                      "",
		"jsonPointers":          `{kind: ConfigMap, jsonPointers: [/data/core.yaml]}`,
		"managedFieldsManagers": `{kind: ConfigMap, managedFieldsManagers: [strategy-operator-edit]}`,
	}
	for i, row := range argoOptions(t) {
		t.Run(strings.Join(row[:2], " "), func(t *testing.T) {
			t.Parallel()
			ignore, known := ignores[row[0]]
			if !known || len(row) != 6 {
				t.Fatalf("docs/gitops.md has a row of %q", row)
			}
			var options []string
			for option := range strings.SplitSeq(row[1], "` `") {
				if option != "" {
					options = append(options, option+"=true")
				}
			}
			observed := slices.Concat(row[:2], observe(t, fmt.Sprintf("argo-%d", i), ignore, options))
			if !slices.Equal(row, observed) {
				t.Errorf("docs/gitops.md says\n%q\nand observed was\n%q", row, observed)
			}
		})
	}
}

// observe says what becomes of an edit and of commits, in the order of the columns.
func observe(t *testing.T, name, ignore string, options []string) []string {
	t.Helper()
	healed := withArgo(t, name+"-healed", ignore, options...)
	healed.refreshes()

	a := withArgo(t, name, ignore, options...)
	must(t, a.Sync(t.Context(), a.now))
	manual := a.edit()

	a.operator(edited, "a record", controllers.EditOwner)
	a.commits(gits, "y", "two")
	a.refreshes()
	others := a.edit()
	if now := a.live(); now.Data["other"] != "y" || now.Labels["desk"] != "two" {
		others = "does not arrive"
	}

	a.operator(edited, "a record", controllers.EditOwner)
	a.commits(later, "y", "two")
	own := "arrives at once"
	if a.refreshes(); !a.arrived() {
		a.operator(gits, "{}", controllers.FieldOwner)
		own = "arrives after the restore"
	}
	if a.refreshes(); !a.arrived() {
		must(t, a.Sync(t.Context(), a.now))
		own = "arrives when somebody syncs"
	}
	if !a.arrived() {
		own = "never arrives"
	}
	return []string{healed.edit(), manual, others, own}
}

// edit says what became of it.
func (a *argo) edit() string {
	a.t.Helper()
	now := a.live()
	switch {
	case now.Data["core.yaml"] == gits:
		return "put back"
	case now.Data["core.yaml"] != edited:
		a.t.Errorf("the document is %q", now.Data["core.yaml"])
	case now.Annotations[strategyv1.AnnotationEdits] != "a record":
		return "stays, its record is lost"
	}
	return "stays"
}

func (a *argo) arrived() bool {
	a.t.Helper()
	return a.live().Data["core.yaml"] == later
}

// The shipped Application keeps an edit, its record and what others commit through whatever Argo CD does by itself and through a plain sync by hand.
// A sync that names its own options is without the Application's.
func TestTheShippedApplicationLeavesAnEditAlone(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "config/gitops/argocd-application.yaml"))
	must(t, err)
	shipped, err := argocd.Parse(text)
	must(t, err)
	shipped.Spec.Ignore[0].Name = "argo-shipped"
	a := startArgo(t, "argo-shipped", shipped)
	must(t, a.Sync(t.Context(), a.now))
	if got := a.edit(); got != "stays" {
		t.Errorf("after a sync: %s", got)
	}
	must(t, a.Sync(t.Context(), a.now, argocd.ServerSide))
	if got := a.edit(); got != "put back" {
		t.Errorf("after a sync that names an option: %s", got)
	}
}
