package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/show"
)

func decodePage(raw []byte, page *evidence.Page) error {
	if err := json.Unmarshal(raw, page); err != nil {
		return err
	}
	for _, one := range page.Items {
		if err := evidence.CheckKey(one.Key); err != nil { // it becomes a name of a file
			return err
		}
	}
	return nil
}

// record is the evidence of an incident or a rollback, and of the rollbacks of an incident.
type record struct {
	source
	name    string
	folders []string // that of the object first
}

// all that lies in a folder.
func all(ctx context.Context, from source, folder string) (objects []evidence.Object, bucket string, err error) {
	after := ""
	for {
		page, err := from.list(ctx, folder, after)
		if err != nil {
			return nil, "", err
		}
		objects, bucket = append(objects, page.Items...), page.Bucket
		if page.Next == "" {
			break
		}
		if page.Next <= after { // a list without an end
			return nil, "", fmt.Errorf("the list of evidence does not go on behind %s", after)
		}
		after = page.Next
	}
	return objects, bucket, nil
}

// objects of all folders.
func (r record) objects(ctx context.Context) (objects []evidence.Object, err error) {
	for _, one := range r.folders {
		found, _, err := all(ctx, r.source, one)
		if err != nil {
			return nil, err
		}
		objects = append(objects, found...)
	}
	slices.SortFunc(objects, func(a, b evidence.Object) int { return strings.Compare(a.Key, b.Key) })
	if len(objects) == 0 {
		return nil, refuse("there is no evidence of %s in %s", show.Line(r.name), strings.Join(r.folders, ", "))
	}
	return objects, nil
}

// recordOf finds the evidence that an argument names: of an object that is there by its UID, of one that is gone, or in a copy, by its name.
func (a *app) recordOf(ctx context.Context, argument, from string) (record, error) {
	if from != "" {
		copied, err := openFolder(from)
		if err != nil {
			return record{}, err
		}
		within := "."
		if namespace := *a.flags.Namespace; namespace != "" {
			within = namespace
		}
		return search(ctx, copied, within, argument)
	}
	c, err := a.connect()
	if err != nil {
		return record{}, err
	}
	if isFolder(argument) {
		return search(ctx, c.evidence, c.namespace, argument)
	}
	ref, err := c.resolve(ctx, argument, strategyv1.KindIncident, strategyv1.KindRollback)
	if apierrors.IsNotFound(err) {
		searched, missing := search(ctx, c.evidence, c.namespace, argument)
		if missing != nil {
			return record{}, fmt.Errorf("%w; and of one that was deleted: %w", err, missing)
		}
		return searched, nil
	}
	if err != nil {
		return record{}, err
	}
	subject, err := c.subject(ctx, ref)
	if err != nil {
		return record{}, err
	}
	found := record{source: c.evidence, name: ref.name}
	if subject.Incident != nil {
		found.folders = append(found.folders, folderOf(subject.Incident))
	}
	for i := range subject.Rollbacks {
		found.folders = append(found.folders, folderOf(&subject.Rollbacks[i]))
	}
	return found, nil
}

func folderOf(object client.Object) string {
	return strings.TrimSuffix(evidence.Prefix(object.GetNamespace(), object.GetName(), string(object.GetUID()), object.GetCreationTimestamp().Time), "/")
}

// isFolder: an argument is a folder itself, as ls shows them.
func isFolder(argument string) bool { return strings.Count(argument, "/") == 4 }

// search finds folders by the name of the object. Which rollbacks an incident had stands in their logs.
func search(ctx context.Context, from source, within, argument string) (record, error) {
	ref, err := parse(argument, strategyv1.KindIncident, strategyv1.KindRollback)
	if isFolder(argument) {
		ref, err = reference{name: strings.TrimSuffix(argument, "/")}, nil
	}
	if err != nil {
		return record{}, err
	}
	objects, _, err := all(ctx, from, within)
	if err != nil {
		return record{}, err
	}
	var folders, fit []string
	for _, one := range objects {
		if in := evidence.FolderOf(one.Key); in != "" {
			folders = append(folders, in)
		}
	}
	slices.Sort(folders)
	folders = slices.Compact(folders)
	for _, one := range folders {
		if one == ref.name || evidence.IsFolderOf(one, ref.name) && (ref.kind == "" || strings.EqualFold(about(ctx, from, one).kind(), ref.kind)) {
			fit = append(fit, one)
		}
	}
	switch {
	case len(fit) == 0:
		return record{}, refuse("no folder of the evidence in %s is of %q", show.Line(within), show.Line(argument))
	case len(fit) > 1:
		return record{}, refuse("%d folders are of %q; name one: %s", len(fit), show.Line(argument), strings.Join(fit, ", "))
	}
	found := record{source: from, name: path.Base(fit[0]), folders: fit}
	if subject := about(ctx, from, fit[0]); subject.Stage == "incident" {
		found.folders = append(found.folders, rollbacksOf(ctx, from, folders, fit[0], subject)...)
	}
	return found, nil
}

// told is what the first entry of a log says it is about.
type told struct {
	Stage     string `json:"stage"`
	Artefacts struct {
		Incident string `json:"incident"`
	} `json:"artefacts"`
}

func (t told) kind() string { return "Strategy" + t.Stage }

// about is what a folder is about; nothing if it has no log.
func about(ctx context.Context, from source, folder string) (subject told) {
	if line, err := from.get(ctx, evidence.LogKey(folder+"/", 1)); err == nil {
		_ = json.Unmarshal(line, &subject) // what cannot be read is about nothing
	}
	return subject
}

// rollbacksOf are the folders of rollbacks that say they are of an incident, in its namespace and not from before its day.
func rollbacksOf(ctx context.Context, from source, folders []string, own string, incident told) (found []string) {
	namespace, _, _ := strings.Cut(own, "/")
	name := strings.TrimPrefix(incident.Artefacts.Incident, namespace+"/")
	for _, one := range folders {
		if !strings.HasPrefix(one, namespace+"/") || path.Dir(one) < path.Dir(own) {
			continue
		}
		if subject := about(ctx, from, one); subject.Stage == "rollback" && subject.Artefacts.Incident == name {
			found = append(found, one)
		}
	}
	return found
}

// evidenceServed is what the manager says of its bucket, to whoever may read evidence.
func (c cluster) evidenceServed(ctx context.Context) show.Finding {
	page, err := c.evidence.list(ctx, c.namespace+"/forgotten", "")
	if err != nil {
		return show.Finding{Is: show.Unknown, What: "evidence bucket", Text: messageOf(err)}
	}
	return show.Finding{Is: show.Well, What: "evidence bucket", Text: show.Line(page.Bucket)}
}
