package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
	"golang.org/x/net/html"
	"pgregory.net/rapid"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/report"
)

// hostile is a text of somebody who wants to be more than a text.
var hostile = rapid.Custom(func(t *rapid.T) string {
	pieces := rapid.SliceOfN(rapid.SampledFrom([]string{
		"<script>alert(1)</script>", "</title>", "</svg>", "-->", "<!--", "<img src=x onerror=alert(1)>", "\" onclick=\"x", "' x='", "&lt;", "&#x3c;", "javascript:alert(1)",
		"| a | b |", "\n", "\r\n", "\n\n# heading\n", "\n---\n", "\n- item", "1. ", "2) ", "# ", "## x ##", "> ", "```\n", "~~~", "`", "``", "**", "__", "*a*", "_b_", "~~c~~",
		"[a](http://x)", "![a](x)", "[a]: x", "<http://x>", "http://example.com", "www.example.com", "WWW.x.de", "mailto:a@b.cd", "a@b.cd", "https://x.y/?a=b", "ftp://a.b", "\\", "\\\\", "$x$",
		"- [x] done", "[^1]", "| --- |", "\t", "    code", "\u202e", "\u0000", "\x1b[31m", "\xff", "<", ">", "&", "=", "+ ", "- ", "word", " ", "é", "{{.}}", "</style>", "\u2028",
	}), 1, 6).Draw(t, "pieces")
	return strings.Join(pieces, "")
})

// with is a report in which everything that people write is a text.
func with(t testing.TB, words string) report.Report {
	b := newBucket(t)
	status := strategyv1.StrategyIncidentStatus{
		PlaybookRevision: "r", ClosedTime: stamp(100), Cause: &strategyv1.CauseStatus{Name: "C", Rule: words, Remediation: "m"},
		Deadlines:  []strategyv1.Deadline{{Level: strategyv1.LevelL1, Time: *stamp(300), AnsweredTime: stamp(30), AnsweredBy: words}},
		OnCall:     []strategyv1.OnCallStatus{{Level: strategyv1.LevelL1, Name: words}},
		Conditions: []metav1.Condition{condition(strategyv1.ConditionTriaged, true, "R", words), condition(strategyv1.ConditionResolved, true, "R", words)},
		Checks:     []strategyv1.CheckStatus{b.check(incident, strategyv1.StageTriage, "audit", strategyv1.VerdictError, words, `{}`)},
		Proposal:   &strategyv1.ProposalStatus{Remediation: words, Patch: "+" + words},
	}
	status.Log = b.log(incident, "incident", false, said{20, strategyv1.EventIncident, words, words})
	b.signals(incident, 20, map[string]float64{"cpu": 1})
	rollback := b.rollback(first, false, 40, nil)
	rollback.Spec.Reason, rollback.Status.Plan.Diff = words, "+"+words
	rollback.Status.Plan.Edits = []strategyv1.PlannedEdit{{Path: "/" + words, From: &words, To: words}}
	of := report.Incident{Object: incident, Spec: spec(strategyv1.IncidentLive), Status: status}
	of.Spec.Summary, of.Spec.Schedule = words, words
	procedure := playbook()
	procedure.Diagnosis.Causes = []strategyv1.CauseRule{{Name: "C", When: words, Remediation: words}}
	b.close(report.Snapshot{Incident: of, Playbook: procedure, Rollbacks: []report.Rollback{rollback}})
	made, _ := b.made()
	return made
}

// TestATextIsNeverMarkup: whatever people write, the page has the same elements in the same order as with a plain word.
func TestATextIsNeverMarkup(t *testing.T) {
	plainHTML, plainMarkdown := elements(t, page(t, with(t, "word"))), nodes(with(t, "word").Markdown())
	rapid.Check(t, func(rt *rapid.T) {
		words := "x" + hostile.Draw(rt, "words")
		if rapid.Bool().Draw(rt, "bare") {
			words = words[1:]
		}
		made := with(t, words)
		if strings.TrimSpace(words) == "" {
			return // says nothing, so a place for it may be left out
		}
		if got := elements(t, page(t, made)); got != plainHTML {
			rt.Fatalf("%q changes the elements of the page:\n%s\nnot\n%s", words, got, plainHTML)
		}
		if got := nodes(made.Markdown()); got != plainMarkdown {
			rt.Fatalf("%q changes the Markdown:\n%s\nnot\n%s\n%s", words, got, plainMarkdown, made.Markdown())
		}
	})
}

// elements of a page with the names of their attributes.
func elements(t *testing.T, page []byte) string {
	t.Helper()
	var out strings.Builder
	tokens := html.NewTokenizer(bytes.NewReader(page))
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			return out.String()
		case html.CommentToken:
			out.WriteString("comment\n")
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			token := tokens.Token()
			out.WriteString(token.Data)
			for _, attribute := range token.Attr {
				out.WriteString(" " + attribute.Key)
			}
			out.WriteByte('\n')
		}
	}
}

// nodes of a Markdown text, as a reader with the usual extensions sees them, but for how many texts and lines in a row there are.
func nodes(page []byte) string {
	var out strings.Builder
	root := goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote)).Parser().Parse(text.NewReader(page))
	_ = ast.Walk(root, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering && node.Kind() != ast.KindText {
			out.WriteString(node.Kind().String() + "\n")
		}
		return ast.WalkContinue, nil
	})
	return out.String()
}

// TestThePageLoadsNothing: no script, no address outside of the evidence, and a policy that forbids both.
func TestThePageLoadsNothing(t *testing.T) {
	for _, story := range stories {
		made, _ := story.bucket(t).made()
		data := page(t, made)
		tokens := html.NewTokenizer(bytes.NewReader(data))
		for tokens.Next() != html.ErrorToken {
			token := tokens.Token()
			if token.Type != html.StartTagToken && token.Type != html.SelfClosingTagToken {
				continue
			}
			if strings.Contains(" script link img iframe object embed form base use image ", " "+token.Data+" ") {
				t.Errorf("%s: it has <%s>", story.name, token.Data)
			}
			for _, attribute := range token.Attr {
				if strings.HasPrefix(attribute.Key, "on") || attribute.Key == "style" || strings.Contains(attribute.Val, "//") {
					t.Errorf("%s: <%s %s=%q>", story.name, token.Data, attribute.Key, attribute.Val)
				}
			}
		}
		for _, wanted := range []string{`default-src &#39;none&#39;`, `lang="en"`, `scope="col"`, `<caption>`} {
			if !bytes.Contains(data, []byte(wanted)) {
				t.Errorf("%s: it has no %s", story.name, wanted)
			}
		}
		if strings.Contains(string(data), "ZgotmplZ") {
			t.Errorf("%s: the template refused a value", story.name)
		}
	}
}
