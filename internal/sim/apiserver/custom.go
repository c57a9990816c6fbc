package apiserver

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"reflect"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// memo remembers what the schema said to a spec and status: stories that are played again from many moments write the same
// things again, and the schema's rules are most of a write's time.
type memo struct {
	sync.Mutex
	known map[[sha256.Size]byte]checked
}

type checked struct {
	object  client.Object // without metadata; never changed
	body    string
	refused field.ErrorList
}

// maxKnown bounds the memory; a whole run of all cuts needs a few thousand.
const maxKnown = 50_000

// body is spec and status as a client sends them.
func body(object client.Object) ([]byte, error) {
	parts := map[string]any{}
	value := reflect.ValueOf(object).Elem()
	for _, name := range []string{"Spec", "Status"} {
		if part := value.FieldByName(name); part.IsValid() {
			parts[string(bytes.ToLower([]byte(name)))] = part.Interface()
		}
	}
	return json.Marshal(parts)
}

// check completes an object of a kind with a schema, and says what the API server refuses of it in place of the stored
// version. The metadata is not looked at, save the name.
func (k *Kinds) check(kind *kind, object client.Object, before string) (checked, error) {
	sent, err := body(object)
	if err != nil {
		return checked{}, err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%s", kind.gvk.Kind, object.GetName(), sent, before))
	k.memo.Lock()
	known, found := k.memo.known[sum]
	k.memo.Unlock()
	if found {
		return known, nil
	}
	if known, err = kind.check(k.fresh(object), object.GetName(), sent, before); err != nil {
		return checked{}, err
	}
	k.memo.Lock()
	defer k.memo.Unlock()
	if k.memo.known == nil || len(k.memo.known) >= maxKnown {
		k.memo.known = map[[sha256.Size]byte]checked{}
	}
	k.memo.known[sum] = known
	return known, nil
}

func (k *kind) check(into client.Object, name string, sent []byte, before string) (checked, error) {
	whole, err := k.whole(name, sent)
	if err != nil {
		return checked{}, err
	}
	k.schema.Complete(whole) // what is unknown is dropped, as the API server does by default
	var old map[string]any
	if before != "" {
		if old, err = k.whole(name, []byte(before)); err != nil {
			return checked{}, err
		}
	}
	result := checked{refused: k.schema.Refuses(whole, old)}
	delete(whole, "metadata")
	delete(whole, "apiVersion")
	delete(whole, "kind")
	data, err := json.Marshal(whole)
	if err != nil {
		return checked{}, err
	}
	result.body = string(data)
	if len(result.refused) > 0 {
		return result, nil
	}
	if err := json.Unmarshal(data, into); err != nil {
		return checked{}, fmt.Errorf("the schema of %s accepts what cannot be read: %w", k.gvk.Kind, err)
	}
	result.object = into
	return result, nil
}

// whole is the object as the schema sees it.
func (k *kind) whole(name string, body []byte) (map[string]any, error) {
	var whole map[string]any
	if err := utiljson.Unmarshal(body, &whole); err != nil { // whole numbers stay whole
		return nil, err
	}
	apiVersion, kind := k.gvk.ToAPIVersionAndKind()
	whole["apiVersion"], whole["kind"], whole["metadata"] = apiVersion, kind, map[string]any{"name": name}
	return whole, nil
}

func (k *kind) invalid(name string, refused field.ErrorList) error {
	return apierrors.NewInvalid(k.gvk.GroupKind(), name, refused)
}
