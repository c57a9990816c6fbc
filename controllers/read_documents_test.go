package controllers

import (
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

// What is remembered of a text that is almost nothing but parts counts for what it takes.
func TestAParsedDocumentWeighsItsParts(t *testing.T) {
	text := "a: [" + strings.Repeat("0,", 30_000) + "0]\n"
	if weight := weightOf(text); weight < 80*len(text) {
		t.Errorf("%d bytes of text weigh %d", len(text), weight)
	}
	if weight := weightOf(strings.Repeat("x", 1000)); weight != 32_000 {
		t.Errorf("a text weighs %d", weight)
	}
}
