package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

func TestWhoDecides(t *testing.T) {
	reviews := schema.GroupResource{Group: "authentication.k8s.io", Resource: "selfsubjectreviews"}
	const notTold, notStamped = "Warning: the cluster does not tell who you are", "Warning: nobody stamped who decided"
	for _, test := range []struct {
		name  string
		err   error  // of the review
		stamp string // what the stamping policies write where no name is
		code  int
		by    string
		says  []string // on the error output, a line each
	}{
		{"the plugin names its user", nil, "", exitDone, "bob", nil},
		{"stamps leave the name", nil, "carol", exitDone, "bob", nil},
		{"the review is refused, the name is stamped", apierrors.NewForbidden(reviews, "", errors.New("no rights")), "bob", exitDone, "bob", []string{notTold}},
		{"there is no review, the name is stamped", &meta.NoKindMatchError{}, "bob", exitDone, "bob", []string{notTold}},
		{"the review is not served, the name is stamped", apierrors.NewNotFound(reviews, ""), "bob", exitDone, "bob", []string{notTold}},
		{"nobody knows who decides", apierrors.NewForbidden(reviews, "", errors.New("no rights")), "", exitDone, "", []string{notTold, notStamped}},
		{"the cluster does not answer", errors.New("connection refused"), "bob", exitNotUnderstood, "", []string{"error: ask the cluster who you are: connection refused"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			asked := 0
			w := newWorldWith(t, "", interceptor.Funcs{Create: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.CreateOption) error {
				switch typed := object.(type) {
				case *authenticationv1.SelfSubjectReview:
					if asked++; test.err != nil {
						return test.err
					}
				case *strategyv1.StrategyDecision:
					if typed.Spec.By == "" {
						typed.Spec.By = test.stamp
					}
				}
				return bobRuns(ctx, c, object, options...)
			}}, awaiting())
			if code := w.run(t, "approve", "stop-cross", "--yes", "--reason", "why"); code != test.code || asked != 1 {
				t.Errorf("exit code %d, want %d, after %d reviews: %s", code, test.code, asked, w.err)
			}
			lines := strings.FieldsFunc(w.err.String(), func(r rune) bool { return r == '\n' })
			if len(lines) != len(test.says) {
				t.Fatalf("said %d lines, want %d: %s", len(lines), len(test.says), w.err)
			}
			for i, want := range test.says {
				if !strings.HasPrefix(lines[i], want) {
					t.Errorf("said %q, want %q", lines[i], want)
				}
			}
			made := w.decisions(t)
			if (len(made) == 1) != (test.code == exitDone) || len(made) == 1 && made[0].Spec.By != test.by {
				t.Errorf("recorded %+v, want by %q", made, test.by)
			}
		})
	}
}
