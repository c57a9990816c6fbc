//go:build e2e

package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/decisionlog"
)

// bucket is where the operator's volume keeps its evidence, on this machine.
const bucket = localVolume + "/evidence"

func (s *story) recorded(object client.Object) (*strategyv1.LogStatus, []strategyv1.CheckStatus, []strategyv1.TimelineEntry) {
	switch o := object.(type) {
	case *strategyv1.StrategyIncident:
		return o.Status.Log, o.Status.Checks, o.Status.Timeline
	case *strategyv1.StrategyRollback:
		return o.Status.Log, o.Status.Checks, o.Status.Timeline
	}
	s.Fatalf("%T has no record", object)
	return nil, nil, nil
}

// logHolds verifies the decision log of an object that has ended: signatures, chain, and the head in the status. It returns
// the events in order.
func (s *story) logHolds(object client.Object) []string {
	s.Helper()
	if !local {
		s.Log("the evidence bucket is not on this machine: the decision log is not verified")
		return nil
	}
	var lines [][]byte
	s.eventually("the decision log of "+nameOf(object), 20*time.Second, func(ctx context.Context) error {
		if err := s.refresh(ctx, object); err != nil {
			return err
		}
		log, _, timeline := s.recorded(object)
		if log == nil || log.Entries == nil {
			return fmt.Errorf("the status has no log")
		}
		lines = readLog(log.Prefix)
		if int64(len(lines)) != *log.Entries || timeline[len(timeline)-1].Seq != *log.Entries {
			return fmt.Errorf("the bucket has %d entries, the status says %d, the timeline ends with %d",
				len(lines), *log.Entries, timeline[len(timeline)-1].Seq)
		}
		return nil
	})
	head, err := decisionlog.VerifyChain(lines, s.keys())
	if err != nil {
		s.Errorf("the decision log of %s does not hold: %v", nameOf(object), err)
	}
	log, _, timeline := s.recorded(object)
	if head != log.Head {
		s.Errorf("the head of the log of %s is %s, the status says %s", nameOf(object), head, log.Head)
	}
	var events []string
	for i, line := range lines {
		var entry struct {
			Event string `json:"event"`
		}
		s.must(json.Unmarshal(line, &entry))
		events = append(events, entry.Event)
		if i < len(timeline) && int64(i+1) == timeline[i].Seq && string(timeline[i].Event) != entry.Event {
			s.Errorf("entry %d is %s in the log and %s in the timeline", i+1, entry.Event, timeline[i].Event)
		}
	}
	return events
}

// logVerifies is logHolds for an object that has not ended: the head in its status may be one write behind.
func (s *story) logVerifies(object client.Object) {
	s.Helper()
	if !local {
		return
	}
	log, _, timeline := s.recorded(object)
	last := timeline[len(timeline)-1].Seq
	s.eventually("the decision log has all entries of the timeline", 10*time.Second, func(context.Context) error {
		if n := len(readLog(log.Prefix)); int64(n) != last {
			return fmt.Errorf("the bucket has %d entries, the timeline ends with %d", n, last)
		}
		return nil
	})
	if _, err := decisionlog.VerifyChain(readLog(log.Prefix), s.keys()); err != nil {
		s.Errorf("the decision log of %s does not hold: %v", nameOf(object), err)
	}
}

// readLog reads entry by entry until there is none.
func readLog(prefix string) (lines [][]byte) {
	for {
		line, err := os.ReadFile(filepath.Join(bucket, prefix, "log", fmt.Sprintf("%06d.json", len(lines)+1)))
		if err != nil {
			return lines
		}
		lines = append(lines, line)
	}
}

func (s *story) keys() decisionlog.Keys {
	s.Helper()
	var secret corev1.Secret
	s.must(admin.Get(s.ctx, s.signingKey(), &secret))
	key, err := decisionlog.NewKey(string(secret.Data["key-id"]), secret.Data["hmac-key"])
	s.must(err)
	return decisionlog.Keys{key}
}

// evidenceHolds: every judged check has its report and its output in the bucket, with the hashes that the status and the
// report name, and its Job was deleted only after that.
func (s *story) evidenceHolds(object client.Object) {
	s.Helper()
	s.eventually("the Jobs of "+nameOf(object)+" are deleted", 30*time.Second, func(context.Context) error {
		for _, j := range s.seen.jobsOf(object) {
			if j.deleted.IsZero() {
				return fmt.Errorf("Job %s is still there", j.name)
			}
		}
		return nil
	})
	deleted := map[string]time.Time{}
	for _, j := range s.seen.jobsOf(object) {
		deleted[j.name] = j.deleted
	}
	_, judged, _ := s.recorded(object)
	for _, check := range judged {
		what := fmt.Sprintf("%s %s %d", check.Stage, check.Name, check.Attempt)
		if _, ran := deleted[check.JobName]; !ran {
			s.Errorf("%s: Job %q was never seen", what, check.JobName)
		}
		if check.Report == nil {
			s.Errorf("%s has no report", what)
			continue
		}
		if local {
			s.stored(what, check, deleted[check.JobName])
		}
	}
	if !local {
		s.Log("the evidence bucket is not on this machine: reports are not verified")
	}
}

func (s *story) stored(what string, check strategyv1.CheckStatus, deleted time.Time) {
	s.Helper()
	path := filepath.Join(bucket, check.Report.Key)
	report, err := os.ReadFile(path)
	if err != nil {
		s.Errorf("%s: %v", what, err)
		return
	}
	if sum := hashOf(report); sum != check.Report.SHA256 || int64(len(report)) != *check.Report.Bytes {
		s.Errorf("%s: the report is not the one in the status: %s, %d bytes", what, sum, len(report))
	}
	if file, err := os.Stat(path); err != nil || file.ModTime().After(deleted) {
		s.Errorf("%s: its Job was deleted before its report was stored", what)
	}
	var outcome checks.Outcome
	if err := json.Unmarshal(report, &outcome); err != nil {
		s.Errorf("%s: %v", what, err)
	}
	if outcome.ExitCode == nil { // it never ran, so there is no output
		return
	}
	output, err := os.ReadFile(strings.TrimSuffix(path, ".json") + "-" + outcome.OutputSHA256[:12] + ".log")
	if err != nil || hashOf(output) != outcome.OutputSHA256 || len(output) != outcome.OutputBytes {
		s.Errorf("%s: the output is not the one that its report names: %v", what, err)
	}
	if len(output) > checks.MaxOutputBytes {
		s.Errorf("%s: %d bytes of output are kept", what, len(output))
	}
}

// events waits until the object has events with these reasons.
func (s *story) events(object client.Object, reasons ...string) {
	s.Helper()
	s.eventually("the events of "+nameOf(object), 15*time.Second, func(ctx context.Context) error {
		var list eventsv1.EventList
		if err := admin.List(ctx, &list, client.InNamespace(s.namespace)); err != nil {
			return err
		}
		found := map[string]bool{}
		for _, event := range list.Items {
			if event.Regarding.UID == object.GetUID() {
				found[event.Reason] = true
			}
		}
		for _, reason := range reasons {
			if !found[reason] {
				return fmt.Errorf("there is none with reason %s; there are %v", reason, found)
			}
		}
		return nil
	})
}

// noSecret: the signing key stands nowhere but in its Secret.
func (s *story) noSecret(objects ...client.Object) {
	s.Helper()
	secret := s.keys()[0].Secret
	forbidden := []string{gitPassword, string(secret), base64.StdEncoding.EncodeToString(secret), hex.EncodeToString(secret)}
	if raw, err := base64.StdEncoding.DecodeString(string(secret)); err == nil {
		forbidden = append(forbidden, string(raw), hex.EncodeToString(raw))
	}
	places := map[string]string{"the operator's log": operatorLogs(s.ctx)}
	var events eventsv1.EventList
	s.must(admin.List(s.ctx, &events, client.InNamespace(s.namespace)))
	places["the events"] = encoded(events.Items)
	for _, object := range objects {
		places[nameOf(object)] = encoded(object)
		if log, _, _ := s.recorded(object); local && log != nil {
			s.must(filepath.WalkDir(filepath.Join(bucket, log.Prefix), func(path string, entry os.DirEntry, err error) error {
				if err != nil || entry.IsDir() {
					return err
				}
				data, err := os.ReadFile(path)
				places[path] = string(data)
				return err
			}))
		}
	}
	if len(places["the operator's log"]) == 0 {
		s.Error("the operator's log is empty: nothing was looked at")
	}
	for place, text := range places {
		for _, word := range forbidden {
			if strings.Contains(text, word) {
				s.Errorf("the signing key stands in %s", place)
			}
		}
	}
}

func encoded(object any) string {
	data, err := json.Marshal(object)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
