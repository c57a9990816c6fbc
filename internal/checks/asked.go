package checks

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
)

// Who may edit a namespace can make a Job that looks like one of ours, and change the image of a pod that runs. A verdict decides about
// money, so what is judged must be what was asked for. That takes two witnesses:
//
//   - the pod template of a Job says in an annotation what was asked for. Nobody can change the template of a Job, only make another Job;
//   - the status of the owner, which only the operator writes, has the hash of that annotation from before the Job was made.
//
// What the API server, controllers and webhooks add is nobody's concern here: defaults, tokens, tolerations, containers of a mesh. Every
// field that the operator set must still have its value, in the Job and in its pod.

// maxDifference bounds what is said of what was changed, in bytes: the names in it are somebody else's.
const maxDifference = 256

// request is what is asked for.
type request struct {
	Container string         `json:"container,omitempty"` // that runs the check
	Severity  string         `json:"severity,omitempty"`  // of the incident, as the check is told
	Pod       corev1.PodSpec `json:"pod"`
}

// witness writes what is asked for onto the pod template of a Job.
func witness(job *batchv1.Job, asked request) {
	words, err := json.Marshal(asked)
	if err != nil { // a pod template has no values that JSON cannot say
		panic(err)
	}
	if job.Spec.Template.Annotations == nil {
		job.Spec.Template.Annotations = map[string]string{}
	}
	job.Spec.Template.Annotations[strategyv1.AnnotationAsked] = string(words)
}

// Digest is of what a Job was asked to run, in hex; of one that says nothing, it is of nothing.
func Digest(job *batchv1.Job) string {
	return digest(job.Spec.Template.Annotations[strategyv1.AnnotationAsked])
}

func digest(asked string) string {
	sum := sha256.Sum256([]byte(asked))
	return hex.EncodeToString(sum[:])
}

// Abridge leaves of a Job what became of it: its spec is replaced by the hash of what was asked for, and by what differs from that. Most of
// such an object is what it was to run, which a thousand of them need not say in memory.
//
// A cache may do it more than once with the same object.
func Abridge(job *batchv1.Job) {
	if len(job.Spec.Template.Spec.Containers) == 0 { // it was done; no real one is without
		return
	}
	job.ManagedFields = nil
	job.Annotations = abridged(job.Spec.Template.Annotations, job.Spec.Template.Spec)
	job.Spec = batchv1.JobSpec{}
}

// AbridgePod does the same for a pod of a check.
func AbridgePod(pod *corev1.Pod) {
	if len(pod.Spec.Containers) == 0 {
		return
	}
	pod.ManagedFields = nil
	pod.Annotations = abridged(pod.Annotations, pod.Spec)
	if names := pod.Spec.EphemeralContainers; len(names) > 0 {
		pod.Annotations[strategyv1.AnnotationChanged] = bounded.Line(fmt.Sprintf("container %q was put into it while it ran", names[0].Name), maxDifference)
	}
	pod.Spec = corev1.PodSpec{}
}

// abridged are the annotations that count: those that this process makes of what was asked for, and none that stood there.
func abridged(template map[string]string, live corev1.PodSpec) map[string]string {
	words := template[strategyv1.AnnotationAsked]
	kept := map[string]string{strategyv1.AnnotationAsked: digest(words)}
	var asked struct {
		request
		Pod map[string]any `json:"pod"`
	}
	if err := json.Unmarshal([]byte(words), &asked); err != nil {
		kept[strategyv1.AnnotationChanged] = "it does not say what was asked for"
		return kept
	}
	kept[strategyv1.AnnotationContainer], kept[strategyv1.AnnotationSeverity] = asked.Container, asked.Severity
	if changed := difference(asked.Pod, live); changed != "" {
		kept[strategyv1.AnnotationChanged] = bounded.Line(changed, maxDifference)
	}
	return kept
}

// difference is the first field of a pod that has not the value that was asked for; empty: none.
func difference(wanted map[string]any, live corev1.PodSpec) string {
	data, err := json.Marshal(live)
	if err != nil {
		return err.Error()
	}
	var have map[string]any
	if err := json.Unmarshal(data, &have); err != nil {
		return err.Error()
	}
	for _, field := range []string{"hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"} {
		if wanted[field] == nil && have[field] == true {
			return field + " was not asked for"
		}
	}
	return missing("", wanted, have)
}

// keys are the fields by which the items of a list are known.
var keys = []string{"name", "mountPath", "containerPort", "topologyKey", "key"}

// exact are lists that say what runs: another item is another program.
var exact = map[string]bool{"command": true, "args": true}

// missing is the first value that was asked for and is not there; empty: all are.
func missing(at string, wanted, have any) string {
	switch want := wanted.(type) {
	case map[string]any:
		got, ok := have.(map[string]any)
		if !ok {
			return differs(at, wanted, have)
		}
		return missingField(at, want, got)
	case []any:
		got, ok := have.([]any)
		if !ok {
			return differs(at, wanted, have)
		}
		return missingItem(at, want, got)
	}
	if wanted == have || isPinned(at, wanted, have) {
		return ""
	}
	return differs(at, wanted, have)
}

func missingField(at string, wanted, have map[string]any) string {
	isContainer := wanted["image"] != nil
	for _, field := range []string{"command", "args", "workingDir"} {
		if isContainer && wanted[field] == nil && have[field] != nil {
			return differs(at+"."+field, nil, have[field])
		}
	}
	if strings.HasSuffix(at, "]") && strings.Contains(at, ".env[") && wanted["value"] == nil && wanted["valueFrom"] == nil && have["value"] != nil {
		return differs(at+".value", "", have["value"])
	}
	for _, field := range sorted(wanted) {
		if why := missing(strings.TrimPrefix(at+"."+field, "."), wanted[field], have[field]); why != "" {
			return why
		}
	}
	return ""
}

func missingItem(at string, wanted, have []any) string {
	field := at[strings.LastIndex(at, ".")+1:]
	if exact[field] && len(wanted) != len(have) {
		return differs(at, wanted, have)
	}
	for i, want := range wanted {
		place := fmt.Sprintf("%s[%d]", at, i)
		if exact[field] {
			if why := missing(place, want, have[i]); why != "" {
				return why
			}
			continue
		}
		if name, got, found := sameItem(want, have); name != "" {
			place = fmt.Sprintf("%s[%s]", at, name)
			if !found {
				return place + " is gone"
			}
			if why := missing(place, want, got); why != "" {
				return why
			}
			continue
		}
		if !slices.ContainsFunc(have, func(got any) bool { return missing(place, want, got) == "" }) {
			return place + " is gone"
		}
	}
	return ""
}

// sameItem finds the item of a list that has the same key; name is that key, empty if the item has none.
func sameItem(want any, have []any) (name string, item any, found bool) {
	fields, ok := want.(map[string]any)
	if !ok {
		return "", nil, false
	}
	for _, key := range keys {
		value, has := fields[key]
		if !has {
			continue
		}
		for _, candidate := range have {
			if other, ok := candidate.(map[string]any); ok && other[key] == value {
				return fmt.Sprint(value), candidate, true
			}
		}
		return fmt.Sprint(value), nil, false
	}
	return "", nil, false
}

// isPinned: policies that look up the digest of an image write it behind its name. It is the image that was asked for.
func isPinned(at string, wanted, have any) bool {
	image, ok := wanted.(string)
	pinned, isText := have.(string)
	if !ok || !isText || !strings.HasSuffix(at, ".image") {
		return false
	}
	hash, found := strings.CutPrefix(pinned, image+"@sha256:")
	return found && len(hash) == sha256.Size*2
}

func differs(at string, wanted, have any) string {
	return fmt.Sprintf("%s is %s and not %s, which was asked for", at, shown(have), shown(wanted))
}

func shown(value any) string {
	if value == nil {
		return "absent"
	}
	data, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return bounded.Line(string(data), maxDifference/4)
}

func sorted(fields map[string]any) []string {
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Known is what the status of an object says of its checks.
type Known struct {
	Judged  []strategyv1.CheckStatus
	Running []strategyv1.RunningCheck
}

// Foreign says why a Job, as it is abridged, is none that the operator asked for, for people, or is empty. One whose attempt is judged is on
// its way out.
func (k Known) Foreign(job *batchv1.Job) string {
	id := JobState{Job: job}.ID()
	if Recorded(k.Judged, id) {
		return ""
	}
	asked := slices.IndexFunc(k.Running, func(one strategyv1.RunningCheck) bool { return idOf(one) == id })
	switch {
	case asked < 0:
		return fmt.Sprintf("Job %s looks like a check, and the operator did not ask for it", job.Name)
	case k.Running[asked].Digest != job.Annotations[strategyv1.AnnotationAsked]:
		return fmt.Sprintf("Job %s is not the one that the operator asked for as check %s", job.Name, k.Running[asked].Name)
	}
	return ""
}

// Asked is since when the time-outs of a Job count, by the operator's clock: when it was asked for. It may have been made later, after a refusal
// or a crash. What the API server's clock says of that counts only where it can be: between the asking and now.
func (k Known) Asked(job *batchv1.Job, now time.Time) time.Time {
	id, made := JobState{Job: job}.ID(), job.CreationTimestamp.Time
	at := slices.IndexFunc(k.Running, func(one strategyv1.RunningCheck) bool { return idOf(one) == id })
	if at < 0 {
		return earliest(made, now)
	}
	if asked := k.Running[at].AskedTime.Time; made.Before(asked) || made.After(now) {
		return asked
	}
	return made
}

func idOf(one strategyv1.RunningCheck) ID { return ID{one.Stage, one.Name, one.Attempt} }

// changed says what of a Job or its pods is not as it was asked for, and as whose fault that is told; empty: nothing.
func changed(job *batchv1.Job, pods []corev1.Pod) (reason, message string) {
	if why := job.Annotations[strategyv1.AnnotationChanged]; why != "" {
		return ReasonForeignJob, "Job " + job.Name + ": " + why
	}
	if len(pods) > 1 {
		return ReasonForeignPod, fmt.Sprintf("Job %s has %d pods, and asks for one", job.Name, len(pods))
	}
	for i := range pods {
		pod := &pods[i]
		at := "pod " + pod.Name + ": "
		switch status := statusOf(pod, Container(job)); {
		case pod.Annotations[strategyv1.AnnotationAsked] != job.Annotations[strategyv1.AnnotationAsked]:
			return ReasonForeignPod, at + "it is not what its Job asks for"
		case pod.Annotations[strategyv1.AnnotationChanged] != "":
			return ReasonForeignPod, at + pod.Annotations[strategyv1.AnnotationChanged]
		case status != nil && status.RestartCount > 0:
			return ReasonForeignPod, at + "its container was started again, which nobody asked for"
		}
	}
	return "", ""
}

// RunningOf are the attempts that were asked for and are not judged: those of before, and those that an action creates now. One that is asked
// for again, after a refusal, was asked for when it was asked for first.
func RunningOf(before []strategyv1.RunningCheck, created []*batchv1.Job, judged []strategyv1.CheckStatus, now metav1.Time) []strategyv1.RunningCheck {
	var running []strategyv1.RunningCheck
	for _, one := range before {
		if !Recorded(judged, idOf(one)) {
			running = append(running, one)
		}
	}
	for _, job := range created {
		id := JobState{Job: job}.ID()
		asked := strategyv1.RunningCheck{Stage: id.Stage, Name: id.Check, Attempt: id.Attempt, Digest: Digest(job), AskedTime: now}
		running = slices.DeleteFunc(running, func(one strategyv1.RunningCheck) bool {
			if idOf(one) == id && one.Digest == asked.Digest {
				asked.AskedTime = one.AskedTime
			}
			return idOf(one) == id
		})
		running = append(running, asked)
	}
	if excess := len(running) - maxRecords; excess > 0 {
		running = running[excess:]
	}
	return running
}
