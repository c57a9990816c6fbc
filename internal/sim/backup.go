package sim

import (
	corev1 "k8s.io/api/core/v1"

	"tradeops.dev/strategy-operator/internal/sim/apiserver"
)

// Restored is the world after its API server was restored from a backup, which is an earlier copy of the world: all objects are as they were
// then, with their UIDs, except the configuration where it is kept. The bucket and the clock go on, and people have gone.
func (w *World) Restored(backup *World, keepsConfig bool) *World {
	w.T.Helper()
	now := w.Fork()
	now.On(backup.API.Fork(now.Clock.Now))
	if keepsConfig {
		var configMap corev1.ConfigMap
		w.Get(ConfigMap, &configMap)
		now.API.Seen().Learn(apiserver.Event{New: &configMap})
	}
	now.Script, now.did, now.People = nil, 0, nil
	now.running = now.Content() // the pods were made again, too
	return now
}
