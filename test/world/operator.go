package world

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/controllers"
)

// Operator is one life of the operator, without a manager: everything it remembers ends with it.
type Operator struct {
	Environment *controllers.Environment
	// Stopped says that the operator does nothing any more; nil: it never stops.
	Stopped func() bool
	// Errors are of all reconciles, in order.
	Errors []error
	// Soonest is when the last round asked to be repeated; 0: never.
	Soonest time.Duration

	world *World
}

// Seams are where a test stands between the operator and the world. Nil leaves a seam as it is.
type Seams struct {
	Transport func(http.RoundTripper) http.RoundTripper       // every request to the API server
	Client    func(client.Client) client.Client               // reads of the cache, and writes
	Live      func(client.Reader) client.Reader               // reads of the API server
	Evidence  func(controllers.Evidence) controllers.Evidence // the bucket
}

// Config is the operator's access to the API server.
func (w *World) Config(transport func(http.RoundTripper) http.RoundTripper) *rest.Config {
	config := rest.CopyConfig(w.Cluster.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: "strategy-operator", Groups: []string{"system:masters"}}
	if transport != nil {
		config.Wrap(transport)
	}
	return config
}

// Operator makes an operator with an empty memory, whose reads all go to the API server.
func (w *World) Operator(seams Seams) *Operator {
	w.T.Helper()
	plain, err := client.New(w.Config(seams.Transport), client.Options{Scheme: w.Cluster.Scheme, Mapper: w.Cluster.Admin.RESTMapper()})
	if err != nil {
		w.T.Fatal(err)
	}
	direct := &dated{plain, w}
	var api client.Client = &indexed{direct}
	if seams.Client != nil {
		api = seams.Client(api)
	}
	var live client.Reader = direct
	if seams.Live != nil {
		live = seams.Live(live)
	}
	var evidence controllers.Evidence = w.Store
	if seams.Evidence != nil {
		evidence = seams.Evidence(evidence)
	}
	return &Operator{world: w, Environment: &controllers.Environment{
		Client: api, Live: live, Logs: w, Evidence: evidence, Clock: w.Clock,
		Recorder: &events.FakeRecorder{}, Namespaces: []string{w.Namespace}, Signals: w,
	}}
}

// Round reconciles every object once. Errors are the operator's own business: the next round tries again, as the queue
// does.
func (o *Operator) Round(ctx context.Context) {
	w := o.world
	o.Soonest = 0
	do := func(reconciler reconcile.Reconciler, name string) {
		if o.Stopped != nil && o.Stopped() {
			return
		}
		var result ctrl.Result
		result, w.LastError = reconciler.Reconcile(ctx, ctrl.Request{NamespacedName: types.NamespacedName{Namespace: w.Namespace, Name: name}})
		if result.RequeueAfter > 0 && (o.Soonest == 0 || result.RequeueAfter < o.Soonest) {
			o.Soonest = result.RequeueAfter
		}
		if w.LastError != nil {
			o.Errors = append(o.Errors, w.LastError)
		}
	}
	for _, name := range w.Names(&strategyv1.StrategyPlaybookList{}) {
		do(&controllers.PlaybookReconciler{Environment: o.Environment}, name)
	}
	for _, name := range w.Names(&strategyv1.StrategyIncidentList{}) {
		do(&controllers.IncidentReconciler{Environment: o.Environment}, name)
	}
	for _, name := range w.Names(&strategyv1.StrategyRollbackList{}) {
		do(&controllers.RollbackReconciler{Environment: o.Environment}, name)
	}
	for _, name := range w.Names(&corev1.ConfigMapList{}) {
		if name == ConfigMap || strings.HasPrefix(name, "drill-") {
			do(&controllers.SchedulerConfigReconciler{Environment: o.Environment}, name)
		}
	}
}

// patience bounds what StepClock steps over: longer waits are a story's own business.
const patience = 10 * time.Second

// StepClock goes on to when the last round asked to be repeated, if that is soon, and says whether it did.
func (o *Operator) StepClock() bool {
	if o.Soonest == 0 || o.Soonest > patience {
		return false
	}
	o.world.Clock.SetTime(o.world.Clock.Now().Add(o.Soonest))
	return true
}

// indexed answers field selectors as the operator's cache does; everything else goes to the API server.
type indexed struct{ client.Client }

// List implements client.Reader.
func (c *indexed) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	var all client.ListOptions
	all.ApplyOptions(options)
	wanted := all.FieldSelector
	all.FieldSelector = nil
	if err := c.Client.List(ctx, list, &all); err != nil || wanted == nil {
		return err
	}
	var kept []runtime.Object
	err := meta.EachListItem(list, func(item runtime.Object) error {
		if c.matches(item, wanted) {
			kept = append(kept, item)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return meta.SetList(list, kept)
}

func (c *indexed) matches(item runtime.Object, wanted fields.Selector) bool {
	object, ok := item.(client.Object)
	if !ok {
		return false
	}
	for _, requirement := range wanted.Requirements() {
		found := slices.ContainsFunc(controllers.Indexes(), func(index controllers.Index) bool {
			sameKind := c.kindOf(index.Object) == c.kindOf(object)
			return sameKind && index.Field == requirement.Field && slices.Contains(index.Values(object), requirement.Value)
		})
		if !found {
			return false
		}
	}
	return true
}

func (c *indexed) kindOf(object client.Object) string {
	kinds, _, err := c.Scheme().ObjectKinds(object)
	if err != nil || len(kinds) == 0 {
		return ""
	}
	return kinds[0].Kind
}
