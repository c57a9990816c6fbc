package apiserver

import (
	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// malformed refuses names, labels, annotations, owners and finalizers that no API server takes, by its own code. Of a Job that goes for the labels
// of its pods, too, one of which is its name: so a Job cannot have the longer name that other kinds can.
func malformed(kind *kind, object client.Object) error {
	wrong := validation.ValidateObjectMetaAccessor(object, true, validation.NameIsDNSSubdomain, field.NewPath("metadata"))
	if job, ok := object.(*batchv1.Job); ok {
		wrong = append(wrong, metav1validation.ValidateLabels(job.Spec.Template.Labels, field.NewPath("spec", "template", "metadata", "labels"))...)
	}
	if len(wrong) == 0 {
		return nil
	}
	return kind.invalid(object.GetName(), wrong)
}
