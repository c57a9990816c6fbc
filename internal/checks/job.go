package checks

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

// Run is one attempt of one check, before it is a Job.
type Run struct {
	Namespace string
	Owner     metav1.OwnerReference // the incident or rollback, as controller
	Stage     strategyv1.Stage
	Check     strategyv1.CheckSpec
	Use       strategyv1.CheckUse
	Attempt   int32
	Template  corev1.PodTemplateSpec
	Context   Context
}

// Context is what a Job is told about the incident, as environment variables.
type Context struct {
	Incident, Type, Severity, Schedule, Strategy, Scheduler, Environment string
}

// JobName is the same for the same attempt of the same check of the same object, whoever asks and whenever: a second
// Job for one attempt cannot be created.
func JobName(ownerUID string, stage strategyv1.Stage, check string, attempt int32) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%s/%s/%d", ownerUID, stage, check, attempt))
	return fmt.Sprintf("%.40s-%s", strings.ToLower(string(stage))+"-"+check, hex.EncodeToString(sum[:5]))
}

// Job builds the Job of a run. The playbook's PodTemplate decides what runs and as whom; the operator only sets the
// command, the environment, the running-time limit and, where the template is silent, the restricted security context.
//
// The limit is on the pod: a limit on the Job would delete the pod, and with it the report.
func Job(run Run) *batchv1.Job {
	labels := map[string]string{
		strategyv1.LabelOwnerUID: string(run.Owner.UID),
		strategyv1.LabelStage:    string(run.Stage),
		strategyv1.LabelCheck:    run.Check.Name,
		strategyv1.LabelAttempt:  strconv.Itoa(int(run.Attempt)),
	}
	template := run.Template.DeepCopy()
	if template.Labels == nil {
		template.Labels = map[string]string{}
	}
	for k, v := range labels {
		template.Labels[k] = v
	}
	restrict(&template.Spec)
	template.Spec.RestartPolicy = corev1.RestartPolicyNever
	template.Spec.ActiveDeadlineSeconds = new(int64(run.Check.TimeoutSeconds))
	asked := request{Severity: run.Context.Severity}
	if len(template.Spec.Containers) > 0 {
		asked.Container = template.Spec.Containers[0].Name
		container := &template.Spec.Containers[0]
		container.Command = run.Check.Command
		container.Args = nil
		container.Env = environment(container.Env, run)
		if run.Check.ReportFrom == strategyv1.ReportFromTerminationMessage { // a template may say that the end of the log will do
			container.TerminationMessagePolicy = corev1.TerminationMessageReadFile
		}
	}
	job := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:       run.Namespace,
			Name:            JobName(string(run.Owner.UID), run.Stage, run.Check.Name, run.Attempt),
			Labels:          labels,
			OwnerReferences: []metav1.OwnerReference{run.Owner},
		},
		Spec: batchv1.JobSpec{
			BackoffLimit: new(int32(0)),
			Template:     *template,
		},
	}
	asked.Pod = template.Spec
	witness(job, asked)
	return job
}

// environment merges by name; later sources win, and nobody overrides the operator's own.
func environment(base []corev1.EnvVar, run Run) []corev1.EnvVar {
	merged := append([]corev1.EnvVar(nil), base...)
	set := func(variable corev1.EnvVar) {
		merged = slices.DeleteFunc(merged, func(earlier corev1.EnvVar) bool { return earlier.Name == variable.Name })
		merged = append(merged, variable)
	}
	for _, source := range [][]strategyv1.EnvVar{run.Check.Env, run.Use.Env} {
		for _, variable := range source {
			value := ""
			if variable.Value != nil {
				value = *variable.Value
			}
			set(corev1.EnvVar{Name: variable.Name, Value: value})
		}
	}
	for _, variable := range []corev1.EnvVar{
		{Name: "INCIDENT", Value: run.Context.Incident},
		{Name: "TYPE", Value: run.Context.Type},
		{Name: "SEVERITY", Value: run.Context.Severity},
		{Name: "SCHEDULE", Value: run.Context.Schedule},
		{Name: "STRATEGY", Value: run.Context.Strategy},
		{Name: "SCHEDULER", Value: run.Context.Scheduler},
		{Name: "ENVIRONMENT", Value: run.Context.Environment},
		{Name: "STAGE", Value: string(run.Stage)},
		{Name: "CHECK", Value: run.Check.Name},
		{Name: "ATTEMPT", Value: strconv.Itoa(int(run.Attempt))},
	} {
		variable.Value = literally(variable.Value)
		set(variable)
	}
	return merged
}

// literally is a value that Kubernetes hands on as it is, without putting other variables in for $(NAME): an incident's words come from others
// than the playbook's.
func literally(value string) string { return strings.ReplaceAll(value, "$", "$$") }

// restrict fills in the restricted Pod Security standard where the template says nothing. A Job needs no token.
func restrict(spec *corev1.PodSpec) {
	if spec.AutomountServiceAccountToken == nil {
		spec.AutomountServiceAccountToken = new(false)
	}
	if spec.SecurityContext == nil {
		spec.SecurityContext = &corev1.PodSecurityContext{}
	}
	if spec.SecurityContext.RunAsNonRoot == nil {
		spec.SecurityContext.RunAsNonRoot = new(true)
	}
	if spec.SecurityContext.SeccompProfile == nil {
		spec.SecurityContext.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
	}
	for _, containers := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range containers {
			restrictContainer(&containers[i])
		}
	}
}

func restrictContainer(container *corev1.Container) {
	if container.SecurityContext == nil {
		container.SecurityContext = &corev1.SecurityContext{}
	}
	security := container.SecurityContext
	if security.AllowPrivilegeEscalation == nil {
		security.AllowPrivilegeEscalation = new(false)
	}
	if security.Capabilities == nil {
		security.Capabilities = &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}
	}
}
