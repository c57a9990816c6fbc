package v1alpha1

// GitOpsMode is what the operator does where a GitOps tool applies the ConfigMap of the configuration, too, and so puts its edits back.
// +kubebuilder:validation:Enum=Report;Coexist;Pause;WriteBack
type GitOpsMode string

const (
	GitOpsReport    GitOpsMode = "Report"    // says so, and writes nothing again
	GitOpsCoexist   GitOpsMode = "Coexist"   // writes the edits again, a few times, where the tool put back exactly what was there before
	GitOpsPause     GitOpsMode = "Pause"     // has the tool leave the ConfigMap alone while the edits are in it
	GitOpsWriteBack GitOpsMode = "WriteBack" // writes them again like Coexist, and commits them to the file that the tool applies
)

// GitOpsSpec is what becomes of edits where a GitOps tool owns the configuration.
// +kubebuilder:validation:XValidation:rule="has(self.writeBack) == (has(self.mode) && self.mode == 'WriteBack')",message="writeBack is for mode WriteBack, and that needs it"
type GitOpsSpec struct {
	// mode of what is done: Report tells that the edits were overwritten, and writes nothing again. Coexist writes them again, at most three times for each
	// approval, where a GitOps controller put back exactly what was there before them; whatever else is overwritten is only told. Pause sets the
	// annotation by which the tool leaves the ConfigMap alone, in the same write as the edits, and takes it off when they are undone. Default:
	// Report. WriteBack does what Coexist does, and commits the edits to the file that the tool applies, and their inverse before they are undone.
	// +optional
	// +default="Report"
	Mode GitOpsMode `json:"mode,omitempty"`

	// writeBack is the file of mode WriteBack.
	// +optional
	WriteBack *WriteBackSpec `json:"writeBack,omitempty"`
}

// PlannedGitOps is what the operator does besides the edits because of a tool that applies the ConfigMap, too. An approval covers it.
type PlannedGitOps struct {
	// mode of the playbook when it was planned. Report is not said.
	// +required
	Mode GitOpsMode `json:"mode,omitempty"`

	// pause is the annotation that is set on the ConfigMap with the edits, and its value, as key=value; absent: none is.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Pause string `json:"pause,omitempty"`

	// commitsTo is the file that the edits are committed to, with its repository and branch; absent: they are not committed.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	CommitsTo string `json:"commitsTo,omitempty"`
}
