package crash

import (
	"context"
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"tradeops.dev/strategy-operator/controllers"
)

// bent is a client with some verbs replaced.
type bent struct {
	client.Client
	create func(context.Context, client.Object, ...client.CreateOption) error
	update func(context.Context, client.Object, ...client.UpdateOption) error
	remove func(context.Context, client.Object, ...client.DeleteOption) error
	patch  func(context.Context, client.Object, client.Patch, ...client.PatchOption) error
	status func(context.Context, client.Object, ...client.SubResourceUpdateOption) error
	list   func(context.Context, client.ObjectList, ...client.ListOption) error
}

func (b *bent) Create(ctx context.Context, o client.Object, options ...client.CreateOption) error {
	if b.create != nil {
		return b.create(ctx, o, options...)
	}
	return b.Client.Create(ctx, o, options...)
}

func (b *bent) Update(ctx context.Context, o client.Object, options ...client.UpdateOption) error {
	if b.update != nil {
		return b.update(ctx, o, options...)
	}
	return b.Client.Update(ctx, o, options...)
}

func (b *bent) Delete(ctx context.Context, o client.Object, options ...client.DeleteOption) error {
	if b.remove != nil {
		return b.remove(ctx, o, options...)
	}
	return b.Client.Delete(ctx, o, options...)
}

func (b *bent) Patch(ctx context.Context, o client.Object, patch client.Patch, options ...client.PatchOption) error {
	if b.patch != nil {
		return b.patch(ctx, o, patch, options...)
	}
	return b.Client.Patch(ctx, o, patch, options...)
}

func (b *bent) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	if b.list != nil {
		return b.list(ctx, list, options...)
	}
	return b.Client.List(ctx, list, options...)
}

func (b *bent) Status() client.SubResourceWriter {
	return &bentStatus{b.Client.Status(), b.status}
}

type bentStatus struct {
	client.SubResourceWriter
	update func(context.Context, client.Object, ...client.SubResourceUpdateOption) error
}

func (b *bentStatus) Update(ctx context.Context, o client.Object, options ...client.SubResourceUpdateOption) error {
	if b.update != nil {
		return b.update(ctx, o, options...)
	}
	return b.SubResourceWriter.Update(ctx, o, options...)
}

// bentReader is a reader with Get replaced.
type bentReader struct {
	client.Reader
	get func(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error
}

func (b *bentReader) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	return b.get(ctx, key, object, options...)
}

// bentBucket is an evidence bucket with Create replaced.
type bentBucket struct {
	controllers.Evidence
	create func(ctx context.Context, key string, data []byte) error
}

func (b *bentBucket) Create(ctx context.Context, key string, data []byte) error {
	return b.create(ctx, key, data)
}

func isDryRun(options []client.CreateOption) bool {
	var all client.CreateOptions
	all.ApplyOptions(options)
	return len(all.DryRun) > 0
}

func onCreate(bend func(ctx context.Context, api client.Client, o client.Object, options []client.CreateOption) error) func(*World, client.Client) client.Client {
	return func(_ *World, api client.Client) client.Client {
		return &bent{Client: api, create: func(ctx context.Context, o client.Object, options ...client.CreateOption) error {
			if isDryRun(options) {
				return api.Create(ctx, o, options...)
			}
			return bend(ctx, api, o, options)
		}}
	}
}

func onStatus(bend func(ctx context.Context, api client.Client, o client.Object, options []client.SubResourceUpdateOption) error) func(*World, client.Client) client.Client {
	return func(_ *World, api client.Client) client.Client {
		return &bent{Client: api, status: func(ctx context.Context, o client.Object, options ...client.SubResourceUpdateOption) error {
			return bend(ctx, api, o, options)
		}}
	}
}

func onConfig(bend func(ctx context.Context, api client.Client, o *corev1.ConfigMap, options []client.UpdateOption) error) func(*World, client.Client) client.Client {
	return func(_ *World, api client.Client) client.Client {
		return &bent{Client: api, update: func(ctx context.Context, o client.Object, options ...client.UpdateOption) error {
			if configMap, ok := o.(*corev1.ConfigMap); ok {
				return bend(ctx, api, configMap, options)
			}
			return api.Update(ctx, o, options...)
		}}
	}
}

func onBucket(bend func(ctx context.Context, w *World, next controllers.Evidence, key string, data []byte) error) func(*World, controllers.Evidence) controllers.Evidence {
	return func(w *World, next controllers.Evidence) controllers.Evidence {
		return &bentBucket{next, func(ctx context.Context, key string, data []byte) error { return bend(ctx, w, next, key, data) }}
	}
}

func asJSON(value any) string {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(data)
}
