package controllers

import (
	"context"
	"fmt"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/playbook"
)

// Access asks what somebody may do.
type Access interface {
	// May is an error if nobody can say.
	May(ctx context.Context, namespace string, right facts.Right) (bool, error)
}

// AccessReviews asks the API server.
type AccessReviews struct{ Clientset kubernetes.Interface }

// May implements Access. A rotation does not say whether a name is a user's or a group's, and a role may be bound to either: whoever is one of both
// has it.
func (a AccessReviews) May(ctx context.Context, namespace string, right facts.Right) (bool, error) {
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: right.Name, Groups: []string{right.Name, "system:authenticated"},
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: namespace, Verb: right.Verb, Group: strategyv1.GroupVersion.Group, Resource: right.Resource,
		},
	}}
	answer, err := a.Clientset.AuthorizationV1().SubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return false, err
	}
	if wrong := answer.Status.EvaluationError; wrong != "" && !answer.Status.Allowed {
		return false, fmt.Errorf("the API server cannot say so: %s", wrong)
	}
	return answer.Status.Allowed, nil
}

// rightsAtOnce bounds what one pass asks: a rotation with many people takes some.
const rightsAtOnce = 64

// said is one answer about what somebody may do.
type said struct {
	may    bool
	unsaid string // why it is not known; empty: it is
	at     time.Time
}

// observeEntitled asks what people on call may do, as far as that is not known from lately: an answer holds for a while, also the one that nobody
// could give. So whatever wakes a playbook, the API server is asked at a bounded pace.
func (r *reader) observeEntitled(ctx context.Context, object *strategyv1.StrategyPlaybook, onCall facts.OnCall, now time.Time) facts.Entitled {
	wanted := playbook.RightsToAsk(onCall, now)
	if r.Access == nil || len(wanted) == 0 {
		return facts.Entitled{}
	}
	limited, enough := context.WithTimeout(ctx, r.Pauses.Live) // for all of them: once it is over, the others fail at once
	defer enough()
	before, _ := r.entitled.get(object.UID)
	known := map[facts.Right]said{}
	seen := facts.Entitled{Asked: true, Rights: facts.Rights{}}
	asked := 0
	for _, right := range wanted {
		answer, told := before[right]
		switch {
		case told && now.Before(r.holds(answer)):
		case asked < rightsAtOnce:
			asked++
			answer = r.ask(limited, object.Namespace, right, now)
		default:
			seen.NextAt = checks.Earlier(seen.NextAt, now.Add(r.Pauses.Passes))
			continue
		}
		known[right] = answer
		seen.NextAt = checks.Earlier(seen.NextAt, r.holds(answer))
		if answer.unsaid == "" {
			seen.Rights[right] = answer.may
		} else {
			seen.Silent = answer.unsaid
		}
	}
	r.entitled.put(object.UID, known, len(known)*rightBytes)
	return seen
}

// holds says until when an answer counts.
func (r *reader) holds(answer said) time.Time {
	if answer.unsaid != "" {
		return answer.at.Add(r.Pauses.RightsRetry)
	}
	return answer.at.Add(r.Pauses.Rights)
}

func (r *reader) ask(ctx context.Context, namespace string, right facts.Right, now time.Time) said {
	may, err := r.Access.May(ctx, namespace, right)
	if err != nil {
		return said{unsaid: bounded.Line(err.Error(), 512), at: now}
	}
	return said{may: may, at: now}
}

// rightBytes is what one answer takes, about.
const rightBytes = 256
