// Package alerts decides what becomes of one alert that came in: it opens an incident, joins one, is held by the incident of a storm, or is
// nobody's, and says why.
//
// It is pure, as the other plans: observed -> decision. The intake (internal/intake) has stored what the sender said; nothing is lost if this comes
// later, or again. A resolved alert closes and restores nothing: the incident's own plan reads it.
package alerts
