// Package crd holds the schemas of the API, as they are installed, for programs that check objects without a cluster.
package crd

import _ "embed"

// The CustomResourceDefinitions, in YAML.
var (
	//go:embed bases/strategy.tradeops.dev_strategyalerts.yaml
	Alert []byte
	//go:embed bases/strategy.tradeops.dev_strategydecisions.yaml
	Decision []byte
	//go:embed bases/strategy.tradeops.dev_strategyincidents.yaml
	Incident []byte
	//go:embed bases/strategy.tradeops.dev_strategyplaybooks.yaml
	Playbook []byte
	//go:embed bases/strategy.tradeops.dev_strategyrollbacks.yaml
	Rollback []byte
)
