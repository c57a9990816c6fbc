package main

import (
	"context"
	"fmt"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/show"
)

// unansweredError says that a decision is recorded, and that nobody knows yet what becomes of it.
type unansweredError struct{ message string }

func (e *unansweredError) Error() string { return e.message }

// await waits for what becomes of a decision, and says it.
func (a *app) await(ctx context.Context, c cluster, decision *strategyv1.StrategyDecision, wait time.Duration) error {
	var now strategyv1.StrategyDecision
	err := a.until(ctx, wait, func(ctx context.Context) (bool, error) {
		err := c.get(ctx, strategyv1.KindDecision, decision.Name, &now)
		return err == nil && now.Status.Answer != nil, err
	})
	if err != nil {
		return c.late(err, wait, fmt.Sprintf("strategydecision/%s is recorded, and not answered", decision.Name),
			fmt.Sprintf(": it waits for its moment, or the operator does not look. It stands all the same: kubectl get strategydecision %s -n %s", decision.Name, decision.Namespace))
	}
	return a.answered(&now)
}

// answered says what became of a decision; one that does not count is a refusal.
func (a *app) answered(decision *strategyv1.StrategyDecision) error {
	answer := decision.Status.Answer
	if answer.Outcome != strategyv1.OutcomeHonoured {
		return refuse("strategydecision/%s is not honoured (%s): %s", decision.Name, answer.Outcome, show.Line(answer.Message))
	}
	_, err := fmt.Fprintf(a.Out, "honoured: %s\n", show.Line(answer.Message))
	return err
}
