package botcore

import "tradeops.dev/strategy-operator/internal/config"

// parsed is a document of a test, which must be one.
func parsed[T ~string | ~[]byte](text T) *config.Document {
	document, err := config.Parse(string(text))
	if err != nil {
		panic(err)
	}
	return document
}
