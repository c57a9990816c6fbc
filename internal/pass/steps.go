package pass

import "tradeops.dev/strategy-operator/internal/action"

// Steps are what a decision asks for once its status was written. The fields are carried out from the first to the last, and what comes
// after a step that fails waits for the next pass.
type Steps struct {
	// Store is evidence. It comes first: verdicts are made of what is stored, so that they can be made again.
	Store []action.Action
	// Entries announce the effects in the decision log; nil = nothing to announce. An effect that nobody could read about did not
	// happen.
	Entries *action.AppendEntries
	// Effects change the cluster: Jobs, rollbacks, configurations, restarts. There are none as long as the log cannot be written.
	Effects []action.Action
	// Events tell people of what was done.
	Events []action.Action
	// Finalizers come last, since an object without one may be gone at once; nil = as they are. They change even where no log can be
	// written: whoever deletes an object must not have to wait for a bucket.
	Finalizers *action.SetFinalizers
}

// InOrder are all steps, in the order in which they are carried out.
func (s Steps) InOrder() []action.Action {
	all := append([]action.Action(nil), s.Store...)
	if s.Entries != nil {
		all = append(all, *s.Entries)
	}
	all = append(all, s.Effects...)
	all = append(all, s.Events...)
	if s.Finalizers != nil {
		all = append(all, *s.Finalizers)
	}
	return all
}
