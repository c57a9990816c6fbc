package controllers

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// remembered bounds the memory: the cache has seen all but the newest writes long ago.
const remembered = 4096

// freshness remembers the last version of each object that this process wrote. A pass over an older copy would plan what
// was done already and end in a conflict. It is a saving, not a safeguard: after a restart it is empty, and every effect
// is guarded by resource version or name.
type freshness struct {
	sync.Mutex
	written map[types.UID]string
}

func (f *freshness) wrote(object client.Object) {
	f.Lock()
	defer f.Unlock()
	if f.written == nil || len(f.written) >= remembered {
		f.written = map[types.UID]string{}
	}
	f.written[object.GetUID()] = object.GetResourceVersion()
}

// stale says whether the copy is older than our last write of the object.
func (f *freshness) stale(object client.Object) bool {
	f.Lock()
	defer f.Unlock()
	written, known := f.written[object.GetUID()]
	if !known {
		return false
	}
	order, err := resourceversion.CompareResourceVersion(object.GetResourceVersion(), written)
	if err == nil && order < 0 {
		return true
	}
	delete(f.written, object.GetUID()) // seen: from here on the cache is new enough
	return false
}
