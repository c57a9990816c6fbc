package report

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/internal/checks"
	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/evidence"
	"tradeops.dev/strategy-operator/internal/lifecycle"
)

// Limits of what is read.
const (
	maxReports     = 1000 // of checks, of the incident and its rollbacks together
	maxSignalFiles = 1000
	maxSnapshots   = 16
)

// Folder is what a report is made of.
type Folder struct {
	Prefix    string
	Snapshot  Snapshot
	Closed    bool      // there is a snapshot, so the rest is as it was when the incident was closed
	Stored    []byte    // the snapshot's file, with its seal
	reopened  time.Time // after that; zero: it was not
	incident  log
	rollbacks []log
	outcomes  map[string]outcome // by key
	samples   []sample
	files     []file
	cut       []string // what was left out, as sentences
}

// file is one that the report is made of. A problem: it is not the one that was written, and nothing of it was used.
type file struct {
	Key     string
	SHA256  string
	Bytes   int
	Problem string
}

// outcome of an attempt of a check, as stored; with a problem it is not believed.
type outcome struct {
	checks.Outcome
	Problem string
}

// Read reads the folder of an incident, which ends with a slash, and those of its rollbacks. name is the incident's.
func Read(source Source, prefix, name string) (*Folder, error) {
	folder, err := Look(source, prefix, name)
	if err != nil {
		return nil, err
	}
	return folder, folder.Read(source)
}

// Look finds the snapshot of a folder, and reads nothing else.
func Look(source Source, prefix, name string) (*Folder, error) {
	folder := &Folder{Prefix: prefix, outcomes: map[string]outcome{}}
	folder.Snapshot.Incident.Name = name
	return folder, folder.readSnapshot(source)
}

// Read reads the rest, once.
func (f *Folder) Read(source Source) error {
	for _, step := range []func(Source) error{f.readLogs, f.readReports, f.readSignals} {
		if err := step(source); err != nil {
			return err
		}
	}
	return nil
}

// readSnapshot takes the newest one whose name is its hash. An incident that was reopened has one of each closing.
func (f *Folder) readSnapshot(source Source) error {
	names, err := source.Names(f.Prefix)
	if err != nil {
		return fmt.Errorf("read the folder %s: %w", f.Prefix, err)
	}
	key := ""
	for _, name := range snapshots(names) {
		data, err := source.ReadFile(f.Prefix + name)
		if err != nil {
			return err
		}
		snapshot, err := Decode(data)
		if err != nil || snapshot.Incident.Status.ClosedTime == nil || name != evidence.SnapshotKey("", short(decisionlog.WithoutSeal(data))) {
			f.note(f.Prefix+name, data, "it is no snapshot that was stored under this name")
			continue
		}
		if !f.Closed || f.Snapshot.Incident.Status.ClosedTime.Before(snapshot.Incident.Status.ClosedTime) {
			f.Snapshot, f.Closed, f.Stored, key = snapshot, true, data, f.Prefix+name
		}
	}
	if f.Closed {
		f.note(key, f.Stored, "")
	}
	return nil
}

// snapshots are the names of a folder that may be those of snapshots, in order.
func snapshots(names []string) []string {
	var found []string
	for _, name := range slices.Sorted(slices.Values(names)) {
		if strings.HasPrefix(name, "incident-") && strings.HasSuffix(name, ".json") && len(found) < maxSnapshots {
			found = append(found, name)
		}
	}
	return found
}

func (f *Folder) readLogs(source Source) (err error) {
	of := f.Snapshot.Incident
	if f.incident, err = readLog(source, of.Name, of.UID, f.Prefix, of.Status.Log); err != nil {
		return err
	}
	if !f.Closed {
		f.rollbacks, err = findRollbacks(source, f.Prefix, of.Name)
		return err
	}
	for _, rollback := range f.Snapshot.Rollbacks {
		if rollback.Status.Log == nil {
			continue
		}
		one, err := readLog(source, rollback.Name, rollback.UID, rollback.Status.Log.Prefix, rollback.Status.Log)
		if err != nil {
			return err
		}
		f.rollbacks = append(f.rollbacks, one)
	}
	return f.readReopened(source)
}

// maxAfter is how many entries after the closing are looked through: a check that ended late, say, and the reopening.
const maxAfter = 64

func (f *Folder) readReopened(source Source) error {
	seq := int64(len(f.incident.Entries))
	for range maxAfter {
		seq++
		line, err := source.ReadFile(evidence.LogKey(f.Prefix, seq))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if one := readEntry(line, f.incident.Name, f.Snapshot.Incident.UID, seq); one.is(strategyv1.EventReopened) {
			f.reopened = one.Time
			return nil
		}
	}
	return nil
}

// judged are all judged checks of a closed incident and its rollbacks.
func (f *Folder) judged() []strategyv1.CheckStatus {
	all := slices.Clone(f.Snapshot.Incident.Status.Checks)
	for _, rollback := range f.Snapshot.Rollbacks {
		all = append(all, rollback.Status.Checks...)
	}
	return all
}

// readReports reads the outcomes of checks: those that a status names, or, of an open incident, all that are there.
func (f *Folder) readReports(source Source) error {
	wanted := map[string]string{} // hash by key
	for _, check := range f.judged() {
		if check.Report != nil {
			wanted[check.Report.Key] = check.Report.SHA256
		}
	}
	if !f.Closed {
		for _, one := range append([]log{f.incident}, f.rollbacks...) {
			names, err := source.Names(one.Prefix + "checks/")
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			for _, name := range names {
				if strings.HasSuffix(name, ".json") {
					wanted[one.Prefix+"checks/"+name] = ""
				}
			}
		}
	}
	for _, key := range f.most(sortedKeys(wanted), maxReports, "reports of checks") {
		if err := f.readReport(source, key, wanted[key]); err != nil {
			return err
		}
	}
	return nil
}

func (f *Folder) readReport(source Source, key, hash string) error {
	data, err := source.ReadFile(key)
	if errors.Is(err, fs.ErrNotExist) {
		f.missing(key)
		f.outcomes[key] = outcome{Problem: "the file is missing"}
		return nil
	}
	if err != nil {
		return err
	}
	var read outcome
	switch {
	case hash != "" && hashOf(data) != hash:
		read.Problem = "it is not the one that was judged: its hash is another one"
	case json.Unmarshal(data, &read.Outcome) != nil:
		read = outcome{Problem: "it cannot be read"}
	}
	f.note(key, data, read.Problem)
	f.outcomes[key] = read
	return nil
}

// findRollbacks are the logs of the rollbacks that say they are of an incident, in the folders of its namespace.
func findRollbacks(source Source, prefix, incident string) ([]log, error) {
	namespace, _, _ := strings.Cut(prefix, "/")
	folders, err := Folders(source, namespace)
	if err != nil {
		return nil, err
	}
	var found []log
	for _, folder := range folders {
		if folder == prefix {
			continue
		}
		line, err := source.ReadFile(evidence.LogKey(folder, 1))
		if err != nil {
			continue // an object of which nothing was logged
		}
		first := readEntry(line, "", "", 1)
		_, name, _ := strings.Cut(first.Artefacts["rollback"], "/")
		if first.Problem != "" || name == "" || first.Artefacts["incident"] != incident {
			continue
		}
		one, err := readLog(source, name, first.ObjectUID, folder, nil)
		if err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	slices.SortStableFunc(found, func(a, b log) int { return cmp.Compare(a.Entries[0].Time.Unix(), b.Entries[0].Time.Unix()) })
	return found, nil
}

// most of what there is: what is left out is said.
func (f *Folder) most(keys []string, limit int, what string) []string {
	if len(keys) <= limit {
		return keys
	}
	f.cut = append(f.cut, fmt.Sprintf("%d of %d %s were left out", len(keys)-limit, len(keys), what))
	return keys[:limit]
}

func (f *Folder) note(key string, data []byte, problem string) {
	if len(data) > maxFile {
		problem = "it is larger than anything that the operator stores"
	}
	f.files = append(f.files, file{Key: key, SHA256: hashOf(data), Bytes: len(data), Problem: problem})
}

func (f *Folder) missing(key string) {
	f.files = append(f.files, file{Key: key, Problem: "it is missing"})
}

// link is a key as seen from the incident's folder, where the report is.
func (f *Folder) link(key string) string {
	from, up := f.Prefix, ""
	for !strings.HasPrefix(key, from) {
		at := strings.LastIndex(strings.TrimSuffix(from, "/"), "/")
		from, up = from[:at+1], up+"../"
	}
	return up + key[len(from):]
}

// isDrill: the incident was an exercise.
func (f *Folder) isDrill() bool {
	if f.Closed {
		return f.Snapshot.Incident.Spec.Mode == strategyv1.IncidentDrill
	}
	return len(f.incident.Entries) > 0 && slices.Contains(f.incident.Entries[0].Tags, "drill")
}

// asObject is the incident in the form in which its rules are asked.
func (f *Folder) asObject() *strategyv1.StrategyIncident {
	of := f.Snapshot.Incident
	object := &strategyv1.StrategyIncident{Spec: of.Spec, Status: of.Status}
	object.Name, object.Namespace, object.CreationTimestamp = of.Name, of.Namespace, of.Created
	return object
}

func (f *Folder) severity() strategyv1.Severity { return lifecycle.Severity(f.asObject()) }

func (f *Folder) namespace() string {
	namespace, _, _ := strings.Cut(f.Prefix, "/")
	return namespace
}
