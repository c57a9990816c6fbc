package schedulerconfig

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/record"
)

const flux = "kustomize-controller"

// again asks that what was written is written once more.
func again(claim record.Claim, times int32) record.Claim {
	claim.Reapplies = times
	return claim
}

// put is the configuration as a tool wrote it.
func (o Observed) put(content, writer string) Observed {
	o.Content, o.Writer = content, writer
	return o
}

// What a GitOps controller put back is written again, and nothing else.
func TestWhatWasPutBackIsWrittenAgain(t *testing.T) {
	a, shared := hold("a", 1, set("/a", "1", "10"), set("/list/[name=y]", "", "{name: y}")), hold("s", 2, set("/a", "1", "10"))
	written := "# ours\na: 10 # one\nb: 2\nlist:\n  - {name: x, v: 1}\n  - name: y\nc: 3\n"
	moved := "# Git's\nb: 5\na: 1\nlist: [] # none\n"
	for name, c := range map[string]struct {
		put, writer string
		claims      []record.Claim
		content     string
		refused     string
		quiet       bool
	}{
		"all of it":                   {put: base, writer: flux, claims: []record.Claim{again(a, 1)}, content: written},
		"by Argo CD":                  {put: base, writer: "argocd-controller", claims: []record.Claim{again(a, 1)}, content: written},
		"one of its edits":            {put: strings.Replace(written, "10", "1", 1), writer: flux, claims: []record.Claim{again(a, 1)}, content: written},
		"in another text":             {put: moved, writer: flux, claims: []record.Claim{again(a, 1)}, content: "# Git's\nb: 5\na: 10\nlist: [{name: y}] # none\n"},
		"nobody asks":                 {put: base, writer: flux, claims: []record.Claim{a}, content: base, quiet: true},
		"for another, who shares it":  {put: strings.Replace(written, "10", "1", 1), writer: flux, claims: []record.Claim{a, again(shared, 1)}, content: written},
		"for both":                    {put: base, writer: flux, claims: []record.Claim{again(a, 1), again(shared, 1)}, content: written},
		"a person wrote it last":      {put: base, writer: "kubectl-edit", claims: []record.Claim{again(a, 1)}, content: base, refused: `rb-a: the edits are not written again: "kubectl-edit" wrote`, quiet: true},
		"helm was run":                {put: base, writer: "helm", claims: []record.Claim{again(a, 1)}, content: base, refused: "rb-a: the edits are not written again", quiet: true},
		"nobody knows who did":        {put: base, claims: []record.Claim{again(a, 1)}, content: base, refused: "rb-a: the edits are not written again", quiet: true},
		"another value":               {put: strings.Replace(base, "a: 1", "a: 7", 1), writer: flux, claims: []record.Claim{again(a, 1)}, content: strings.Replace(base, "a: 1", "a: 7", 1), refused: "rb-a: /a holds neither", quiet: true},
		"the place is gone":           {put: strings.Replace(base, "a: 1 # one\n", "", 1), writer: flux, claims: []record.Claim{again(a, 1)}, content: strings.Replace(base, "a: 1 # one\n", "", 1), refused: "rb-a: /a holds neither", quiet: true},
		"an item of its own there":    {put: strings.Replace(base, "v: 1}", "v: 1}\n  - {name: y, w: 3}", 1), writer: flux, claims: []record.Claim{again(a, 1)}, content: strings.Replace(base, "v: 1}", "v: 1}\n  - {name: y, w: 3}", 1), refused: "rb-a: /list/[name=y] holds neither", quiet: true},
		"what cannot be read":         {put: "a: [\n", writer: flux, claims: []record.Claim{again(a, 1)}, content: "a: [\n", refused: "rb-a: ", quiet: true},
		"it stands again by itself":   {put: written, writer: flux, claims: []record.Claim{again(a, 1)}, content: written},
		"it is to be undone by now":   {put: base, writer: flux, claims: []record.Claim{release(again(a, 1))}, content: base},
		"of another plan than stands": {put: base, writer: flux, claims: []record.Claim{again(record.Claim{UID: "a", Name: "rb-a", State: a.State, Revision: 2, Met: true, Edits: a.Edits}, 1)}, content: base, quiet: true},
	} {
		t.Run(name, func(t *testing.T) {
			o, _ := after(t, Observed{DataKey: "core.yaml", Content: base, Claims: []record.Claim{a, shared}})
			if o.Content != written {
				t.Fatalf("written was:\n%s", o.Content)
			}
			o.Claims = c.claims
			next, decision := after(t, o.put(c.put, c.writer))
			if diff := cmp.Diff(c.content, next.Content); diff != "" {
				t.Errorf("content (-want +got):\n%s", diff)
			}
			refused := ""
			for _, refusal := range decision.Refused {
				refused += refusal.Name + ": " + refusal.Message
			}
			if !strings.HasPrefix(refused, c.refused) || (refused != "") != (c.refused != "") {
				t.Errorf("refused %q, want %q", refused, c.refused)
			}
			if (decision.Write == nil) != c.quiet {
				t.Errorf("written: %v", decision.Write != nil)
			}
			if more, decision := after(t, next.put(next.Content, "")); decision.Write != nil {
				t.Errorf("it writes once more: %s", more.Content)
			}
		})
	}
}

// However often a tool puts back what Git says, and whoever shares the edits: once all are undone, what Git says stands there, byte for byte.
func TestWhatGitSaysIsBackInTheEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		claims := []record.Claim{
			hold("a", 1, set("/a", "1", "10"), set("/b", "2", "20")), hold("b", 2, set("/b", "2", "20"), set("/fresh/[name=q]", "", "{name: q}")),
			hold("c", 3, set("/fresh/[name=r]", "", "{name: r}"), set("/list/[name=x]/v", "1", "5")), hold("d", 4, set("/list/[name=x]/v", "1", "5")),
		}
		git := base
		o, decision := after(t, Observed{DataKey: "core.yaml", Content: base, Claims: claims})
		if len(decision.Refused) > 0 {
			t.Fatalf("refused: %v", decision.Refused)
		}
		for range rapid.IntRange(1, 3).Draw(t, "rounds") {
			git = rapid.SampledFrom([]string{base, "c: 3\n" + strings.TrimSuffix(base, "c: 3\n"), strings.ReplaceAll(base, " # one", "")}).Draw(t, "Git says")
			o = o.put(git, flux)
			asked := rapid.SliceOfNDistinct(rapid.IntRange(0, 3), 1, 4, rapid.ID[int]).Draw(t, "ask")
			for _, i := range asked {
				o.Claims[i] = again(o.Claims[i], o.State.Holder(o.Claims[i].UID).Reapplied+1)
			}
			if o, decision = after(t, o); len(decision.Refused) > 0 {
				t.Fatalf("refused: %v", decision.Refused)
			}
			for _, i := range asked {
				if paths, changed := record.PutBack(testDocument(t, o.Content), o.State, o.Claims[i].UID); len(paths) > 0 || changed != "" {
					t.Fatalf("%s does not stand: %v %s\n%s", o.Claims[i].UID, paths, changed, o.Content)
				}
			}
			o = o.put(o.Content, "")
		}
		for _, i := range rapid.Permutation([]int{0, 1, 2, 3}).Draw(t, "released") {
			o.Claims[i] = release(o.Claims[i])
			if rapid.Bool().Draw(t, "now") {
				o, _ = after(t, o)
			}
		}
		if o, _ = after(t, o); o.Content != git || len(o.State.Holders) > 0 {
			t.Fatalf("not what Git says: %s\n%s", holders(o.State), cmp.Diff(git, o.Content))
		}
	})
}

// A tool is paused in the write of the first edits that want it, and goes on in that of the last which are undone. What others say of it stays.
func TestAToolIsPausedAsLongAsEditsWantIt(t *testing.T) {
	const key = "kustomize.toolkit.fluxcd.io/reconcile"
	pausing := func(claim record.Claim) record.Claim {
		claim.Pause = key + "=disabled"
		return claim
	}
	a, b, c := pausing(hold("a", 1, set("/a", "1", "10"))), pausing(hold("b", 2, set("/b", "2", "20"))), hold("c", 3, set("/c", "3", "30"))
	on, off := map[string]string{key: "disabled"}, map[string]string{}
	renewed := a
	renewed.Revision, renewed.Edits = 2, []strategyv1.PlannedEdit{set("/a", "1", "11")}
	for name, steps := range map[string][]struct {
		claims []record.Claim
		by     map[string]string // what somebody makes of it before; nil: nobody does
		after  map[string]string
	}{
		"one":                         {{[]record.Claim{a}, nil, on}, {[]record.Claim{release(a)}, nil, off}},
		"two, the first ends first":   {{[]record.Claim{a}, nil, on}, {[]record.Claim{a, b}, nil, on}, {[]record.Claim{release(a), b}, nil, on}, {[]record.Claim{release(b)}, nil, off}},
		"two, the second ends first":  {{[]record.Claim{a, b}, nil, on}, {[]record.Claim{a, release(b)}, nil, on}, {[]record.Claim{release(a)}, nil, off}},
		"one follows the other":       {{[]record.Claim{a}, nil, on}, {[]record.Claim{release(a), b}, nil, on}, {[]record.Claim{release(b)}, nil, off}},
		"renewed":                     {{[]record.Claim{a}, nil, on}, {[]record.Claim{renewed}, nil, on}, {[]record.Claim{release(renewed)}, nil, off}},
		"nobody wants it":             {{[]record.Claim{c}, nil, off}, {[]record.Claim{release(c)}, nil, off}},
		"others go on":                {{[]record.Claim{a, c}, nil, on}, {[]record.Claim{release(a), c}, nil, off}},
		"it was paused before":        {{[]record.Claim{a}, on, on}, {[]record.Claim{release(a)}, nil, on}},
		"somebody says it is enabled": {{[]record.Claim{a}, map[string]string{key: "enabled"}, map[string]string{key: "enabled"}}, {[]record.Claim{release(a)}, nil, map[string]string{key: "enabled"}}},
		"somebody took it off":        {{[]record.Claim{a}, nil, on}, {[]record.Claim{release(a)}, off, off}},
		"somebody changed it":         {{[]record.Claim{a}, nil, on}, {[]record.Claim{release(a)}, map[string]string{key: "enabled"}, map[string]string{key: "enabled"}}},
		"it is left for good":         {{[]record.Claim{a}, nil, on}, {[]record.Claim{{UID: "a", Name: "rb-a", State: "Forget", Revision: 1, Time: a.Time}}, nil, on}},
	} {
		t.Run(name, func(t *testing.T) {
			o := Observed{DataKey: "core.yaml", Content: base, Annotations: map[string]string{}}
			for i, step := range steps {
				if step.by != nil {
					o.Annotations = map[string]string{}
					for key, value := range step.by {
						o.Annotations[key] = value
					}
				}
				o.Claims = slices.Clone(step.claims)
				var decision Decision
				if o, decision = after(t, o); len(decision.Refused) > 0 {
					t.Fatalf("refused: %v", decision.Refused)
				}
				if diff := cmp.Diff(step.after, o.Annotations); diff != "" {
					t.Errorf("step %d (-want +got):\n%s", i+1, diff)
				}
			}
		})
	}
}

func testDocument(t *rapid.T, content string) *config.Document {
	document, err := config.Parse(content)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return document
}
