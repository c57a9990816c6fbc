package v1alpha1

// OwnerKind is the kind of what applies an object: of an object of Flux or Argo CD, or a tool that people run.
// +kubebuilder:validation:Enum=Kustomization;HelmRelease;ResourceSet;Application;Helm;Kubectl
type OwnerKind string

const (
	OwnerKustomization OwnerKind = "Kustomization" // of Flux
	OwnerHelmRelease   OwnerKind = "HelmRelease"   // of Flux
	OwnerResourceSet   OwnerKind = "ResourceSet"   // of the Flux Operator
	OwnerApplication   OwnerKind = "Application"   // of Argo CD
	OwnerHelm          OwnerKind = "Helm"          // a release that somebody installs and upgrades
	OwnerKubectl       OwnerKind = "Kubectl"       // a file that somebody applies
)

// OwnerSource is what it rests on that something is the owner of an object.
// +kubebuilder:validation:Enum=Metadata;FieldManager;Both
type OwnerSource string

const (
	OwnerByMetadata     OwnerSource = "Metadata"     // labels or annotations, which anybody may write who may change the object
	OwnerByFieldManager OwnerSource = "FieldManager" // a write under the field manager's name of that tool
	OwnerByBoth         OwnerSource = "Both"
)

// ConfigOwner is what else applies the ConfigMap of a configuration, as far as the ConfigMap tells. It is a claim, and no proof: labels,
// annotations and the names of field managers are chosen by whoever writes. What follows from it is what the playbook says of gitOps, and no more.
type ConfigOwner struct {
	// kind of the owner.
	// +required
	Kind OwnerKind `json:"kind,omitempty"`

	// name of the object of that kind, or of the release; absent: not said.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// namespace it is in; absent: not said.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Namespace string `json:"namespace,omitempty"`

	// restsOn says what is known of it from: labels and annotations, the field manager of a write, or both.
	// +required
	RestsOn OwnerSource `json:"restsOn,omitempty"`

	// pausedBy is the label or annotation of the ConfigMap, and its value, by which the owner leaves the ConfigMap alone; absent: it does not.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	PausedBy string `json:"pausedBy,omitempty"`

	// outcome is what the owner does to an edit that it did not make, in words.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	Outcome string `json:"outcome,omitempty"`
}
