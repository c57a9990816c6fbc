package controllers

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/config"
)

// A pass holds the documents of all proposals of a playbook, and a parsed document is a hundred times its text.
func TestDocumentsOfProposalsAreBoundedTogether(t *testing.T) {
	many := "a: [" + strings.Repeat("0,", config.MaxParts*2/3) + "0]\n"
	server := &apiServer{configMap: corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: "trading", Name: "limits", Labels: map[string]string{strategyv1.LabelManaged: strategyv1.ManagedValue}},
		Data:       map[string]string{"first": many, "second": many, "small": "a: 1\n"},
	}}
	var spec strategyv1.StrategyPlaybookSpec
	for name, key := range map[string]string{"small": "small", "large": "first", "the same": "first"} {
		spec.Remediations = append(spec.Remediations, remediationOf(name, key))
	}
	spec.Remediations = append(spec.Remediations, remediationOf("one more", "second"))
	r := &incidents{reader: &reader{Client: server, Live: server}}
	object := &strategyv1.StrategyIncident{ObjectMeta: metav1.ObjectMeta{Namespace: "trading"}}
	documents, err := r.observeDocuments(t.Context(), object, spec)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"small", "large", "the same"} {
		if got := documents[name]; got.Problem != nil || got.Document == nil {
			t.Errorf("%s: %v", name, got.Problem)
		}
	}
	got := documents["one more"]
	if got.Document != nil || got.Problem == nil || !strings.Contains(got.Problem.Message, "key second: with the documents of the proposals before it") {
		t.Errorf("one more: %v", got.Problem)
	}
}

func remediationOf(name, key string) strategyv1.RemediationSpec {
	return strategyv1.RemediationSpec{
		Name: name, Proposal: &strategyv1.ProposalSpec{Document: strategyv1.DocumentReference{ConfigMapName: "limits", Key: key}},
	}
}

// What is remembered of a text that is almost nothing but parts counts for what it takes, with what its last edits made of it; and the largest one is
// remembered.
func TestAParsedDocumentWeighsItsParts(t *testing.T) {
	keys, set := strings.Builder{}, strings.Builder{}
	for n := range config.MaxParts/2 - 10 {
		fmt.Fprintf(&keys, "k%d: 0\n", n)
	}
	for n := range config.MaxParts - 10 {
		fmt.Fprintf(&set, "k%d,", n)
	}
	for name, text := range map[string]string{
		"numbers": "k1: 5\na: [" + strings.Repeat("0,", config.MaxParts-10) + "0]\n", "keys": keys.String(), "a set": "k1: 5\na: {" + set.String() + "z}\n",
		"a list": "k1: 5\na:\n" + strings.Repeat("- 0 #\n", config.MaxParts-10),
	} {
		before := heap()
		document, err := config.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, _, err := document.Apply([]config.Edit{{Path: "/k1", Value: "7"}}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if takes, weight := heap()-before, weightOf(text); takes > weight {
			t.Errorf("%s: it takes %d bytes, and weighs %d", name, takes, weight)
		}
		configs := memo[string, *config.Document]{most: configBytes}
		configs.put(name, document, weightOf(text))
		if _, found := configs.get(name); !found {
			t.Errorf("%s: it is parsed in each pass", name)
		}
		runtime.KeepAlive(text)
	}
	if weight := weightOf(strings.Repeat("x", 1000)); weight != 32_000 {
		t.Errorf("a text weighs %d", weight)
	}
}

// heap is how many bytes are in use.
func heap() int {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc)
}
