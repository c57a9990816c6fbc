package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// WriteBackSpec is the file of a Git repository that a document comes from: the configuration, or what a proposal is about.
type WriteBackSpec struct {
	// url of the repository: https://host/path, or ssh://user@host/path, without a password. The host must be a Service of the playbook's own namespace, or
	// what the manager's flag --git-allow names.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:Pattern=`^(https?|ssh)://[^\s]+$`
	URL string `json:"url,omitempty"`

	// branch that the GitOps tool applies.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9][A-Za-z0-9._/-]*$`
	Branch string `json:"branch,omitempty"`

	// path of the file in the repository. It is the document itself, or a manifest of the ConfigMap with the document as a literal block (|).
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^[^/\s][^\s]*$`
	Path string `json:"path,omitempty"`

	// pushBranch is where commits are pushed to instead, for a person to merge them: each rollback has a branch of its own, <pushBranch>/<rollback>, and
	// so has each proposal, <pushBranch>/<incident>-<first 8 of its UID>. Absent = they are pushed to branch itself; a proposal needs it.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9][A-Za-z0-9._/-]*$`
	PushBranch string `json:"pushBranch,omitempty"`

	// secretName is the Secret, opted in, with the credentials: url (the same as here), and username and password, or bearerToken, or identity and
	// known_hosts of SSH; ca.crt, if a private authority vouches for the server; signing-key, if commits are to be signed.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	SecretName string `json:"secretName,omitempty"`

	// author of the commits. Absent = strategy-operator.
	// +optional
	Author *CommitAuthor `json:"author,omitempty"`

	// timeoutSeconds is how long a commit may take, with all its retries, before L2 is asked. So long a restore waits for the inverse to be
	// committed. Default: 120.
	// +optional
	// +default=120
	// +kubebuilder:validation:Minimum=10
	// +kubebuilder:validation:Maximum=3600
	TimeoutSeconds int32 `json:"timeoutSeconds,omitempty"`
}

// CommitAuthor is who a commit is by.
type CommitAuthor struct {
	// name of the author.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[^<>\n\r]+$`
	Name string `json:"name,omitempty"`

	// email of the author.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=254
	// +kubebuilder:validation:Pattern=`^[^<>\s]+$`
	Email string `json:"email,omitempty"`
}

// WriteBackChange is what a repository is to hold.
// +kubebuilder:validation:Enum=Applied;Undone
type WriteBackChange string

const (
	WriteBackApplied WriteBackChange = "Applied" // the edits
	WriteBackUndone  WriteBackChange = "Undone"  // what it held before them
)

// WriteBackState is what became of it.
// +kubebuilder:validation:Enum=Committed;Open;Withdrawn;Left
type WriteBackState string

const (
	WriteBackCommitted WriteBackState = "Committed" // the branch holds it
	WriteBackOpen      WriteBackState = "Open"      // it was pushed to another branch, and waits for somebody to merge it
	WriteBackWithdrawn WriteBackState = "Withdrawn" // nobody had merged it, and what was pushed was taken back; of a proposal: by somebody
	WriteBackLeft      WriteBackState = "Left"      // nothing of this rollback was there
)

// WriteBackStatus is what is committed for a rollback, or pushed for an incident's proposal. It is asked for here, and done beside them, so that no Git
// server keeps anything waiting.
type WriteBackStatus struct {
	// change that is asked for.
	// +required
	Change WriteBackChange `json:"change,omitempty"`

	// revision of the plan that it is about; of a proposal the incident's round.
	// +required
	// +kubebuilder:validation:Minimum=1
	Revision int64 `json:"revision,omitempty"`

	// askedTime is when it was asked for; a rollback's time-out counts from it.
	// +required
	AskedTime metav1.Time `json:"askedTime,omitempty,omitzero"`

	// state that it came to; absent = it is not done yet, and the condition Committed says why.
	// +optional
	State WriteBackState `json:"state,omitempty"`

	// commit that holds it.
	// +optional
	// +kubebuilder:validation:Pattern=`^[0-9a-f]{40}$`
	// +kubebuilder:validation:MinLength=40
	// +kubebuilder:validation:MaxLength=40
	Commit string `json:"commit,omitempty"`

	// branch that the commit is on.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Branch string `json:"branch,omitempty"`
}
