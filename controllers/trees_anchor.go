package controllers

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/logtree"
)

// Names of the operator's own objects that the trees need. The anchor has the newest checkpoint of each namespace under its name, and the public
// keys; the Secret has the keys that sign, each of them a file of PEM.
const (
	AnchorName        = "strategy-operator-checkpoints"
	CheckpointKeyName = "strategy-operator-checkpoint-key"
	anchorKeys        = "public-keys.pem" // no namespace has a dot in its name
	pemSuffix         = ".pem"
)

// checkpointKeys are those that sign checkpoints: all of them sign each, so that one can take the place of another without a gap.
type checkpointKeys struct {
	private []ed25519.PrivateKey
}

func (k checkpointKeys) verifiers() []ed25519.PublicKey {
	all := make([]ed25519.PublicKey, len(k.private))
	for i, key := range k.private {
		all[i], _ = key.Public().(ed25519.PublicKey)
	}
	return all
}

// public is what everybody may know of them.
func (k checkpointKeys) public() string {
	var text bytes.Buffer
	for _, key := range k.verifiers() {
		if data, err := x509.MarshalPKIXPublicKey(key); err == nil { // an Ed25519 key always can be
			_ = pem.Encode(&text, &pem.Block{Type: "PUBLIC KEY", Bytes: data})
		}
	}
	return text.String()
}

// checkpointKeys reads the Secret. Without one there is no tree: a key that the operator made for itself would be one that nobody has seen.
func (r *trees) checkpointKeys(ctx context.Context) (checkpointKeys, error) {
	at := types.NamespacedName{Namespace: r.home, Name: CheckpointKeyName}
	secret, problem, err := r.keys.read(ctx, at, mayNotReadOwn(at))
	if err != nil {
		return checkpointKeys{}, err
	}
	if problem != nil && problem.Message == "" {
		problem.Message = fmt.Sprintf("Secret %s is not there, so nobody can verify a decision log without its secret key; docs/audit.md says how to make it", at)
	}
	if problem != nil {
		return checkpointKeys{}, treeProblem{reasonNoKey, problem.Message}
	}
	var keys checkpointKeys
	for _, name := range slices.Sorted(maps.Keys(secret.Data)) {
		if !strings.HasSuffix(name, pemSuffix) {
			continue
		}
		key, err := privateKey(secret.Data[name])
		if err != nil {
			return checkpointKeys{}, treeProblem{reasonNoKey, fmt.Sprintf("Secret %s, key %q: %v; make one with openssl genpkey -algorithm ed25519", at, name, err)}
		}
		keys.private = append(keys.private, key)
	}
	if len(keys.private) == 0 {
		return checkpointKeys{}, treeProblem{reasonNoKey, fmt.Sprintf("Secret %s has no key whose name ends with %s", at, pemSuffix)}
	}
	return keys, nil
}

func privateKey(text []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it is no PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("it is no private key in PKCS #8") // what is wrong in it may say what is in it
	}
	private, is := key.(ed25519.PrivateKey)
	if !is {
		return nil, errors.New("it is no Ed25519 key")
	}
	return private, nil
}

// anchors reads the ConfigMap with the newest checkpoints; an empty one if there is none.
func (r *trees) anchors(ctx context.Context) (*corev1.ConfigMap, error) {
	anchors := &corev1.ConfigMap{}
	err := r.Live.Get(ctx, types.NamespacedName{Namespace: r.home, Name: AnchorName}, anchors)
	if client.IgnoreNotFound(err) != nil {
		return nil, err
	}
	anchors.Namespace, anchors.Name = r.home, AnchorName
	return anchors, nil
}

// resume is where the tree of a namespace goes on: from the anchored checkpoint, over what an earlier life of the operator signed after it. A
// bucket that does not have what was anchored is an older copy, or another one: nothing is signed on it.
func (r *trees) resume(ctx context.Context, namespace, signed string, keys checkpointKeys) (*treeOf, error) {
	known := &treeOf{signed: signed}
	if signed != "" {
		anchor, err := r.anchor(namespace, signed, keys)
		if err != nil {
			return nil, err
		}
		if known.state, err = r.restore(ctx, namespace, anchor); err != nil {
			return nil, err
		}
	}
	for range logtree.MaxLeaves {
		number := known.state.Number + 1
		page, hash, text, err := r.page(ctx, namespace, number)
		if errors.Is(err, evidence.ErrNotFound) {
			return known, nil
		}
		if err != nil {
			return nil, err
		}
		checkpoint, err := logtree.Open(text, keys.verifiers())
		if err == nil && (checkpoint.Origin != logtree.Origin(r.operator, namespace) || checkpoint.Page != number || checkpoint.Hash != hash) {
			err = errors.New("its checkpoint was signed for something else")
		}
		if err == nil {
			known.state, err = known.state.Apply(page, hash)
		}
		if err == nil {
			known.state, err = known.state.Trimmed(page)
		}
		if err != nil {
			return nil, r.conflict("%s in the bucket is not a page that this operator made: %v; find out who put it there, and move it away", evidence.TreeKey(namespace, number), err)
		}
		known.signed = text
	}
	return known, nil
}

// anchor is the anchored checkpoint. A key that took the place of the one that signed it, with no checkpoint that both signed, would leave those
// who know the earlier one without a way to the new.
func (r *trees) anchor(namespace, signed string, keys checkpointKeys) (logtree.Checkpoint, error) {
	anchor, err := logtree.Open(signed, keys.verifiers())
	if err != nil {
		return anchor, r.conflict("ConfigMap %s/%s: %v: put the key that signed it back beside the new one, until the next checkpoint has both signatures", r.home, AnchorName, err)
	}
	if origin := logtree.Origin(r.operator, namespace); anchor.Origin != origin {
		return anchor, r.conflict("the anchored checkpoint is of %s, and the operator now signs as %s; set --checkpoint-origin back", anchor.Origin, origin)
	}
	return anchor, nil
}

// restore is the state after an anchored page: read back to one that lists all logs, each by the hash that the next one names.
func (r *trees) restore(ctx context.Context, namespace string, anchor logtree.Checkpoint) (state logtree.State, err error) {
	type read struct {
		page logtree.Page
		hash string
	}
	var back []read
	for number, hash := anchor.Page, anchor.Hash; ; number-- {
		page, found, _, err := r.page(ctx, namespace, number)
		if errors.Is(err, evidence.ErrNotFound) || err == nil && found != hash {
			return state, r.older(namespace, number, anchor)
		}
		if err != nil {
			return state, err
		}
		back = append(back, read{page, hash})
		if hash = page.Previous; page.Lists() {
			break
		}
	}
	first := back[len(back)-1]
	if state, err = logtree.At(first.page, first.hash); err != nil {
		return state, r.conflict("%v", err)
	}
	for _, one := range slices.Backward(back[:len(back)-1]) {
		if state, err = state.Apply(one.page, one.hash); err != nil {
			return state, r.conflict("%v", err)
		}
	}
	state, err = state.Trimmed(back[0].page)
	return state, err
}

// stillThere says whether the newest page is the one that was anchored: somebody may have put an older copy into its place.
func (r *trees) stillThere(ctx context.Context, namespace, signed string, keys checkpointKeys) error {
	if signed == "" {
		return nil
	}
	anchor, err := r.anchor(namespace, signed, keys)
	if err != nil {
		return err
	}
	_, hash, _, err := r.page(ctx, namespace, anchor.Page)
	if errors.Is(err, evidence.ErrNotFound) || err == nil && hash != anchor.Hash {
		return r.older(namespace, anchor.Page, anchor)
	}
	return err
}

func (r *trees) older(namespace string, number int64, anchor logtree.Checkpoint) error {
	return r.conflict("%s in the bucket is missing or another one, and the checkpoint of page %d was signed at %s: the bucket is an older copy, or was changed. Put the original back", evidence.TreeKey(namespace, number), anchor.Page, anchor.Time)
}

// page reads a page. What cannot be read as one is a conflict.
func (r *trees) page(ctx context.Context, namespace string, number int64) (page logtree.Page, hash, checkpoint string, err error) {
	data, err := r.Evidence.Get(ctx, evidence.TreeKey(namespace, number))
	if err != nil {
		return page, "", "", err
	}
	if page, hash, checkpoint, err = logtree.Decode(data); err != nil {
		err = r.conflict("%s in the bucket: %v; find out who changed it, and put the original back", evidence.TreeKey(namespace, number), err)
	}
	return page, hash, checkpoint, err
}

func (r *trees) conflict(format string, args ...any) error {
	return treeProblem{reasonConflict, bounded.Text(fmt.Sprintf(format, args...), 900) + "; no checkpoint is signed until then"}
}

// tell says in the log, a metric and, where somebody may have changed something, an event why there is no new checkpoint.
func (r *trees) tell(ctx context.Context, namespace string, problem treeProblem) {
	treeTrouble.WithLabelValues(namespace, problem.reason).Set(1)
	log.FromContext(ctx).Info("No checkpoint", "namespace", namespace, "reason", problem.reason, "why", problem.message)
	if problem.reason == reasonNoKey {
		return
	}
	anchor := &corev1.ConfigMap{ObjectMeta: r.anchorObject()}
	r.does.Recorder.Eventf(anchor, nil, corev1.EventTypeWarning, problem.reason, "SignCheckpoint", "namespace %s: %s", namespace, problem.message)
}

// tellConflicts says which logs are not those that the tree has. The others come into it all the same.
func (r *trees) tellConflicts(ctx context.Context, namespace string, conflicts []string) {
	for _, reason := range []string{reasonNoKey, reasonConflict, reasonLog} {
		treeTrouble.DeleteLabelValues(namespace, reason)
	}
	if len(conflicts) > 0 {
		r.tell(ctx, namespace, treeProblem{reasonLog, bounded.Text(strings.Join(conflicts, "; "), 900)})
	}
}

// remembers wakes the namespace of an object, and remembers the head of a log whose object goes.
func (g *gone) remembers() handler.EventHandler {
	wakes := mapped(inNamespaceOf)
	return handler.Funcs{
		CreateFunc: wakes.Create, UpdateFunc: wakes.Update, GenericFunc: wakes.Generic,
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			g.put(e.Object)
			wakes.Delete(ctx, e, queue)
		},
	}
}

// logGrew: the head of a log moved.
func logGrew() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, now := logOfObject(e.ObjectOld), logOfObject(e.ObjectNew)
		return now != nil && (before == nil || before.Head != now.Head)
	}}
}
