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
}

// decode reads a message. Fields that are not known here are no fault: each version of a sender adds some.
func decode(body []byte) (message, *answer) {
	var whole struct{ Version, Alerts, TruncatedAlerts json.RawMessage }
	if err := json.Unmarshal(body, &whole); err != nil {
		return message{}, refuse(http.StatusBadRequest, malformed, "the body is no JSON object; send Alertmanager's own webhook message")
	}
	list := bytes.TrimSpace(whole.Alerts)
	if !said(whole.Version) || !bytes.HasPrefix(list, []byte("[")) {
		return message{}, refuse(http.StatusBadRequest, malformed,
			"the body has no version or no list of alerts, so it is not Alertmanager's own message; remove `payload:` from the webhook of the receiver")
	}
	var m message
	_ = json.Unmarshal(whole.TruncatedAlerts, &m.truncated) // no number: none that anybody knows of
	m.truncated = max(0, m.truncated)
	each := json.NewDecoder(bytes.NewReader(list))
	_, _ = each.Token() // the bracket; that the rest is JSON is known
	for each.More() {
		var fields map[string]json.RawMessage
		if err := each.Decode(&fields); err != nil || fields == nil {
			m.refused++
		} else {
			m.alerts = append(m.alerts, read(fields))
		}
		if len(m.alerts)+m.refused > maxAlerts {
			return message{}, refuse(http.StatusRequestEntityTooLarge, tooLarge,
				fmt.Sprintf("the message has more than %d alerts; group them by more labels", maxAlerts))
		}
	}
	return m, nil
}

func read(fields map[string]json.RawMessage) alert {
	var a alert
	a.labels, a.annotations = a.texts("labels", fields["labels"]), a.texts("annotations", fields["annotations"])
	a.starts, a.ends = a.time("startsAt", fields["startsAt"]), a.time("endsAt", fields["endsAt"])
	a.fingerprint, _ = text(fields["fingerprint"])
	a.generatorURL, _ = text(fields["generatorURL"])
	switch status, _ := text(fields["status"]); strings.ToLower(status) {
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

// texts are labels or annotations. An empty label is none: so Prometheus has it.
func (a *alert) texts(field string, raw json.RawMessage) map[string]string {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(raw, &values); err != nil && said(raw) {
		a.doubt(field + ", which are no object")
	}
	texts, strange := map[string]string{}, 0
	for name, value := range values {
		read, fine := text(value)
		if !fine {
			strange++
		}
		if read != "" {
			texts[name] = read
		}
	}
	if strange > 0 {
		a.doubt(fmt.Sprintf("%d %s, which are no text", strange, field))
	}
	return texts
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

func said(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// text is a string, or a number or truth value as it is written. Nothing is the empty text.
func text(raw json.RawMessage) (value string, fine bool) {
	switch {
	case !said(raw):
		return "", true
	case raw[0] == '{' || raw[0] == '[':
		return "", false
	case raw[0] != '"':
		return string(raw), true
	}
	err := json.Unmarshal(raw, &value)
	return value, err == nil
}
