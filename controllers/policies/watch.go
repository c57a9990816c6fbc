package policies

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// look is how often the policies are looked at.
const look = time.Minute

// Start implements manager.Runnable: it looks at the policies until the context ends. A changed policy counts from when it is seen first. Without this it would
// be seen with the first decision that hangs on it, which would be older, and void: after each upgrade somebody would have to approve twice.
func (p *Proof) Start(ctx context.Context) error {
	said := ""
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		_, differs, err := p.InForce(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			log.FromContext(ctx).Error(err, "It cannot be seen whether the admission policies are in force")
		case differs == "" && said != "":
			log.FromContext(ctx).Info("The admission policies are in force again")
		case differs != said:
			log.FromContext(ctx).Info("No decision is honoured until the admission policies are in force", "difference", differs)
		}
		if err == nil {
			said = differs
		}
	}, look)
	return nil
}
