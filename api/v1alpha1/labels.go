package v1alpha1

// Labels and annotations of the operator. They are listed here only, so that a reader finds every one.
const (
	// LabelManaged is the opt-in of ConfigMaps and Secrets: the operator reads or edits only objects with the value "true".
	LabelManaged = "strategy.tradeops.dev/managed"
	// LabelServe stands on a Namespace with the value "true": the operator serves it. With another value objects of the operator's kinds may be
	// stored there; without the label they may not be. Who may edit a namespace's contents cannot write it.
	LabelServe = "strategy.tradeops.dev/serve"
	// LabelPodSecurityExempt stands on a Namespace with the value "true": its checks need not fulfil the restricted Pod Security Standard.
	LabelPodSecurityExempt = "strategy.tradeops.dev/pod-security-exempt"
	// LabelServiceAccounts stands on a Namespace: the service accounts under which its checks may run, beside the default one without its
	// token; several with "_" between them.
	LabelServiceAccounts = "strategy.tradeops.dev/service-accounts"
	// LabelPlaybookReview stands on a Namespace, with any value but "false": a playbook there is used only once a second person approved it.
	LabelPlaybookReview = "strategy.tradeops.dev/playbook-review"
	// LabelPlaybook names the playbook that a frozen revision was taken from.
	LabelPlaybook = "strategy.tradeops.dev/playbook"
	// LabelIncident names the incident that asked for a rollback. It is a label and not an owner reference, because
	// deleting an incident must never re-enable a strategy.
	LabelIncident = "strategy.tradeops.dev/incident"
	// LabelOwnerUID carries the UID of the incident or rollback on its Jobs and their pods.
	LabelOwnerUID = "strategy.tradeops.dev/owner-uid"
	// LabelDrill marks the copy of a configuration that a drill works on.
	LabelDrill = "strategy.tradeops.dev/drill"
	// LabelStage, LabelCheck and LabelAttempt say which run of which check a Job is.
	LabelStage   = "strategy.tradeops.dev/stage"
	LabelCheck   = "strategy.tradeops.dev/check"
	LabelAttempt = "strategy.tradeops.dev/attempt"

	// AnnotationAsked stands on the pod template of a check's Job: what was asked for, as JSON. Its hash is in status.running.
	AnnotationAsked = "strategy.tradeops.dev/asked"
	// AnnotationContainer, AnnotationSeverity and AnnotationChanged are only in the operator's memory of a check's Job. They come from what was
	// asked for: the container that runs the check, whatever others a webhook adds; the severity of the incident as the check was told, by which
	// its report is judged; and what is not as it was asked for.
	AnnotationContainer = "strategy.tradeops.dev/container"
	AnnotationSeverity  = "strategy.tradeops.dev/severity"
	AnnotationChanged   = "strategy.tradeops.dev/changed"
	// AnnotationEdits stands on a managed ConfigMap and records the edits in force and what each path held before.
	// It is written in the same update as the edits, so the two can never disagree. Whoever may edit the ConfigMap may write there, too, so
	// an entry counts only where it is one of the receipts in its rollback's status.
	AnnotationEdits = "strategy.tradeops.dev/edits"
	// AnnotationConfigSHA256 stands on the scheduler's pod template: the hash of the configuration the pods must run.
	AnnotationConfigSHA256 = "strategy.tradeops.dev/config-sha256"
	// AnnotationRestartedFor stands on the scheduler's pod template when one more restart was needed because a pod
	// had started with a stale copy of the configuration. The value is the hash of that configuration.
	AnnotationRestartedFor = "strategy.tradeops.dev/restarted-for"
)

// Finalizer stands on a rollback from before its edits are claimed until they are undone or left for good, so that nothing
// of it stays behind in the configuration unnoticed.
const Finalizer = "strategy.tradeops.dev/edits"

// ManagedValue is the value of LabelManaged that opts an object in.
const ManagedValue = "true"

// ServeValue is the value of LabelServe that has a namespace served, and of LabelPodSecurityExempt.
const ServeValue = "true"
