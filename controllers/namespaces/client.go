package namespaces

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Client is the manager's client, save that what is read in a served namespace comes from that namespace's reader.
func (r *Readers) Client() client.Client { return &routed{r.mgr.GetClient(), r} }

type routed struct {
	client.Client
	readers *Readers
}

// Get implements client.Reader.
func (c *routed) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	if Own(object, c.Scheme()) {
		return c.Client.Get(ctx, key, object, options...)
	}
	reader, err := c.reader(key.Namespace)
	if err != nil {
		return err
	}
	return reader.Get(ctx, key, object, options...)
}

// List implements client.Reader.
func (c *routed) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	if Own(list, c.Scheme()) {
		return c.Client.List(ctx, list, options...)
	}
	var wanted client.ListOptions
	wanted.ApplyOptions(options)
	reader, err := c.reader(wanted.Namespace)
	if err != nil {
		return err
	}
	return reader.List(ctx, list, options...)
}

// reader is an error where there is none: the service may have ended in the middle of a pass, which is then made again.
func (c *routed) reader(namespace string) (client.Reader, error) {
	reader, problem := c.readers.For(namespace)
	if problem != nil {
		return nil, fmt.Errorf("namespace %q is not read: %s", namespace, problem.Message)
	}
	if reader == nil {
		return nil, fmt.Errorf("namespace %q is not read yet", namespace)
	}
	return reader, nil
}
