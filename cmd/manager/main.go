// Command manager runs the operator's controllers.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/controllers"
	"tradeops.dev/strategy-operator/controllers/namespaces"
	"tradeops.dev/strategy-operator/controllers/policies"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/logtree"
	"tradeops.dev/strategy-operator/internal/notify"
	"tradeops.dev/strategy-operator/internal/pauses"
	"tradeops.dev/strategy-operator/internal/signals"
	"tradeops.dev/strategy-operator/internal/writeback"
)

// version is set by the linker.
var version = "development"

type options struct {
	namespaces, machines, bucket, metricsAddress, probeAddress, electionNamespace string
	alertsAddress, alertsCertDir, evidenceAddress                                 string
	operator                                                                      string
	election                                                                      bool
	qps                                                                           float64
	share                                                                         int64
	pauses                                                                        pauses.Pauses
	allow, webhooks, repositories                                                 signals.Allow
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "manager:", err)
		os.Exit(1)
	}
}

func run() error {
	var o options
	flag.StringVar(&o.namespaces, "namespaces", "", "Namespaces that the operator serves, separated by commas, beside those with the label "+strategyv1.LabelServe+"="+strategyv1.ServeValue+". In each it needs its rights: see config/namespace.")
	flag.StringVar(&o.machines, "machine-users", "", "Users that are no people though their names do not begin with system:, separated by commas, e.g. a GitOps tool or an alert intake. What they decide or report is not taken for a person's.")
	flag.StringVar(&o.bucket, "evidence-bucket", "", "URL of the bucket for reports, logs and the decision log, e.g. file:///var/lib/strategy-operator/evidence, s3://BUCKET/FOLDER?region=eu-central-1, gs://BUCKET/FOLDER or azblob://CONTAINER/FOLDER?account=NAME, with credentials from the environment. Required.")
	share := flag.String("evidence-share", "0", "How much of the bucket the evidence of one namespace may take, e.g. 512Mi, so that it does not fill the volume of all; 0 sets no bound.")
	flag.StringVar(&o.operator, "checkpoint-origin", "strategy-operator", "Name of this operator in the checkpoints that it signs over the decision logs, e.g. prod-1.example.com; each cluster has another. It does not change.")
	flag.StringVar(&o.metricsAddress, "metrics-bind-address", ":8443", "Where metrics are served, over TLS and for authorised clients only; 0 turns them off.")
	flag.StringVar(&o.alertsAddress, "alerts-bind-address", ":9443", "Where Alertmanager sends alerts to, over TLS and from authorised clients only; 0 turns it off.")
	flag.StringVar(&o.alertsCertDir, "alerts-cert-dir", "", "Folder of tls.crt and tls.key for that, and for evidence, read again when they change; without them a certificate is made up, which senders cannot check.")
	flag.StringVar(&o.evidenceAddress, "evidence-bind-address", ":9444", "Where evidence is read, over TLS and by authorised clients only; 0 turns it off.")
	flag.StringVar(&o.probeAddress, "health-probe-bind-address", ":8081", "Where /healthz and /readyz are served.")
	flag.BoolVar(&o.election, "leader-elect", false, "Elect a leader, so that only one of several managers acts.")
	flag.StringVar(&o.electionNamespace, "leader-election-namespace", "", "Namespace of the lease; default: the manager's own.")
	flag.Float64Var(&o.qps, "kube-api-qps", -1, "Requests per second to the API server; -1 leaves it to the server's own priority and fairness.")
	allowed := flag.String("prometheus-allow", signals.UsualAllow, "Servers that playbooks may ask for signals, beside the Services of their own namespace, separated by commas: host[:port], *.namespace, *.domain, address[:port], address/bits. Addresses of clouds' metadata, loopback and link-local ones are never asked.")
	webhooks := flag.String("webhook-allow", "", "Servers that notifications of playbooks may go to (mail servers, too), beside the Services of their own namespace, as in --prometheus-allow. A POST may do more than a question, so none is by default.")
	repositories := flag.String("git-allow", "", "Servers of Git that playbooks may have edits committed to, beside the Services of their own namespace, as in --prometheus-allow. None is by default.")
	usual := pauses.Default()
	flag.DurationVar(&o.pauses.Gather, "pause-gather", usual.Gather, "How long a change of a configuration waits for others, to share a write and a restart of the scheduler with them.")
	flag.DurationVar(&o.pauses.GatherLimit, "pause-gather-limit", usual.GatherLimit, "How long it waits at most, however many come.")
	flag.DurationVar(&o.pauses.Reapply, "pause-reapply", usual.Reapply, "How long edits that a GitOps controller put back wait until they are written for the second time; before the third it is five times as long.")
	flag.DurationVar(&o.pauses.CommitPoll, "pause-merge", usual.CommitPoll, "How often it is looked whether somebody merged a branch that edits were pushed to.")
	flag.DurationVar(&o.pauses.Rollout, "pause-rollout", usual.Rollout, "How often the pods of a rollout in progress are looked at.")
	flag.DurationVar(&o.pauses.Turn, "pause-turn", usual.Turn, "How often a rollback looks whether it is its turn.")
	flag.DurationVar(&o.pauses.Tree, "pause-tree", usual.Tree, "How long what is new in the logs of a namespace waits for more, before it is signed.")
	flag.DurationVar(&o.pauses.Lease, "pause-lease", usual.Lease, "How long another manager waits after the last sign of life of the leader.")
	logging := zap.Options{}
	logging.BindFlags(flag.CommandLine)
	flag.Parse()
	ctrl.SetLogger(zap.New(zap.UseFlagOptions(&logging)))
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	var err error
	if o.allow, err = signals.ParseAllow(*allowed); err != nil {
		return fmt.Errorf("--prometheus-allow: %w", err)
	}
	if o.webhooks, err = signals.ParseAllow(*webhooks); err != nil {
		return fmt.Errorf("--webhook-allow: %w", err)
	}
	if o.repositories, err = signals.ParseAllow(*repositories); err != nil {
		return fmt.Errorf("--git-allow: %w", err)
	}
	if o.share, err = bytesOf(*share); err != nil {
		return fmt.Errorf("--evidence-share: %w", err)
	}
	if err := logtree.CheckOperator(o.operator); err != nil {
		return fmt.Errorf("--checkpoint-origin: %w", err)
	}
	if o.bucket == "" {
		return errors.New("--evidence-bucket is required; see --help")
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	config.QPS = float32(o.qps)
	o.pauses = o.pauses.OrDefault()
	return start(ctrl.SetupSignalHandler(), config, o)
}

// bytesOf reads an amount of memory, such as 512Mi.
func bytesOf(text string) (int64, error) {
	amount, err := resource.ParseQuantity(text)
	if err != nil {
		return 0, fmt.Errorf("%q is no amount of bytes; write it like 512Mi", text)
	}
	if amount.Sign() < 0 {
		return 0, fmt.Errorf("%q is less than nothing", text)
	}
	return amount.Value(), nil
}

// gcPercent is how much garbage there may be beside what is in use. The caches are most of that, so the usual 100 would double them for
// a tenth of the CPU; GOGC sets another.
const gcPercent = 60

func start(ctx context.Context, config *rest.Config, o options) error {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, strategyv1.AddToScheme} {
		if err := add(scheme); err != nil {
			return err
		}
	}
	bucket, lock, err := openBucket(ctx, o.bucket)
	if err != nil {
		return err
	}
	defer func() { _ = bucket.Close() }() // every write was finished by itself
	store := evidence.Store(bucket)
	if o.share > 0 {
		store = evidence.Share(bucket, o.share)
	}
	renew, retry := o.pauses.Renewal()
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                        scheme,
		Cache:                         controllers.CacheOptions(),
		LeaderElection:                o.election,
		LeaderElectionID:              "strategy-operator.tradeops.dev",
		LeaderElectionNamespace:       o.electionNamespace,
		LeaderElectionReleaseOnCancel: true,
		LeaseDuration:                 &o.pauses.Lease,
		RenewDeadline:                 &renew,
		RetryPeriod:                   &retry,
		HealthProbeBindAddress:        o.probeAddress,
		Metrics: metricsserver.Options{
			BindAddress: o.metricsAddress, SecureServing: true, FilterProvider: filters.WithAuthenticationAndAuthorization,
			TLSOpts: []func(*tls.Config){func(c *tls.Config) { c.MinVersion = tls.VersionTLS12 }},
		},
	})
	if err != nil {
		return err
	}
	clientset, err := kubernetes.NewForConfigAndClient(config, mgr.GetHTTPClient())
	if err != nil {
		return err
	}
	user, proof, err := policiesOf(ctx, config, mgr)
	if err != nil {
		return err
	}
	listed := strings.FieldsFunc(o.namespaces, func(r rune) bool { return r == ',' || r == ' ' })
	readers := namespaces.New(mgr, listed)
	environment := &controllers.Environment{
		Client: readers.Client(), Live: mgr.GetAPIReader(), Logs: controllers.PodLogs{Clientset: clientset}, Evidence: controllers.Patient(store, clock.RealClock{}, o.pauses),
		Clock: clock.RealClock{}, Recorder: mgr.GetEventRecorder("strategy-operator"), Namespaces: readers, Signals: signals.New(signals.Options{Allow: o.allow, Failed: noAnswer, Pauses: o.pauses}),
		Channels:     notify.New(signals.Options{Allow: o.webhooks, Failed: noAnswer, Pauses: o.pauses}),
		Repositories: writeback.New(signals.Options{Allow: o.repositories, Failed: noAnswer, Pauses: o.pauses}),
		Policies:     proof, Access: controllers.AccessReviews{Clientset: clientset}, User: user, Machines: namesIn(o.machines), Pauses: o.pauses, Operator: o.operator,
	}
	if err := environment.Setup(ctx, mgr, readers); err != nil {
		return err
	}
	if err := errors.Join(addIntake(ctx, mgr, clientset, readers, o), addReading(mgr, clientset, bucket, lock, o), lock.register(), mgr.Add(lock), mgr.Add(proof)); err != nil {
		return err
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return err
	}
	if err := mgr.AddReadyzCheck("caches", inSync(mgr.GetCache())); err != nil {
		return err
	}
	ctrl.Log.Info("Starting", "version", version, "namespaces", listed)
	return mgr.Start(ctx)
}

// policiesOf asks the API server who the operator is, and knows which policies belong to that.
func policiesOf(ctx context.Context, config *rest.Config, mgr ctrl.Manager) (user string, proof *policies.Proof, err error) {
	direct, err := client.New(config, client.Options{Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper(), HTTPClient: mgr.GetHTTPClient()})
	if err != nil {
		return "", nil, err
	}
	var self authenticationv1.SelfSubjectReview
	if err := direct.Create(ctx, &self); err != nil {
		return "", nil, fmt.Errorf("the API server does not say who the operator is: %w", err)
	}
	user = self.Status.UserInfo.Username
	proof, err = policies.New(direct, clock.RealClock{}, user)
	return user, proof, err
}

// noAnswer tells in the log why a server of a playbook could not be asked. The URL holds no password: such a one is not asked.
func noAnswer(_ context.Context, url string, err error) {
	ctrl.Log.WithName("signals").Info("No answer", "url", url, "error", err.Error())
}

// namesIn are the names of a flag, separated by commas: a user's may have spaces in it.
func namesIn(flag string) (names []string) {
	for part := range strings.SplitSeq(flag, ",") {
		if name := strings.TrimSpace(part); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// inSync is about the operator's own kinds. What it may not read in a namespace keeps it from nothing elsewhere.
func inSync(own cache.Cache) healthz.Checker {
	return func(request *http.Request) error {
		ctx, cancel := context.WithTimeout(request.Context(), time.Second)
		defer cancel()
		if !own.WaitForCacheSync(ctx) {
			return errors.New("the operator's own kinds are not read yet; does ClusterRoleBinding strategy-operator-kinds exist?")
		}
		return nil
	}
}
