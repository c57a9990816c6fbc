package main

import (
	"context"
	"fmt"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"

	"tradeops.dev/strategy-operator/internal/show"
)

// user is who runs the command, as the cluster knows them: what is recorded names them, and the checking policies accept no
// other name. Where the cluster does not tell, the name is empty and left to the stamping policies.
func (a *app) user(ctx context.Context, c cluster) (string, error) {
	var review authenticationv1.SelfSubjectReview
	err := c.Create(ctx, &review)
	switch {
	case err == nil:
		return review.Status.UserInfo.Username, nil
	case apierrors.IsForbidden(err), apierrors.IsNotFound(err), meta.IsNoMatchError(err):
		fmt.Fprintf(a.ErrOut, "Warning: the cluster does not tell who you are (%s), so what is recorded names nobody, and is accepted only where "+
			"config/stamps is installed; ask for the right to create selfsubjectreviews of authentication.k8s.io\n", show.Line(err.Error()))
		return "", nil
	}
	return "", fmt.Errorf("ask the cluster who you are: %w", err)
}
