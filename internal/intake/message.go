package intake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
)

const (
	// maxBody is how large a message may be, in bytes.
	maxBody = 4 << 20
	// maxAlerts is how many alerts a message may have: 4 MiB of empty ones would be a million objects in memory.
	maxAlerts = 10_000
	// maxTexts is how many labels or annotations of an alert are looked at: a map of all that 4 MiB can have takes a hundred.
	maxTexts = 1000
)

// message is what a sender said, as far as it could be read.
type message struct {
	alerts    []alert
	refused   int   // alerts of which nothing at all can be made
	truncated int64 // alerts that the sender left out, as it says
}

// alert is one of them.
type alert struct {
	labels, annotations       map[string]string
	state                     strategyv1.AlertState
	starts, ends              time.Time // zero: not said
	fingerprint, generatorURL string
	doubts                    []string // what was said and could not be read
	more                      []byte   // the labels as they came, where there are more than are looked at
}

// decode reads a message. Fields that are not known here are no fault: each version of a sender adds some.
func decode(body []byte) (message, *answer) {
	var whole struct{ Version, Alerts, TruncatedAlerts json.RawMessage }
	if err := json.Unmarshal(body, &whole); err != nil {
		return message{}, refuse(http.StatusBadRequest, malformed, "the body is no JSON object; send Alertmanager's own webhook message")
	}
	list := bytes.TrimSpace(whole.Alerts)
	if isNull(whole.Version) || !bytes.HasPrefix(list, []byte("[")) {
		return message{}, refuse(http.StatusBadRequest, malformed,
			"the body has no version or no list of alerts, so it is not Alertmanager's own message; remove `payload:` from the webhook of the receiver")
	}
	var m message
	_ = json.Unmarshal(whole.TruncatedAlerts, &m.truncated) // no number: none that anybody knows of
	m.truncated = max(0, m.truncated)
	each := json.NewDecoder(bytes.NewReader(list))
	_, _ = each.Token() // the bracket; that the rest is JSON is known
	for each.More() {
		var fields *said
		if err := each.Decode(&fields); err != nil || fields == nil {
			m.refused++
		} else {
			m.alerts = append(m.alerts, fields.read())
		}
		if len(m.alerts)+m.refused > maxAlerts {
			return message{}, refuse(http.StatusRequestEntityTooLarge, tooLarge,
				fmt.Sprintf("the message has more than %d alerts; group them by more labels", maxAlerts))
		}
	}
	return m, nil
}

// said is an alert as it came; each field may be anything.
type said struct{ Status, Labels, Annotations, StartsAt, EndsAt, GeneratorURL, Fingerprint json.RawMessage }

func (s *said) read() alert {
	var a alert
	var more bool
	if a.labels, more = a.texts("labels", s.Labels); more {
		a.more = s.Labels
	}
	a.annotations, _ = a.texts("annotations", s.Annotations)
	a.starts, a.ends = a.time("startsAt", s.StartsAt), a.time("endsAt", s.EndsAt)
	a.fingerprint, _ = text(s.Fingerprint)
	a.generatorURL, _ = text(s.GeneratorURL)
	switch status, _ := text(s.Status); strings.ToLower(status) {
	case "firing":
		a.state = strategyv1.AlertFiring
	case "resolved":
		a.state = strategyv1.AlertResolved
	default: // somebody is to look at it
		a.state = strategyv1.AlertFiring
		a.doubt("status, which is neither firing nor resolved")
	}
	if a.state == strategyv1.AlertResolved && !a.ends.IsZero() && a.ends.Before(a.starts) {
		a.ends = time.Time{}
		a.doubt("endsAt, which is before startsAt")
	}
	return a
}

func (a *alert) doubt(what string) { a.doubts = append(a.doubts, what) }

// texts are labels or annotations; more: there are more than are looked at. An empty label is none: so Prometheus has it.
func (a *alert) texts(field string, raw json.RawMessage) (texts map[string]string, more bool) {
	texts = map[string]string{}
	if isNull(raw) {
		return texts, false
	}
	if raw[0] != '{' {
		a.doubt(field + ", which are no object")
		return texts, false
	}
	each := json.NewDecoder(bytes.NewReader(raw))
	_, _ = each.Token() // the brace; that the rest is JSON is known
	strange, looked := 0, 0
	for ; each.More() && looked < maxTexts; looked++ {
		name, _ := each.Token()
		var value json.RawMessage
		_ = each.Decode(&value)
		read, fine := text(value)
		if !fine {
			strange++
		}
		if key, _ := name.(string); read != "" {
			texts[key] = read
		}
	}
	if strange > 0 {
		a.doubt(fmt.Sprintf("%d %s, which are no text", strange, field))
	}
	if more = each.More(); more {
		a.doubt(fmt.Sprintf("%s beyond the first %d", field, maxTexts))
	}
	return texts, more
}

// oldest is when a time begins to mean something. 0001-01-01 is how Go writes that there is none.
var oldest = time.Unix(0, 0)

// time is zero where none is said. The API keeps whole seconds.
func (a *alert) time(field string, raw json.RawMessage) time.Time {
	value, _ := text(raw)
	if value == "" {
		return time.Time{}
	}
	parsed, err := time.Parse(time.RFC3339Nano, value)
	if err != nil {
		a.doubt(field + ", which is no time")
		return time.Time{}
	}
	if !parsed.After(oldest) {
		return time.Time{}
	}
	return parsed.UTC().Truncate(time.Second)
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// text is a string, or a number or truth value as it is written. Nothing is the empty text.
func text(raw json.RawMessage) (value string, fine bool) {
	switch {
	case isNull(raw):
		return "", true
	case raw[0] == '{' || raw[0] == '[':
		return "", false
	case raw[0] != '"':
		return string(raw), true
	}
	err := json.Unmarshal(raw, &value)
	return value, err == nil
}
