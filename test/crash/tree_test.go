package crash

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/controllers"
	"tradeops.dev/strategy-operator/controllers/policies"
	"tradeops.dev/strategy-operator/internal/audit"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/test/scenarios"
)

// checkpointKey signs the checkpoints of simulated worlds, and of nothing else.
var checkpointKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte("s"), ed25519.SeedSize))

func publicKey() ed25519.PublicKey {
	public, _ := checkpointKey.Public().(ed25519.PublicKey)
	return public
}

// keyed is the Secret with the key of checkpoints.
func keyed(t testing.TB, keys map[string]ed25519.PrivateKey) *corev1.Secret {
	t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Namespace: policies.Home(sim.User), Name: controllers.CheckpointKeyName, Labels: map[string]string{strategyv1.LabelManaged: strategyv1.ManagedValue},
	}, Data: map[string][]byte{}}
	for name, key := range keys {
		data, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		secret.Data[name] = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: data})
	}
	return secret
}

// withTree begins a story in a world whose operator keeps a tree.
func withTree(t testing.TB, scenario scenarios.Scenario, cut *Cut) *run {
	t.Helper()
	r := begin(t, scenario, Mutant{}, cut)
	r.Create(keyed(t, map[string]ed25519.PrivateKey{"key.pem": checkpointKey}))
	return r
}

// copyOf is the folder of the world's namespace in the bucket.
func copyOf(w *sim.World) fstest.MapFS {
	files := fstest.MapFS{}
	for key, data := range w.Bucket.Objects() {
		if name, of := strings.CutPrefix(key, w.Namespace+"/"); of {
			files[name] = &fstest.MapFile{Data: data}
		}
	}
	return files
}

// anchored is the checkpoint that the cluster keeps.
func anchored(w *sim.World) string {
	var anchors corev1.ConfigMap
	if err := w.API.As(sim.User).Get(context.Background(), types.NamespacedName{Namespace: policies.Home(sim.User), Name: controllers.AnchorName}, &anchors); err != nil {
		return ""
	}
	return anchors.Data[w.Namespace]
}

// trees starts an operator that does nothing else.
func trees(w *sim.World) *sim.Operator {
	return w.Start(sim.Seams{Controllers: onlyTrees})
}

func onlyTrees(all []controllers.Controller) (kept []controllers.Controller) {
	for _, one := range all {
		if one.Name == "tree" {
			kept = append(kept, one)
		}
	}
	return kept
}

// later lets an operator go on for a while.
func later(w *sim.World, o *sim.Operator, pause time.Duration) {
	until := w.Clock.Now().Add(pause)
	for range maxSteps {
		if o.Step(context.Background()) {
			continue
		}
		due := o.Due()
		if due.IsZero() || due.After(until) {
			break
		}
		w.PassUntil(due)
	}
	if w.Clock.Now().Before(until) {
		w.PassUntil(until)
	}
}

// verifies checks what a run left behind: everything that the logs have is in the tree, and whole.
func verifies(t testing.TB, w *sim.World) audit.Report {
	t.Helper()
	report, err := audit.Namespace(copyOf(w), "", audit.Trust{
		Public: []ed25519.PublicKey{publicKey()}, Secret: decisionlog.Keys{{Secret: sim.SigningKey}}, Earlier: []string{anchored(w)},
	})
	if err != nil || len(report.Findings) > 0 {
		t.Errorf("the copy is not verified: %v, %v", report.Findings, err)
	}
	return report
}

// TestEveryScenarioEndVerifies: the operator keeps a tree beside everything that can happen, and an auditor with public keys can check it.
func TestEveryScenarioEndVerifies(t *testing.T) {
	for _, scenario := range scenarios.All {
		t.Run(scenario.Name, func(t *testing.T) {
			t.Parallel()
			r := withTree(t, scenario, &Cut{})
			r.goOn(context.Background())
			later(r.World, trees(r.World), 5*time.Minute)
			if len(scenarios.EndOf(r.World, nil).Problems) == 0 && r.Bucket.Full == nil && anchored(r.World) != "" {
				verifies(t, r.World)
			}
		})
	}
}

// treeStory is one in which an incident and its rollback run to their end.
func treeStory(t *testing.T) scenarios.Scenario {
	t.Helper()
	for _, one := range scenarios.All {
		if !one.Told && one.Incident == "Resolved" {
			return one
		}
	}
	t.Fatal("no scenario closes an incident")
	return scenarios.Scenario{}
}

// TestTreeCuts stops the operator at each effect of the tree: the tree is the same thing to an auditor.
func TestTreeCuts(t *testing.T) {
	scenario := treeStory(t)
	reference := &Cut{}
	r := withTree(t, scenario, reference)
	r.goOn(context.Background())
	later(r.World, trees(r.World), 5*time.Minute)
	want := verifies(t, r.World)
	tried := 0
	for at, effect := range reference.Effects {
		if !strings.Contains(effect, "/tree/") && !strings.HasSuffix(effect, controllers.AnchorName) {
			continue
		}
		for _, mode := range []Mode{Before, After, Unknown} {
			tried++
			cut := withTree(t, scenario, &Cut{Point: Point{at + 1, mode}})
			cut.goOn(context.Background())
			later(cut.World, trees(cut.World), 5*time.Minute)
			if got := verifies(t, cut.World); got.Leaves != want.Leaves || got.Entries != want.Entries {
				t.Errorf("cut %s %s: %d of %d entries in the tree, want %d of %d", mode, effect, got.Leaves, got.Entries, want.Leaves, want.Entries)
			}
		}
	}
	if tried == 0 || want.Leaves == 0 {
		t.Errorf("%d cuts of a tree of %d leaves", tried, want.Leaves)
	}
}

// grown is a world at the end of a story, with its tree.
func grown(t *testing.T) *sim.World {
	t.Helper()
	r := withTree(t, treeStory(t), &Cut{})
	r.goOn(context.Background())
	later(r.World, trees(r.World), 5*time.Minute)
	return r.World
}

// TestSilenceIsSigned: every hour says that nothing happened, also after restarts, and never more often.
func TestSilenceIsSigned(t *testing.T) {
	w := grown(t)
	before := verifies(t, w)
	later(w, trees(w), 100*time.Hour)
	after := verifies(t, w)
	if pages := after.Newest.Page - before.Newest.Page; after.Leaves != before.Leaves || pages < 99 || pages > 101 {
		t.Errorf("100 hours have %d pages and %d new leaves", pages, after.Leaves-before.Leaves)
	}
	later(w, trees(w), time.Minute)
	if again := verifies(t, w); again.Newest.Page != after.Newest.Page {
		t.Errorf("a restart signed page %d", again.Newest.Page)
	}
}

// newestPage is the key of it.
func newestPage(w *sim.World) string {
	var newest string
	for key := range w.Bucket.Objects() {
		if strings.HasPrefix(key, w.Namespace+"/tree/") {
			newest = max(newest, key)
		}
	}
	return newest
}

// nextPage is the key of the page that is not there yet.
func nextPage(w *sim.World) string {
	n := int64(1)
	for evidence.TreeKey(w.Namespace, n) <= newestPage(w) {
		n++
	}
	return evidence.TreeKey(w.Namespace, n)
}

// changeKeys makes others sign the checkpoints from now on.
func changeKeys(t testing.TB, w *sim.World, keys map[string]ed25519.PrivateKey) {
	t.Helper()
	secret := keyed(t, keys)
	if err := w.API.As("carol").Delete(context.Background(), secret); err != nil {
		t.Fatal(err)
	}
	w.Create(keyed(t, keys))
}

var anotherKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte("t"), ed25519.SeedSize))

// TestNothingIsSignedOnWhatIsNotTheAnchored: whatever somebody does to the bucket or the key, no new checkpoint covers it, people hear of it,
// and it goes on when it was put right.
func TestNothingIsSignedOnWhatIsNotTheAnchored(t *testing.T) {
	for name, one := range map[string]struct {
		change func(w *sim.World)
		says   string
	}{
		"the newest page is gone":         {func(w *sim.World) { w.Bucket.Lose(newestPage(w)) }, "the bucket is an older copy"},
		"the newest page is an older one": {func(w *sim.World) { w.Bucket.Put(newestPage(w), w.Bucket.Objects()[evidence.TreeKey(w.Namespace, 1)]) }, "the bucket is an older copy"},
		"the newest page is nonsense":     {func(w *sim.World) { w.Bucket.Put(newestPage(w), []byte("{}")) }, "not a page of the tree"},
		"a page of a stranger comes next": {func(w *sim.World) { w.Bucket.Put(nextPage(w), w.Bucket.Objects()[newestPage(w)]) }, "is not a page that this operator made"},
		"the key was replaced at once":    {func(w *sim.World) { changeKeys(t, w, map[string]ed25519.PrivateKey{"new.pem": anotherKey}) }, "signed by none of the 1 keys"},
	} {
		for how, restarted := range map[string]bool{"": false, ", and the operator starts again": true} {
			t.Run(name+how, func(t *testing.T) {
				t.Parallel()
				w := grown(t)
				operator := trees(w)
				later(w, operator, time.Minute)
				before, objects := anchored(w), w.Bucket.Objects()
				one.change(w)
				if restarted {
					operator = trees(w)
				}
				later(w, operator, 3*time.Hour)
				if anchored(w) != before {
					t.Error("a new checkpoint was signed")
				}
				if said := strings.Join(w.Trace, "\n"); !strings.Contains(said, "event Warning CheckpointConflict") || !strings.Contains(said, one.says) {
					t.Errorf("nobody was told %q", one.says)
				}
				for key := range w.Bucket.Objects() {
					w.Bucket.Lose(key)
				}
				for key, data := range objects {
					w.Bucket.Put(key, data)
				}
				changeKeys(t, w, map[string]ed25519.PrivateKey{"key.pem": checkpointKey})
				later(w, operator, 2*time.Hour)
				verifies(t, w)
				if anchored(w) == before {
					t.Error("it does not go on when all is as it was")
				}
			})
		}
	}
}

// TestAKeyTakesThePlaceOfAnother: while both sign, an auditor who has either key verifies.
func TestAKeyTakesThePlaceOfAnother(t *testing.T) {
	w := grown(t)
	for _, keys := range []map[string]ed25519.PrivateKey{{"1.pem": checkpointKey, "2.pem": anotherKey}, {"2.pem": anotherKey}} {
		changeKeys(t, w, keys)
		later(w, trees(w), 2*time.Hour)
	}
	public, _ := anotherKey.Public().(ed25519.PublicKey)
	report, err := audit.Namespace(copyOf(w), "", audit.Trust{Public: []ed25519.PublicKey{publicKey(), public}, Earlier: []string{anchored(w)}})
	if err != nil || len(report.Findings) > 0 {
		t.Errorf("%v, %v", report.Findings, err)
	}
	if newest := string(w.Bucket.Objects()[newestPage(w)]); strings.Count(newest, "— ") != 1 {
		t.Errorf("the newest checkpoint is signed by more than the new key: %.600s", newest)
	}
}

// TestALostAnchorIsMadeAgain: a ConfigMap that is gone, or came back from a backup, is caught up from the pages.
func TestALostAnchorIsMadeAgain(t *testing.T) {
	for name, older := range map[string]bool{"gone": false, "from a backup": true} {
		w := grown(t)
		var backup corev1.ConfigMap
		at := types.NamespacedName{Namespace: policies.Home(sim.User), Name: controllers.AnchorName}
		if err := w.API.As(sim.User).Get(context.Background(), at, &backup); err != nil {
			t.Fatal(err)
		}
		later(w, trees(w), 3*time.Hour)
		want := anchored(w)
		if err := w.API.As(sim.User).Delete(context.Background(), backup.DeepCopy()); err != nil {
			t.Fatal(err)
		}
		if older {
			backup.ObjectMeta = metav1.ObjectMeta{Namespace: at.Namespace, Name: at.Name}
			w.Create(&backup)
		}
		later(w, trees(w), time.Minute)
		if got := anchored(w); got != want {
			t.Errorf("%s: anchored is %q, want %q", name, got, want)
		}
		verifies(t, w)
	}
}

// TestTheTreeIsWoken: an entry of either kind comes into the tree because the status of its object changed, long before the hour is over.
func TestTheTreeIsWoken(t *testing.T) {
	for line, kind := range []string{"incident", "rollback"} {
		scenario := treeStory(t)
		r := &run{World: sim.New(t, scenario.Playbook), scenario: scenario, cut: &Cut{}}
		scenario.Set(r.World)
		r.Create(keyed(t, map[string]ed25519.PrivateKey{"key.pem": checkpointKey}))
		r.operator = r.Start(sim.Seams{Controllers: func(all []controllers.Controller) []controllers.Controller {
			for i := range all {
				if all[i].Name == "tree" {
					all[i].Watches = all[i].Watches[line : line+1]
				}
			}
			return all
		}})
		for newestPage(r.World) == "" && r.Next(context.Background(), r.operator) {
			continue
		}
		if newestPage(r.World) == "" {
			t.Errorf("nothing of a %s wakes the tree", kind)
		}
	}
}

// TestARefusedAnchorIsCaughtUp: while the API server refuses the ConfigMap nothing is signed beyond one page, and then it goes on with that.
func TestARefusedAnchorIsCaughtUp(t *testing.T) {
	r := begin(t, treeStory(t), Mutant{}, &Cut{})
	r.goOn(context.Background())
	r.Create(keyed(t, map[string]ed25519.PrivateKey{"key.pem": checkpointKey}))
	refused := true
	operator := r.Start(sim.Seams{Controllers: onlyTrees, Around: func(effect string, do func() error) error {
		if refused && strings.HasSuffix(effect, controllers.AnchorName) {
			return apierrors.NewForbidden(corev1.Resource("configmaps"), controllers.AnchorName, errors.New("exceeded quota"))
		}
		return do()
	}})
	later(r.World, operator, time.Hour)
	if newestPage(r.World) != evidence.TreeKey(r.Namespace, 1) || anchored(r.World) != "" {
		t.Errorf("the newest page is %q, anchored is %q", newestPage(r.World), anchored(r.World))
	}
	refused = false
	later(r.World, operator, 5*time.Minute)
	if anchored(r.World) == "" {
		t.Error("it does not go on")
	}
	verifies(t, r.World)
}

// Nobody of the namespace looks at the operator's ConfigMap: what is refused of it stands in the playbook, as long as it is, with an event.
func TestAPlaybookTellsOfARefusedAnchor(t *testing.T) {
	r := begin(t, treeStory(t), Mutant{}, &Cut{})
	r.Create(keyed(t, map[string]ed25519.PrivateKey{"key.pem": checkpointKey}))
	refused := true
	operator := r.Start(sim.Seams{Around: func(effect string, do func() error) error {
		if refused && strings.HasSuffix(effect, controllers.AnchorName) {
			return apierrors.NewForbidden(corev1.Resource("configmaps"), controllers.AnchorName, errors.New("exceeded quota"))
		}
		return do()
	}})
	tells := func() bool {
		ready := meta.FindStatusCondition(playbookTells(r.World), strategyv1.ConditionReady)
		return ready != nil && strings.Contains(ready.Message, "the API server refuses KeepCheckpoints: ") && strings.Contains(ready.Message, "exceeded quota")
	}
	later(r.World, operator, time.Hour)
	if !tells() {
		t.Errorf("it says %+v", playbookTells(r.World))
	}
	refused = false
	later(r.World, operator, 5*time.Minute)
	if anchored(r.World) == "" || tells() {
		t.Errorf("anchored is %q, and it says %+v", anchored(r.World), playbookTells(r.World))
	}
}
