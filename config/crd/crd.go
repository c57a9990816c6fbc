// Package crd holds the schemas of the API, as they are installed, for programs that check objects without a cluster.
package crd

import _ "embed"

// Playbook is the CustomResourceDefinition of StrategyPlaybook, in YAML.
//
//go:embed bases/strategy.tradeops.dev_strategyplaybooks.yaml
var Playbook []byte
