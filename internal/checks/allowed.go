package checks

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
)

// Template is a PodTemplate as checks may use it.
type Template struct {
	corev1.PodTemplateSpec
	NotAllowed string // why no pod of it may run, for people; empty: one may
}

// MaxTemplateBytes is how large a PodTemplate may be for a pod of it to run. A pass over an object holds those of all checks of its
// playbook, and whoever may write PodTemplates of a megabyte would have the operator hold dozens of them.
const MaxTemplateBytes = 64 << 10

// Allowed is a PodTemplate in a namespace with these labels, and with these Deployments of schedulers. The operator may create any pod there,
// and whoever writes a PodTemplate may not: so the pod must fulfil the restricted Pod Security Standard, run as nobody in particular, and be
// taken for no scheduler's. What is an exception to the first two is said by labels of the namespace, which only a cluster administrator writes.
func Allowed(template corev1.PodTemplateSpec, namespace string, given map[string]string, schedulers []appsv1.Deployment) Template {
	if size := template.Size(); size > MaxTemplateBytes {
		return Template{NotAllowed: fmt.Sprintf("it has %d bytes, and may have %d at most; put what is large into a file, and mount it from a ConfigMap", size, MaxTemplateBytes)}
	}
	why := notRestricted(template, given)
	if why == "" {
		why = notAllowedAs(template.Spec, namespace, given)
	}
	if why == "" {
		why = takenForScheduler(template.Labels, schedulers)
	}
	return Template{template, bounded.Line(why, maxWords)}
}

// takenForScheduler: with the labels by which a Deployment knows its pods, a check's pod would be sent what Services send to the scheduler, and
// would count as one that trades.
func takenForScheduler(own map[string]string, schedulers []appsv1.Deployment) string {
	pod := labels.Set{strategyv1.LabelOwnerUID: "", strategyv1.LabelStage: "", strategyv1.LabelCheck: "", strategyv1.LabelAttempt: ""}
	maps.Copy(pod, own)
	for i := range schedulers {
		selector, err := metav1.LabelSelectorAsSelector(schedulers[i].Spec.Selector)
		if err != nil || selector.Matches(pod) {
			return fmt.Sprintf("its labels are those by which Deployment %s knows its pods (%s), so its pods would be taken for the scheduler's; give it others",
				schedulers[i].Name, metav1.FormatLabelSelector(schedulers[i].Spec.Selector))
		}
	}
	return ""
}

// standard is the Pod Security Standard in its newest version.
var standard = func() policy.Evaluator {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil { // its own checks
		panic(err)
	}
	return evaluator
}()

func notRestricted(template corev1.PodTemplateSpec, given map[string]string) string {
	if given[strategyv1.LabelPodSecurityExempt] == strategyv1.ServeValue {
		return ""
	}
	pod := template.DeepCopy()
	restrict(&pod.Spec)
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	var broken []string
	for _, result := range standard.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec) {
		if !result.Allowed {
			broken = append(broken, strings.TrimSpace(result.ForbiddenReason+" "+result.ForbiddenDetail))
		}
	}
	if len(broken) == 0 {
		return ""
	}
	return "it does not fulfil the restricted Pod Security Standard: " + strings.Join(broken, "; ")
}

// accountsBetween separates names in the label, whose value cannot have a comma. A name of a service account cannot have this.
const accountsBetween = "_"

func notAllowedAs(pod corev1.PodSpec, namespace string, given map[string]string) string {
	account := pod.ServiceAccountName
	if account == "" {
		account = "default"
	}
	allowed := strings.Split(given[strategyv1.LabelServiceAccounts], accountsBetween)
	if account == "default" && !hasToken(pod) || slices.Contains(allowed, account) {
		return ""
	}
	return fmt.Sprintf("it runs as service account %s, or with its token, and checks of namespace %s may not. A cluster administrator allows it: "+
		"kubectl label namespace %s %s=%s (several names: with %s between them)", account, namespace, namespace, strategyv1.LabelServiceAccounts, account, accountsBetween)
}

// hasToken says whether a pod is given the token of its service account.
func hasToken(pod corev1.PodSpec) bool {
	if pod.AutomountServiceAccountToken != nil && *pod.AutomountServiceAccountToken {
		return true
	}
	return slices.ContainsFunc(pod.Volumes, func(volume corev1.Volume) bool {
		return volume.Projected != nil && slices.ContainsFunc(volume.Projected.Sources, func(source corev1.VolumeProjection) bool { return source.ServiceAccountToken != nil })
	})
}
