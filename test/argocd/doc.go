// Package argocd stands in for Argo CD where a test needs to know what it does to one ConfigMap. Argo CD itself is not run. What is decided here is
// decided as its source does it, and what is written is written by kubectl, whose code Argo CD runs in its own process.
//
// From argoproj/argo-cd, as it was on master in 2026 (3.5; gitops-engine is a folder of it since 3.2):
//
//   - controller/sync.go: the options of a sync are those of its operation. With RespectIgnoreDifferences=true, and where the object is there, what
//     the normalization took out of the live object is merged into the normalized target, and that is applied, whichever way it is applied.
//   - controller/appcontroller.go: an automated sync takes the Application's options. It happens when it is OutOfSync and the revision was not
//     tried yet, or with selfHeal, after a pause that grows with each try for the same revision: none, 2 s, 6 s, 18 s, up to 300 s.
//   - server/application/application.go and cmd/argocd/commands/app.go: a sync that somebody asks for has the Application's options, unless the
//     request names options: then it has those alone. `argocd app sync` names some with --server-side, --replace and --apply-out-of-sync-only.
//   - util/argo/diff, util/argo/managedfields: managedFieldsManagers takes out of both objects what differs and has such a manager in the live one;
//     jsonPointers take out what they point to.
//   - gitops-engine/pkg/diff: three-way with the annotation last-applied-configuration; with ServerSideApply=true, a merge of the fields that
//     argocd-controller owns.
//   - gitops-engine/pkg/sync/sync_context.go and pkg/utils/kube/resource_ops.go: Replace=true goes before ServerSideApply=true, and names no field
//     manager, so that it is the name of the program; all else is `kubectl apply` as argocd-controller, server-side always with --force-conflicts. Before
//     a server-side apply the fields of kubectl-client-side-apply are moved with one client-side apply in that name.
//
// What is not here: hooks, waves, pruning, health, sync windows, the cache of the live state (it is read from the API server), and jqPathExpressions.
package argocd
