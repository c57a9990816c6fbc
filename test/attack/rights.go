package attack

import strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"

// rights are those that change trading without a second person.
func rights() table {
	const notAsked = "incidentUID says that the incident itself asked"
	asked := func(user, incidentUID string) *strategyv1.StrategyRollback {
		rollback := by(aRollback, user)
		rollback.Spec.RequestedBy = user
		rollback.Spec.IncidentName, rollback.Spec.IncidentUID, rollback.Spec.RemediationName = "loss", incidentUID, "automatic"
		return rollback
	}
	return table{"rights", nil, []attack{
		{"an approver asks for an automatic remedy", anna, create(asked(anna, "")), ""},
		{"an approver asks for one as its incident does", anna, create(asked(anna, "1234")), notAsked},
		{"an administrator of the namespace does", adam, create(asked(adam, "1234")), notAsked},
		{"its incident does", operator, create(asked(anna, "1234")), ""},
	}}
}
