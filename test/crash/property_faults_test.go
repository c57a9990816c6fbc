package crash

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/sim"
	"tradeops.dev/strategy-operator/internal/sim/apiserver"
	"tradeops.dev/strategy-operator/internal/testkit"
)

// faults are what is wrong around the operator.
type faults struct {
	unlogged bool              // no entry can be written: no key, or no room
	refused  bool              // the API server refuses some of what the operator writes
	gone     *corev1.ConfigMap // the configuration that somebody deleted; nil: it is there
	doubted  bool              // somebody changed the record, or took it away: it does not say what is held
	replaced bool              // the configuration was made again without its record
	evil     bool              // the record says, or said, what the operator never wrote
	jobs     int               // so many of the next Jobs are deleted
	pods     int               // so many of the next pods of Jobs are deleted
	taken    map[string]int    // deleted Jobs by name
}

// fault is one more thing that goes wrong, until it is put right.
func (p *anyStory) fault() {
	switch p.next("fault", []string{"job", "pod", "no key", "bad key", "foreign key", "bucket", "quota", "quota", "config gone", "config replaced", "config back", "forged", "forged", "unrecorded"}) {
	case "job":
		p.jobs = rapidN(p)
	case "pod":
		p.pods = rapidN(p)
	case "no key":
		p.withoutKey(func(*corev1.Secret) bool { return false })
	case "bad key":
		p.withoutKey(func(s *corev1.Secret) bool { s.Data = map[string][]byte{"hmac-key": []byte("short")}; return true })
	case "foreign key":
		p.withoutKey(func(s *corev1.Secret) bool { s.Labels = nil; return true })
	case "bucket":
		p.Bucket.Full, p.unlogged = errFull, true
	case "quota":
		p.refuse(evenly(p.T, "refused", refusals))
	case "config gone":
		p.loseConfig()
	case "config replaced":
		p.loseConfig()
		p.bringBack()
	case "config back":
		p.bringBack()
	case "forged":
		p.forge(p.next("forgery", slices.Sorted(maps.Keys(forgeries))))
	case "unrecorded":
		if p.gone == nil {
			p.doubted = p.doubted || len(p.Record().Holders) > 0
			p.Unrecord()
		}
	}
}

func rapidN(p *anyStory) int { return evenly(p.T, "so many", []int{1, 2, 3, 4}) }

// withoutKey makes the signing key unreadable: change says whether the Secret is still there.
func (p *anyStory) withoutKey(change func(*corev1.Secret) bool) {
	p.unlogged = true
	secret := p.Secret()
	p.dropKey()
	if change(secret) {
		p.Create(secret)
	}
}

func (p *anyStory) dropKey() {
	if slices.Contains(p.Names(&corev1.SecretList{}), sim.Secret) {
		p.Delete(sim.Secret, &corev1.Secret{})
	}
}

// refusals are what a quota, or a policy, may have against the operator's writes; never against a status.
var refusals = []apiserver.Request{
	{Verb: "create", Kind: "Job"}, {Verb: "delete", Kind: "Job"}, {Verb: "create", Kind: strategyv1.KindRollback}, {Verb: "patch", Kind: strategyv1.KindRollback},
	{Verb: "create", Kind: "ConfigMap"}, {Verb: "update", Kind: "ConfigMap"}, {Verb: "patch", Kind: "Deployment"},
}

func (p *anyStory) refuse(against apiserver.Request) {
	p.refused = true
	p.Trace = append(p.Trace, "* to "+against.Verb+" a "+against.Kind)
	p.API.Seen().Refuse = func(asked apiserver.Request) error {
		if asked.User != sim.User || asked.Status || asked.Verb != against.Verb || asked.Kind != against.Kind {
			return nil
		}
		return apierrors.NewForbidden(schema.GroupResource{Resource: "things"}, asked.Object.GetName(), errors.New("exceeded quota: desk"))
	}
}

// loseConfig deletes the scheduler's configuration.
func (p *anyStory) loseConfig() {
	if p.gone != nil {
		return
	}
	p.gone = &corev1.ConfigMap{}
	p.Get(sim.ConfigMap, p.gone)
	p.Delete(sim.ConfigMap, &corev1.ConfigMap{})
}

// bringBack makes the configuration again, if it is gone: as it was, without its record, as Git has it, or as Git has it with the record.
func (p *anyStory) bringBack() {
	if p.gone == nil {
		return
	}
	again := p.ConfigMap()
	again.Data, again.Annotations = p.gone.Data, p.gone.Annotations
	held := again.Annotations[strategyv1.AnnotationEdits] != ""
	p.gone = nil
	switch p.next("again", []string{"as it was", "unrecorded", "from Git", "from Git, recorded"}) {
	case "unrecorded":
		again.Annotations = nil
		p.doubted = p.doubted || held
	case "from Git":
		again.Data, again.Annotations = map[string]string{testkit.DataKey: p.base}, nil
		p.doubted, p.byHand, p.replaced = false, false, p.replaced || held
	case "from Git, recorded":
		again.Data = map[string]string{testkit.DataKey: p.base}
		p.byHand = p.byHand || held
	}
	p.Create(again)
	p.patience()
}

// patience is the time in which the operator tries again what waits for nothing else, such as the last entry of what has ended.
func (p *anyStory) patience() {
	for range 2 {
		p.Pass(time.Minute)
		if p.unlogged || p.refused {
			p.goOnFor(time.Minute)
		} else if !p.goOn(context.Background()) {
			p.never()
		}
	}
}

// forge is somebody who changes the record of the edits.
func (p *anyStory) forge(how string) {
	if p.gone != nil {
		return
	}
	p.doubted, p.evil = true, true
	forge(p.World, forgeries[how])
}

// takeAway is somebody who deletes Jobs, and pods of Jobs, before the operator knows how they ended.
func (p *anyStory) takeAway(w *World) bool {
	var jobs batchv1.JobList
	w.List(&jobs)
	for _, job := range jobs.Items {
		if _, runs := w.Jobs[string(job.UID)]; !runs {
			continue
		}
		var pods corev1.PodList
		w.List(&pods)
		at := slices.IndexFunc(pods.Items, func(pod corev1.Pod) bool { return metav1.IsControlledBy(&pod, &job) })
		switch {
		case p.jobs > 0:
			p.jobs--
			if p.taken == nil {
				p.taken = map[string]int{}
			}
			p.taken[job.Name]++
			w.Delete(job.Name, &batchv1.Job{})
			return true
		case p.pods > 0 && at >= 0 && len(job.Status.Conditions) == 0:
			p.pods--
			w.Delete(pods.Items[at].Name, &corev1.Pod{})
			return true
		}
	}
	return false
}

// mend takes away whatever is wrong, and gives the operator the time to try again what it was refused.
func (p *anyStory) mend() {
	p.bringBack()
	p.API.Seen().Refuse, p.Bucket.Full = nil, nil
	p.jobs, p.pods = 0, 0
	p.dropKey()
	p.Create(p.Secret())
	p.unlogged, p.refused = false, false
	p.patience()
}
