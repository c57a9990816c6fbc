package controllers

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"sigs.k8s.io/controller-runtime/pkg/client"
	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"

	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/config"
	"tradeops.dev/strategy-operator/internal/config/botcore"
	"tradeops.dev/strategy-operator/internal/facts"
	"tradeops.dev/strategy-operator/internal/gitops"
	"tradeops.dev/strategy-operator/internal/record"
	"tradeops.dev/strategy-operator/internal/rollout"
)

// cachedConfig is the last reading of a configuration: reading 84 kB of YAML in every pass would be most of the operator's work.
type cachedConfig struct {
	resourceVersion string
	scheduler       strategyv1.SchedulerSpec
	config          facts.Config
}

// A parsed document takes so many bytes for each byte of its text, measured on 84 kB, 2.7 MB; and for each part, of which a text may be
// almost nothing but, together with the document that its last edits made, which it remembers.
const (
	parsedWeight = 32
	partWeight   = 768
)

// configBytes are remembered of configurations, so that the largest one is, too: to parse it in each pass would take most of an operator.
const configBytes = 2 * partWeight * config.MaxParts

// observeConfig reads the scheduler's configuration. What is wrong with it is a fact, too.
func (r *reader) observeConfig(ctx context.Context, namespace string, scheduler strategyv1.SchedulerSpec) (facts.Config, error) {
	key := types.NamespacedName{Namespace: namespace, Name: scheduler.Config.ConfigMapName}
	configMap, problem, err := r.observeConfigMap(ctx, key)
	if err != nil || problem != nil {
		return facts.Config{Problem: problem, Gone: problem != nil && problem.Reason == strategyv1.ReasonConfigMapNotFound}, err
	}
	var read facts.Config
	if cached, ok := r.configs.get(key); ok && cached.resourceVersion == configMap.ResourceVersion && cached.scheduler == scheduler {
		read = cached.config
	} else {
		read = readConfig(configMap, key, scheduler)
		r.configs.put(key, cachedConfig{configMap.ResourceVersion, scheduler, read}, weightOf(read.Document.String()))
	}
	read.Refused = r.refusals.of(configMap)
	return read, nil
}

func readConfig(configMap *corev1.ConfigMap, key types.NamespacedName, scheduler strategyv1.SchedulerSpec) facts.Config {
	if configMap.Immutable != nil && *configMap.Immutable {
		return invalidConfig(strategyv1.ReasonConfigMapImmutable, "ConfigMap %s is immutable, so nothing could be changed in it; use one that is not", key)
	}
	content, missing := dataOf(configMap, scheduler.Config.Key)
	if missing != nil {
		return facts.Config{Problem: missing}
	}
	state, err := record.ParseState(configMap.Annotations[strategyv1.AnnotationEdits])
	if err != nil {
		return facts.Config{Problem: damagedRecord(key, err)}
	}
	document, err := config.Parse(content)
	if err != nil {
		return invalidConfig(strategyv1.ReasonConfigInvalid, "ConfigMap %s, key %s: %v", key, scheduler.Config.Key, err)
	}
	summary, err := botcore.Describe(document, botcore.Target{Scheduler: scheduler.Name, Environment: scheduler.Environment})
	if err != nil {
		return invalidConfig(strategyv1.ReasonConfigInvalid, "ConfigMap %s, key %s: %v", key, scheduler.Config.Key, err)
	}
	return facts.Config{
		ResourceVersion: configMap.ResourceVersion, Document: document, SHA256: record.Hash(content), State: state, Summary: summary,
		Match: configMap.Annotations[rollout.ReloaderMatch] == "true", Owner: gitops.OwnerOf(configMap), Writer: otherWriter(configMap, scheduler.Config.Key),
	}
}

// otherWriter is who wrote the document last, if that was not the operator.
func otherWriter(configMap *corev1.ConfigMap, key string) *gitops.Writer {
	writer := gitops.WriterOf(configMap, key)
	if writer == nil || writer.Manager == string(FieldOwner) || writer.Manager == string(EditOwner) {
		return nil
	}
	return writer
}

// observeEdits is only the record of the edits on a ConfigMap, for a rollback whose playbook cannot be read any more.
func (r *reader) observeEdits(ctx context.Context, namespace, name string) (facts.Config, error) {
	var configMap corev1.ConfigMap
	err := r.Live.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, &configMap)
	if apierrors.IsNotFound(err) {
		return facts.Config{Gone: true}, nil
	}
	if err != nil {
		return facts.Config{}, err
	}
	state, err := record.ParseState(configMap.Annotations[strategyv1.AnnotationEdits])
	if err != nil {
		return facts.Config{Problem: damagedRecord(types.NamespacedName{Namespace: namespace, Name: name}, err)}, nil
	}
	return facts.Config{State: state, Refused: r.refusals.of(&configMap)}, nil
}

// damagedRecord: nobody can tell any more which edits are the operator's. It must not be guessed, so a person takes it off.
func damagedRecord(key types.NamespacedName, err error) *facts.Problem {
	return problem(strategyv1.ReasonRecordForged, "ConfigMap %s, annotation %s: %s. Nothing is written there. Find out who changed it (--show-managed-fields), then take it off: kubectl annotate configmap %s -n %s %s-",
		key, strategyv1.AnnotationEdits, bounded.Line(err.Error(), 400), key.Name, key.Namespace, strategyv1.AnnotationEdits)
}

// believeRecord takes out of a record what the operator did not write: the receipts of the rollbacks that it names say so.
// Own are rollbacks that are known already: one that has ended is not in the index.
func (r *reader) believeRecord(ctx context.Context, namespace string, own []strategyv1.StrategyRollback, read facts.Config, configMap string) (facts.Config, error) {
	if len(read.State.Holders) == 0 {
		return read, nil
	}
	var list strategyv1.StrategyRollbackList
	if err := r.Client.List(ctx, &list, client.InNamespace(namespace), client.MatchingFields{indexConfig: configMap}); err != nil {
		return read, err
	}
	known := append(list.Items, own...)
	named, _, err := r.observeNamed(ctx, namespace, read.State, known)
	if err != nil {
		return read, err
	}
	read.State, read.Doubts = read.State.Believe(receiptsOf(known, named))
	return read, nil
}

func invalidConfig(reason, format string, args ...any) facts.Config {
	return facts.Config{Problem: problem(reason, format, args...)}
}

// weightOf is about how many bytes the document of a text takes.
func weightOf(text string) int { return max(parsedWeight*len(text), partWeight*config.Parts(text)) }

// observeDocument reads the YAML document that a proposal is about, if it has no more parts than there is room for.
func (r *reader) observeDocument(ctx context.Context, namespace string, reference strategyv1.DocumentReference, room *int) (facts.Document, error) {
	text, missing, err := r.observeText(ctx, namespace, reference)
	if err != nil || missing != nil {
		return facts.Document{Problem: missing}, err
	}
	if *room -= config.Parts(text); *room < 0 {
		return facts.Document{Problem: problem(strategyv1.ReasonConfigInvalid, "ConfigMap %s/%s, key %s: with the documents of the proposals before it, it has more than %d parts; make these documents smaller",
			namespace, reference.ConfigMapName, reference.Key, config.MaxParts)}, nil
	}
	document, unreadable := config.Parse(text)
	if unreadable != nil {
		return facts.Document{Problem: problem(strategyv1.ReasonConfigInvalid, "ConfigMap %s/%s, key %s: %v", namespace, reference.ConfigMapName, reference.Key, unreadable)}, nil
	}
	return facts.Document{Document: document}, nil
}

// observeText reads one key of a ConfigMap that is opted in.
func (r *reader) observeText(ctx context.Context, namespace string, reference strategyv1.DocumentReference) (string, *facts.Problem, error) {
	configMap, problem, err := r.observeConfigMap(ctx, types.NamespacedName{Namespace: namespace, Name: reference.ConfigMapName})
	if err != nil || problem != nil {
		return "", problem, err
	}
	content, missing := dataOf(configMap, reference.Key)
	return content, missing, nil
}

// observeConfigMap reads a ConfigMap that is opted in; it is shared, and nobody changes it. The cache knows its version only: what that
// says is read from the API server once.
func (r *reader) observeConfigMap(ctx context.Context, key types.NamespacedName) (*corev1.ConfigMap, *facts.Problem, error) {
	var configMap corev1.ConfigMap
	err := r.Client.Get(ctx, key, &configMap, uncopied)
	if known, read := r.configMaps.get(key); err == nil && read && known.UID == configMap.UID && known.ResourceVersion == configMap.ResourceVersion {
		return known, nil, nil
	}
	if err == nil || apierrors.IsNotFound(err) { // the cache holds labelled ones only
		configMap = corev1.ConfigMap{}
		err = r.Live.Get(ctx, key, &configMap)
	}
	if apierrors.IsNotFound(err) {
		return nil, problem(strategyv1.ReasonConfigMapNotFound, "ConfigMap %s does not exist", key), nil
	}
	if err != nil {
		return nil, nil, err
	}
	if configMap.Labels[strategyv1.LabelManaged] != strategyv1.ManagedValue {
		return nil, problem(strategyv1.ReasonConfigMapNotLabelled,
			"ConfigMap %s is not opted in; kubectl label configmap %s -n %s %s=%s", key, key.Name, key.Namespace, strategyv1.LabelManaged, strategyv1.ManagedValue), nil
	}
	configMap.ManagedFields = gitops.Kept(configMap.ManagedFields)
	r.configMaps.put(key, &configMap, configMap.Size())
	return &configMap, nil, nil
}

// dataOf is the text under a ConfigMap's key.
func dataOf(configMap *corev1.ConfigMap, key string) (string, *facts.Problem) {
	content, found := configMap.Data[key]
	if !found {
		return "", problem(strategyv1.ReasonConfigKeyNotFound, "ConfigMap %s/%s has no key %q in data (binaryData is not read)", configMap.Namespace, configMap.Name, key)
	}
	return content, nil
}

func problem(reason, format string, args ...any) *facts.Problem {
	return &facts.Problem{Reason: reason, Message: fmt.Sprintf(format, args...)}
}
