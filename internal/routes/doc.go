// Package routes says what an alert becomes: which route of a playbook matches it, and what incident that asks for.
//
// It is a leaf, and pure: a playbook's routes are compiled once for each spec, and asked for each alert. Matchers are Alertmanager's own, by its
// own parser. It opens nothing: internal/alerts decides, and `kubectl strategy lint --alerts` shows.
package routes
