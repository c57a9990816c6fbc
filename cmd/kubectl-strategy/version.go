package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"

	"tradeops.dev/strategy-operator/internal/show"
)

// operatorName is the Deployment of the operator, and operatorNamespace where it is installed to.
const (
	operatorName      = "strategy-operator"
	operatorNamespace = "strategy-operator-system"
)

func newVersion(a *app) *cobra.Command {
	var own bool
	cmd := &cobra.Command{
		Use: "version", Short: "Show the versions of this plugin, the operator and the cluster",
		Long: `Show the versions of this plugin, of the operator and of the cluster. The operator's is the image of its Deployment
(` + operatorNamespace + `/` + operatorName + `), as it was asked for; who may not read that, or has it elsewhere, is told that it is not known.

` + exitCodes,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			fmt.Fprintf(a.Out, "plugin: %s\n", version)
			if own {
				return nil
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			kubernetes, err := c.serverVersion()
			if err != nil {
				kubernetes = "not known: " + messageOf(err)
			}
			_, err = fmt.Fprintf(a.Out, "operator: %s\nKubernetes: %s\n", c.operatorVersion(cmd.Context()), show.Line(kubernetes))
			return err
		},
	}
	cmd.Flags().BoolVar(&own, "client", false, "of this plugin only, without a cluster")
	return cmd
}

func (c cluster) operatorVersion(ctx context.Context) string {
	var deployment appsv1.Deployment
	if err := c.Get(ctx, types.NamespacedName{Namespace: operatorNamespace, Name: operatorName}, &deployment); err != nil {
		return "not known: " + messageOf(err)
	}
	containers := deployment.Spec.Template.Spec.Containers
	if len(containers) == 0 {
		return "not known: its Deployment has no container"
	}
	image := "image " + show.Line(containers[0].Image)
	if deployment.Status.AvailableReplicas == 0 {
		return image + ", and NO POD OF IT IS AVAILABLE"
	}
	return image
}
