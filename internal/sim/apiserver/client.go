package apiserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	groupschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// errUnserved is said to what the operator does not use.
var errUnserved = errors.New("the simulated API server does not serve this request")

// notDry: only creations are tried out. What ignored that it is only tried would store it.
func notDry(dryRun []string) error {
	if len(dryRun) == 0 {
		return nil
	}
	return fmt.Errorf("%w: dry run of what is not created", errUnserved)
}

// As is a client of the server in somebody's name.
func (s *Server) As(user string) client.Client { return &userClient{s, user} }

type userClient struct {
	server *Server
	user   string
}

// Get implements client.Reader.
func (c *userClient) Get(_ context.Context, at client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	kind, err := c.server.kinds.of(object)
	if err != nil {
		return err
	}
	found, err := c.server.find(key{kind.gvk.Kind, at.Namespace, at.Name}, kind)
	if err != nil {
		return err
	}
	answer(object, found.object)
	return nil
}

// List implements client.Reader. Of fields it selects nothing: real servers do not either, but for names.
func (c *userClient) List(_ context.Context, list client.ObjectList, options ...client.ListOption) error {
	var wanted client.ListOptions
	wanted.ApplyOptions(options)
	if wanted.FieldSelector != nil && !wanted.FieldSelector.Empty() {
		return fmt.Errorf("%w: field selector %s", errUnserved, wanted.FieldSelector)
	}
	kind, err := c.server.kinds.itemKind(list)
	if err != nil {
		return err
	}
	return fill(list, c.server.of(kind.gvk.Kind, wanted.Namespace), func(o client.Object) bool { return labelled(o, &wanted) })
}

// Create implements client.Writer.
func (c *userClient) Create(_ context.Context, object client.Object, options ...client.CreateOption) error {
	var wanted client.CreateOptions
	wanted.ApplyOptions(options)
	return c.server.create(c.user, object, wanted.FieldManager, len(wanted.DryRun) > 0)
}

// Update implements client.Writer.
func (c *userClient) Update(_ context.Context, object client.Object, options ...client.UpdateOption) error {
	var wanted client.UpdateOptions
	wanted.ApplyOptions(options)
	if err := notDry(wanted.DryRun); err != nil {
		return err
	}
	return c.server.update(c.user, object, wanted.FieldManager, false)
}

// Patch implements client.Writer: JSON merge patches.
func (c *userClient) Patch(_ context.Context, object client.Object, patch client.Patch, options ...client.PatchOption) error {
	var wanted client.PatchOptions
	wanted.ApplyOptions(options)
	if err := notDry(wanted.DryRun); err != nil {
		return err
	}
	kind, err := c.server.kinds.of(object)
	if err != nil {
		return err
	}
	if patch.Type() != types.MergePatchType {
		return fmt.Errorf("%w: %s", errUnserved, patch.Type())
	}
	if err := c.server.refused(Request{User: c.user, Verb: "patch", Kind: kind.gvk.Kind, Object: object}); err != nil {
		return err
	}
	before, err := c.server.find(key{kind.gvk.Kind, object.GetNamespace(), object.GetName()}, kind)
	if err != nil {
		return err
	}
	change, err := patch.Data(object)
	if err != nil {
		return err
	}
	document, err := json.Marshal(before.object)
	if err != nil {
		return err
	}
	if document, err = jsonpatch.MergePatch(document, change); err != nil {
		return err
	}
	sent := c.server.kinds.fresh(object)
	if err := json.Unmarshal(document, sent); err != nil {
		return err
	}
	return c.server.replace(c.user, kind, object, sent, wanted.FieldManager, false)
}

// Delete implements client.Writer.
func (c *userClient) Delete(_ context.Context, object client.Object, options ...client.DeleteOption) error {
	var wanted client.DeleteOptions
	wanted.ApplyOptions(options)
	if err := notDry(wanted.DryRun); err != nil {
		return err
	}
	return c.server.delete(c.user, object, &wanted)
}

// Status implements client.StatusClient.
func (c *userClient) Status() client.SubResourceWriter { return &statusClient{c} }

// statusClient writes statuses.
type statusClient struct{ client *userClient }

// Update implements client.SubResourceWriter.
func (c *statusClient) Update(_ context.Context, object client.Object, options ...client.SubResourceUpdateOption) error {
	var wanted client.SubResourceUpdateOptions
	wanted.ApplyOptions(options)
	if err := notDry(wanted.DryRun); err != nil {
		return err
	}
	return c.client.server.update(c.client.user, object, wanted.FieldManager, true)
}

// What nothing here uses.

func (c *userClient) Apply(context.Context, runtime.ApplyConfiguration, ...client.ApplyOption) error {
	return errUnserved
}

func (c *userClient) DeleteAllOf(context.Context, client.Object, ...client.DeleteAllOfOption) error {
	return errUnserved
}
func (c *userClient) SubResource(string) client.SubResourceClient { return nil }

func (c *statusClient) Create(context.Context, client.Object, client.Object, ...client.SubResourceCreateOption) error {
	return errUnserved
}

func (c *statusClient) Patch(context.Context, client.Object, client.Patch, ...client.SubResourcePatchOption) error {
	return errUnserved
}

func (c *statusClient) Apply(context.Context, runtime.ApplyConfiguration, ...client.SubResourceApplyOption) error {
	return errUnserved
}

// Scheme implements client.Client.
func (c *userClient) Scheme() *runtime.Scheme { return c.server.kinds.Scheme }

// RESTMapper implements client.Client.
func (c *userClient) RESTMapper() meta.RESTMapper { return c.server.kinds.Mapper }

// GroupVersionKindFor implements client.Client.
func (c *userClient) GroupVersionKindFor(object runtime.Object) (groupschema.GroupVersionKind, error) {
	kind, err := c.server.kinds.of(object)
	if err != nil {
		return groupschema.GroupVersionKind{}, err
	}
	return kind.gvk, nil
}

// IsObjectNamespaced implements client.Client.
func (c *userClient) IsObjectNamespaced(runtime.Object) (bool, error) { return true, nil }

// labelled: an object is wanted by its labels.
func labelled(object client.Object, wanted *client.ListOptions) bool {
	return wanted.LabelSelector == nil || wanted.LabelSelector.Matches(labelsOf(object))
}

// fill sets a list to copies of the objects that are wanted.
func fill(list client.ObjectList, objects []client.Object, wanted func(client.Object) bool) error {
	var items []runtime.Object
	for _, object := range objects {
		if wanted(object) {
			items = append(items, object.DeepCopyObject())
		}
	}
	return meta.SetList(list, items)
}
