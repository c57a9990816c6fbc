package rollback

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"tradeops.dev/strategy-operator/internal/bounded"
	"tradeops.dev/strategy-operator/internal/record"
)

// startedSince says what of the scheduler started since the change came into effect, or will; empty: the same pods and containers run. They
// are known by what they are, not by when they came: that is told by the clocks of the API server and of nodes, which may be hours off.
func (p *plan) startedSince() string {
	pods := trading(p.pods())
	if p.unseenPods != nil || p.needs&NeedPods != 0 {
		return ""
	}
	if len(pods) == 0 {
		return "no pod of it is left"
	}
	if p.next.Proof != nil && p.next.Proof.Pods == started(pods) {
		return ""
	}
	names := make([]string, len(pods))
	for i := range pods {
		names[i] = pods[i].Name
	}
	return "it runs in other pods or containers (" + bounded.Line(strings.Join(names, ", "), 200) + ")"
}

// trading are the pods that run and go on running, in the order of their UIDs.
func trading(pods []corev1.Pod) (running []corev1.Pod) {
	for _, pod := range pods {
		if pod.DeletionTimestamp == nil && pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed {
			running = append(running, pod)
		}
	}
	slices.SortFunc(running, func(a, b corev1.Pod) int { return strings.Compare(string(a.UID), string(b.UID)) })
	return running
}

// started is a hash that is another one as soon as a pod, or a container in one, was started again. A time in it is only compared with
// itself.
func started(pods []corev1.Pod) string {
	var text strings.Builder
	for _, pod := range pods {
		fmt.Fprintf(&text, "pod %q\n", pod.UID)
		for _, container := range pod.Status.ContainerStatuses {
			fmt.Fprintf(&text, "container %q %d %q", container.Name, container.RestartCount, container.ContainerID)
			if running := container.State.Running; running != nil {
				fmt.Fprintf(&text, " %d", running.StartedAt.Unix())
			}
			text.WriteString("\n")
		}
	}
	return record.Hash(text.String())
}
