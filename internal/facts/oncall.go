package facts

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/oncall"
)

// OnCall is the rotation file of a playbook.
type OnCall struct {
	Roster  oncall.Roster
	Known   bool // there is one, and it was read
	Problem *Problem
}

// Right is something that somebody on call must be allowed to do, in the namespace of their playbook.
type Right struct {
	Name     string // of a user, or of a group, as the rotation has it
	Verb     string
	Resource string // of the operator's kinds
}

// Rights are what the API server said of them; one that is not there was not asked for yet.
type Rights map[Right]bool

// Entitled is what is known of the rights of people on call.
type Entitled struct {
	Asked  bool      // somebody can be asked
	Rights Rights    // as far as they were told
	Silent string    // why the API server says no more; empty: it does
	NextAt time.Time // when it is asked again
}

// Levels says for each level of the rotation who is on call, from the first that is called.
func (o OnCall) Levels(now time.Time) []strategyv1.OnCallStatus {
	var all []strategyv1.OnCallStatus
	for _, level := range o.Roster.Levels() {
		all = append(all, o.At(strategyv1.Level(level), now))
	}
	return all
}

// NextChange is when somebody else, or nobody, is on call for some level; zero if never.
func (o OnCall) NextChange(now time.Time) time.Time { return o.Roster.NextChange(now) }

// At is who is on call for a level at a time; without a name, nobody is.
func (o OnCall) At(level strategyv1.Level, now time.Time) strategyv1.OnCallStatus {
	shift := o.Roster.At(string(level), now)
	status := strategyv1.OnCallStatus{Level: level, Name: bounded.Text(shift.Name, 63), Contact: bounded.Text(shift.Contact, 256)}
	if !shift.Until.IsZero() {
		status.UntilTime = new(metav1.NewTime(shift.Until.UTC()))
	}
	if next := o.Roster.Next(string(level), now); next.Name != "" {
		status.NextName, status.NextTime = bounded.Text(next.Name, 63), new(metav1.NewTime(next.From.UTC()))
	}
	return status
}
