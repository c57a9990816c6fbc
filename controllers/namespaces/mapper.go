package namespaces

import (
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// mapper remembers the mappings of the kinds that a reader reads. A cache asks in each read whether a kind is namespaced, which would
// be a twentieth of the operator's work; that of a built-in kind never changes.
type mapper struct {
	meta.RESTMapper
	known sync.Map // *meta.RESTMapping by kind
}

// RESTMapping implements meta.RESTMapper.
func (m *mapper) RESTMapping(kind schema.GroupKind, versions ...string) (*meta.RESTMapping, error) {
	if len(versions) != 1 {
		return m.RESTMapper.RESTMapping(kind, versions...)
	}
	at := kind.WithVersion(versions[0])
	if known, found := m.known.Load(at); found {
		mapping, _ := known.(*meta.RESTMapping)
		return mapping, nil
	}
	mapping, err := m.RESTMapper.RESTMapping(kind, versions...)
	if err == nil {
		m.known.Store(at, mapping)
	}
	return mapping, err
}
