package policies

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"tradeops.dev/strategy-operator/config/admission"
)

// Name is the ConfigMap in the operator's own namespace that keeps since when each changed policy is as it is.
const Name = "strategy-operator-policies"

// takeUp is how long an API server may take to act on a policy that was just written. Until then a request may pass by the old one.
const takeUp = 5 * time.Second

// Proof reads the installed policies. It is made once; many goroutines may ask it at once.
type Proof struct {
	api       client.Client // reads come from the API server
	clock     clock.PassiveClock
	namespace string // the operator's own
	shipped   []*unstructured.Unstructured

	mu sync.Mutex // one reads and remembers at a time
}

// Home is the namespace of an operator that the API server knows as user. One that runs as no service account keeps its own where it is shipped to.
func Home(user string) string {
	account, isAccount := strings.CutPrefix(user, accounts)
	if !isAccount {
		account = strings.TrimPrefix(admission.Operator, accounts)
	}
	namespace, _, _ := strings.Cut(account, ":")
	return namespace
}

// New is a proof for an operator that the API server knows as user.
func New(api client.Client, clock clock.PassiveClock, user string) (*Proof, error) {
	shipped, err := Shipped(user)
	if err != nil {
		return nil, err
	}
	return &Proof{api: api, clock: clock, namespace: Home(user), shipped: shipped}, nil
}

// InForce says since when all policies are what the operator was built with. Where one is not, differs says which, and what to do. An error:
// it could not be asked.
func (p *Proof) InForce(ctx context.Context) (since time.Time, differs string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known, err := p.remembered(ctx)
	if err != nil {
		return time.Time{}, "", err
	}
	now, learned := p.clock.Now(), false
	for _, shipped := range p.shipped {
		installed := &unstructured.Unstructured{}
		installed.SetGroupVersionKind(shipped.GroupVersionKind())
		differs, err := p.compare(ctx, shipped, installed)
		if err != nil || differs != "" {
			return time.Time{}, differs, err
		}
		from, isNew := asItIs(known.Data, installed, now)
		learned = learned || isNew
		if from.After(since) {
			since = from
		}
	}
	if learned {
		err = p.remember(ctx, known)
	}
	return since.Add(takeUp), "", err
}

// compare reads an installed object, and says how it differs from the shipped one.
func (p *Proof) compare(ctx context.Context, shipped, installed *unstructured.Unstructured) (string, error) {
	what := shipped.GetKind() + " " + shipped.GetName()
	err := p.api.Get(ctx, client.ObjectKeyFromObject(shipped), installed)
	if apierrors.IsNotFound(err) {
		return what + " is not there; " + again, nil
	}
	if apierrors.IsForbidden(err) {
		return what + " may not be read, so nobody knows what it says; apply config/rbac again", nil
	}
	if err != nil {
		return "", err
	}
	if where := differs("spec", shipped.Object["spec"], installed.Object["spec"]); where != "" {
		return what + " is not what this version of the operator comes with: " + where + "; " + again, nil
	}
	return "", nil
}

// again is what helps. Who is to force it: a field that another manager changed is its own.
const again = "kubectl apply --server-side --force-conflicts -k config/admission"

// asItIs is since when a policy is as it is: since its creation, or since it was seen so first. It is learned by heart.
func asItIs(known map[string]string, installed *unstructured.Unstructured, now time.Time) (from time.Time, isNew bool) {
	if installed.GetGeneration() == 1 {
		return installed.GetCreationTimestamp().Time, false
	}
	key := strings.ToLower(installed.GetKind()) + "." + installed.GetName()
	id := fmt.Sprintf("%s/%d", installed.GetUID(), installed.GetGeneration())
	if before, at, found := strings.Cut(known[key], " "); found && before == id {
		if from, err := time.Parse(time.RFC3339Nano, at); err == nil && !from.After(now) {
			return from, false
		}
	}
	known[key] = id + " " + now.UTC().Format(time.RFC3339Nano)
	return now, true
}

func (p *Proof) remembered(ctx context.Context) (*corev1.ConfigMap, error) {
	var known corev1.ConfigMap
	err := p.api.Get(ctx, types.NamespacedName{Namespace: p.namespace, Name: Name}, &known)
	if client.IgnoreNotFound(err) != nil {
		return nil, err
	}
	known.Namespace, known.Name = p.namespace, Name
	if known.Data == nil {
		known.Data = map[string]string{}
	}
	return &known, nil
}

// remember writes over what was read, or fails.
func (p *Proof) remember(ctx context.Context, known *corev1.ConfigMap) error {
	if known.ResourceVersion == "" {
		return p.api.Create(ctx, known)
	}
	return p.api.Update(ctx, known)
}
