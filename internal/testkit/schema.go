package testkit

import (
	"encoding/json"
	"strings"
	"sync"

	utiljson "k8s.io/apimachinery/pkg/util/json"

	"tradeops.dev/strategy-operator/internal/schema"
)

// schemas by their text: to build one takes a while.
var schemas sync.Map

// APITakes fails the test when the API server would refuse the status of an object: then nothing of a pass would ever be done.
func (w *World) APITakes(definition []byte, object any) {
	w.T.Helper()
	known, found := schemas.Load(&definition[0])
	if !found {
		built, err := schema.New(definition)
		if err != nil {
			w.T.Fatalf("the schema: %v", err)
		}
		known, _ = schemas.LoadOrStore(&definition[0], built)
	}
	data, err := json.Marshal(object)
	if err != nil {
		w.T.Fatalf("encode the object: %v", err)
	}
	var whole map[string]any
	if err := utiljson.Unmarshal(data, &whole); err != nil {
		w.T.Fatalf("decode the object: %v", err)
	}
	if unknown := known.(*schema.Schema).Complete(whole); len(unknown) > 0 {
		w.T.Fatalf("the API does not know %v", unknown)
	}
	for _, refused := range known.(*schema.Schema).Refuses(whole, nil) {
		if strings.HasPrefix(refused.Field, "status") {
			w.T.Fatalf("the API server refuses the status: %v", refused)
		}
	}
}
