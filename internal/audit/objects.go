package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"tradeops.dev/strategy-operator/internal/decisionlog"
	"tradeops.dev/strategy-operator/internal/evidence"
)

// Kinds of seals, as what each object is signed.
const (
	sealOutcome   = "outcome"
	sealSnapshot  = "incident"
	sealForgotten = "forgotten"
)

// Objects is what was found of evidence beside the logs.
type Objects struct {
	Findings []Finding // what is not as it was sealed or written
	Unproved []Finding // seals that were not checked, though keys were given
	Strange  []Finding // what no seal and no hash stands for
	Seals    int       // that were checked with a key
	Hashes   int       // objects that have the hash that a seal, a snapshot, an entry of a log or their own name has; one for each of these
}

// hashed are names that have the beginning of their object's SHA-256: signals, samples, proposals, configurations, diffs, reports.
var hashed = regexp.MustCompile(`^(?:signals/|samples/[0-9]{8}-[0-9]{6}-|proposal-.+-|config\.(?:before|after|[0-9]+)-|report-|[0-9]{4}-[0-9]{2}-[0-9]{2}-.+-)([0-9a-f]{12})\.(?:json|jsonl|patch|yaml|diff|html|md)$`)

var (
	outcomeName  = regexp.MustCompile(`^checks/.+-[0-9]+\.json$`)
	outputName   = regexp.MustCompile(`^checks/.+-([0-9a-f]{12})\.log$`)
	snapshotName = regexp.MustCompile(`^incident-([0-9a-f]{12})\.json$`)
)

// objects is one check of objects. A key is one of a bucket.
type objects struct {
	files  fs.FS
	secret decisionlog.Keys
	uids   map[string]string // of the objects, by folder
	proved map[string]bool   // outputs of which a seal has the hash
	report Objects
}

// CheckObjects checks every object in folders of a bucket, but the decision logs and their tree: the seals with the secret keys, if there are any,
// and each hash that a seal, a snapshot, an entry of a log or a name has. An error says that it could not be done.
func CheckObjects(files fs.FS, folders []string, secret decisionlog.Keys) (Objects, error) {
	o := &objects{files: files, secret: secret, uids: map[string]string{}, proved: map[string]bool{}}
	var outputs []string // after the outcomes that have their hashes
	for _, folder := range folders {
		err := fs.WalkDir(files, folder, func(key string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && key != "." && strings.HasPrefix(entry.Name(), "."):
				return fs.SkipDir // the store's own
			case entry.IsDir():
				return nil
			case !entry.Type().IsRegular():
				tell(&o.report.Strange, key, "it is no file")
				return nil
			}
			name := strings.TrimPrefix(key, evidence.FolderOf(key)+"/")
			if outputName.MatchString(name) {
				outputs = append(outputs, key)
				return nil
			}
			return o.check(key, evidence.FolderOf(key), name)
		})
		if err != nil {
			return Objects{}, err
		}
	}
	for _, key := range outputs {
		if !o.proved[key] {
			tell(&o.report.Strange, key, "no outcome beside it that is as it was sealed has its hash")
		}
	}
	return o.report, nil
}

func (o *objects) check(key, folder, name string) error {
	parts := strings.Split(key, "/")
	switch {
	case len(parts) > 2 && parts[1] == "tree":
		return nil // log verify
	case strings.HasPrefix(name, logFolder+"/"):
		return o.entry(key)
	case outcomeName.MatchString(name):
		return o.outcome(key, folder)
	case snapshotName.MatchString(name):
		return o.snapshot(key, folder, snapshotName.FindStringSubmatch(name)[1])
	case len(parts) == 3 && parts[1] == sealForgotten:
		return o.forgotten(key)
	case hashed.MatchString(name):
		return o.named(key, hashed.FindStringSubmatch(name)[1])
	}
	tell(&o.report.Strange, key, "the operator stores no object of this name")
	return nil
}

// entry checks what an entry of a log rests on; the entry itself is checked by log verify.
func (o *objects) entry(key string) error {
	line, err := read(o.files, key)
	if err != nil {
		return err
	}
	var said struct {
		Artefacts struct {
			Evidence string `json:"evidence"`
			SHA256   string `json:"evidence_sha256"`
		} `json:"artefacts"`
	}
	_ = json.Unmarshal(line, &said)                        // what cannot be read, log verify tells
	if evidence.CheckKey(said.Artefacts.Evidence) != nil { // most entries name none
		return nil //nolint:nilerr // it is no name of an object
	}
	return o.has(said.Artefacts.Evidence, said.Artefacts.SHA256, key)
}

// outcome checks the seal of what came of a check, and its output.
func (o *objects) outcome(key, folder string) error {
	data, err := read(o.files, key)
	if err != nil {
		return err
	}
	var said struct {
		Stage   string `json:"stage"`
		Check   string `json:"check"`
		Attempt int32  `json:"attempt"`
		Output  string `json:"outputSHA256"`
	}
	if err := json.Unmarshal(data, &said); err != nil {
		o.find(key, "it cannot be read: %v", err)
		return nil
	}
	if evidence.ReportKey(folder+"/", said.Stage, said.Check, said.Attempt) != key {
		o.find(key, "it says that it is attempt %d of check %.80q at %.40q: it was moved", said.Attempt, said.Check, said.Stage)
		return nil
	}
	of := decisionlog.Sealed{Kind: sealOutcome, ObjectUID: o.uid(folder), Stage: said.Stage, Check: said.Check, Attempt: said.Attempt}
	if !o.sealed(key, data, of) || len(said.Output) != hex.EncodedLen(sha256.Size) {
		return nil
	}
	output := evidence.OutputKey(folder+"/", said.Stage, said.Check, said.Attempt, said.Output[:12])
	o.proved[output] = true
	return o.has(output, said.Output, key)
}

// snapshot checks the seal of a snapshot, its name, and the reports of checks of which it has the hash.
func (o *objects) snapshot(key, folder, short string) error {
	data, err := read(o.files, key)
	if err != nil {
		return err
	}
	if hash := sum(decisionlog.WithoutSeal(data)); !strings.HasPrefix(hash, short) {
		o.find(key, "it is another one than its name says: its SHA-256 begins with %s", hash[:12])
		return nil
	}
	o.report.Hashes++
	if !o.sealed(key, data, decisionlog.Sealed{Kind: sealSnapshot, ObjectUID: o.uid(folder)}) {
		return nil
	}
	type status struct {
		Status struct {
			Checks []struct {
				Report *struct {
					Key    string `json:"key"`
					SHA256 string `json:"sha256"`
				} `json:"report"`
			} `json:"checks"`
		} `json:"status"`
	}
	var said struct {
		Incident  status   `json:"incident"`
		Rollbacks []status `json:"rollbacks"`
	}
	if err := json.Unmarshal(data, &said); err != nil {
		o.find(key, "it cannot be read: %v", err)
		return nil
	}
	for _, one := range append(said.Rollbacks, said.Incident) {
		for _, check := range one.Status.Checks {
			if check.Report == nil || evidence.CheckKey(check.Report.Key) != nil {
				continue
			}
			if err := o.has(check.Report.Key, check.Report.SHA256, key); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o *objects) forgotten(key string) error {
	data, err := read(o.files, key)
	if err != nil {
		return err
	}
	var said struct {
		UID string `json:"uid"`
	}
	if err := json.Unmarshal(data, &said); err != nil {
		o.find(key, "it cannot be read: %v", err)
		return nil
	}
	if hash := sum(decisionlog.WithoutSeal(data)); !strings.HasSuffix(key, "-"+hash[:12]+".json") {
		o.find(key, "it is another one than its name says: its SHA-256 begins with %s", hash[:12])
		return nil
	}
	o.report.Hashes++
	o.sealed(key, data, decisionlog.Sealed{Kind: sealForgotten, ObjectUID: said.UID})
	return nil
}

// named checks an object against the hash in its name.
func (o *objects) named(key, short string) error {
	data, err := read(o.files, key)
	if err != nil {
		return err
	}
	if hash := sum(data); !strings.HasPrefix(hash, short) {
		o.find(key, "it is another one than its name says: its SHA-256 begins with %s", hash[:12])
		return nil
	}
	o.report.Hashes++
	return nil
}

// has checks an object against the hash that another one has of it.
func (o *objects) has(key, hash, says string) error {
	data, err := read(o.files, key)
	if errors.Is(err, fs.ErrNotExist) {
		o.find(key, "it is missing: %s has its hash", says)
		return nil
	}
	if err != nil {
		return err
	}
	if sum(data) != hash {
		o.find(key, "it is not the one of which %s has the hash", says)
		return nil
	}
	o.report.Hashes++
	return nil
}

// sealed says whether an object may be believed: sealed as what it should be, or without a key at least not known to be otherwise.
func (o *objects) sealed(key string, data []byte, of decisionlog.Sealed) bool {
	if o.secret == nil {
		return true
	}
	if of.ObjectUID == "" {
		tell(&o.report.Unproved, key, "no entry %s says which object it is of", evidence.LogKey("", 1))
		return true
	}
	_, err := decisionlog.Unseal(data, of, o.secret)
	switch {
	case errors.Is(err, decisionlog.ErrUnknownKey):
		tell(&o.report.Unproved, key, "%v", err)
		return true
	case err != nil:
		o.find(key, "%v", err)
		return false
	}
	o.report.Seals++
	return true
}

// uid is that of the object of a folder, as the first entry of its log says, whose signature is checked with the log. Another one fits no seal.
func (o *objects) uid(folder string) string {
	if uid, known := o.uids[folder]; known {
		return uid
	}
	uid := ""
	if line, err := read(o.files, evidence.LogKey(folder+"/", 1)); err == nil {
		identity, _ := decisionlog.Read(line) // what cannot be read says nothing
		if strings.HasSuffix(path.Base(folder), fmt.Sprintf("-%.8s", identity.ObjectUID)) {
			uid = identity.ObjectUID
		}
	}
	o.uids[folder] = uid
	return uid
}

func (o *objects) find(where, format string, args ...any) {
	tell(&o.report.Findings, where, format, args...)
}

func tell(to *[]Finding, where, format string, args ...any) {
	if len(*to) < maxFindings {
		*to = append(*to, Finding{where, fmt.Sprintf(format, args...)})
	}
}

func sum(data []byte) string {
	hash := sha256.Sum256(data)
	return hex.EncodeToString(hash[:])
}
