package controllers

import (
	"context"
	"fmt"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/action"
	"tradeops.dev/strategy-operator/internal/record"
)

// keepReceipt goes first, so that no entry of the record is ever without a witness: after a crash in between there is a receipt of
// something that was not written, which says nothing.
func (x *executor) keepReceipt(ctx context.Context, a action.KeepReceipt) error {
	var rollback strategyv1.StrategyRollback
	if err := x.Live.Get(ctx, a.Key, &rollback); err != nil {
		return err
	}
	asked := rollback.Status.Config
	if string(rollback.UID) != a.UID || asked == nil {
		return fmt.Errorf("StrategyRollback %s asks for no edits any more; nothing is written", a.Key)
	}
	asked.Receipts = record.Kept(asked.Receipts, a.Entry)
	if err := x.Client.Status().Update(ctx, &rollback, FieldOwner); err != nil {
		return err
	}
	x.fresh.wrote(&rollback)
	return nil
}

// doConfig carries out what changes a configuration: the receipts, then the write.
func (x *executor) doConfig(ctx context.Context, next action.Action) (effect, error) {
	if a, isReceipt := next.(action.KeepReceipt); isReceipt {
		return effect{"KeepReceipt", "StrategyRollback", a.Key, nil}, x.keepReceipt(ctx, a)
	}
	a, _ := next.(action.WriteConfig)
	return effect{"WriteConfig", "ConfigMap", a.Key, []any{"key", a.DataKey}}, x.writeConfig(ctx, a)
}
