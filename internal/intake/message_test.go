package intake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	kruntime "k8s.io/apimachinery/pkg/runtime"

	strategyv1 "tradeops.dev/strategy-operator/api/v1alpha1"
	"tradeops.dev/strategy-operator/config/crd"
	"tradeops.dev/strategy-operator/internal/schema"
)

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func at(clock string) time.Time {
	parsed, err := time.Parse("15:04:05", clock)
	if err != nil {
		panic(err)
	}
	return noon.Truncate(24 * time.Hour).Add(time.Duration(parsed.Hour())*time.Hour + time.Duration(parsed.Minute())*time.Minute + time.Duration(parsed.Second())*time.Second)
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// kept is what of an alert a test looks at.
type kept struct {
	Alertname, State, Starts, Ends, LeftOut string
	Labels, Annotations                     int
}

func shortly(h heard) kept {
	clock := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.Format(time.RFC3339Nano)
	}
	return kept{string(h.labels["alertname"]), string(h.state), clock(h.starts), clock(h.ends), h.leftOut, len(h.labels), len(h.annotations)}
}

func TestMessages(t *testing.T) {
	for name, c := range map[string]struct {
		alerts    []kept
		refused   int
		truncated int64
	}{
		"alertmanager.json": {alerts: []kept{
			{"MultiStrategyPnlDrawdown", "Firing", "2026-11-28T10:00:05Z", "", "", 4, 2},
			{"ScheduleSilent", "Resolved", "2026-11-28T08:40:00Z", "2026-11-28T08:58:00Z", "", 3, 0},
		}},
		"newer.json":   {alerts: []kept{{"Watchdog", "Firing", "2026-11-28T08:00:00Z", "", "", 1, 1}}, truncated: 12},
		"grafana.json": {alerts: []kept{{"Fill ratio low", "Firing", "2026-11-28T10:30:00Z", "", "", 3, 1}}},
		"strange.json": {alerts: []kept{
			{"unnamed", "Firing", "", "", "it came without labels; status, which is neither firing nor resolved", 1, 0},
			{"NoTimes", "Firing", "", "", "status, which is neither firing nor resolved", 1, 0},
			{"Unknown", "Firing", "", "", "annotations, which are no object; startsAt, which is no time; status, which is neither firing nor resolved", 1, 0},
			{"Backwards", "Resolved", "2026-11-28T10:00:00Z", "", "endsAt, which is before startsAt", 1, 0},
			{"Typed", "Firing", "", "", "1 labels, which are no text; startsAt, which is no time", 3, 0},
			{"Escape\uFFFD[31m \uFFFD red", "Firing", "2026-11-28T10:00:00Z", "", "", 1, 1},
		}, refused: 3},
	} {
		t.Run(name, func(t *testing.T) {
			m, problem := decode(fixture(t, name))
			if problem != nil {
				t.Fatal(problem.words)
			}
			var all []kept
			for _, one := range m.alerts {
				all = append(all, shortly(fit(one, "sender")))
			}
			if diff := cmp.Diff(c.alerts, all); diff != "" {
				t.Error(diff)
			}
			if m.refused != c.refused || m.truncated != c.truncated {
				t.Errorf("%d refused, %d truncated", m.refused, m.truncated)
			}
		})
	}
}

func TestWhatIsNoMessage(t *testing.T) {
	many := `{"version":"4","alerts":[` + strings.Repeat(`{},`, maxAlerts) + `{}]}`
	for name, c := range map[string]struct {
		body  string
		code  int
		words string
	}{
		"a payload of one's own": {string(fixture(t, "payload.json")), http.StatusBadRequest, "remove `payload:`"},
		"no list of alerts":      {`{"version":"4","alerts":{}}`, http.StatusBadRequest, "remove `payload:`"},
		"no version":             {`{"alerts":[]}`, http.StatusBadRequest, "remove `payload:`"},
		"a version that is null": {`{"version":null,"alerts":[]}`, http.StatusBadRequest, "remove `payload:`"},
		"a list":                 {`[]`, http.StatusBadRequest, "no JSON object"},
		"nothing":                {``, http.StatusBadRequest, "no JSON object"},
		"cut off":                {`{"version":"4","alerts":[{"labels":`, http.StatusBadRequest, "no JSON object"},
		"a form":                 {`a=b`, http.StatusBadRequest, "no JSON object"},
		"a depth without end":    {strings.Repeat(`[`, 100_000), http.StatusBadRequest, "no JSON object"},
		"too many alerts":        {many, http.StatusRequestEntityTooLarge, "more than 10000 alerts"},
	} {
		t.Run(name, func(t *testing.T) {
			_, problem := decode([]byte(c.body))
			if problem == nil || problem.code != c.code || !strings.Contains(problem.words, c.words) {
				t.Errorf("%+v", problem)
			}
		})
	}
	if _, problem := decode([]byte(`{"version":"4","alerts":[]}`)); problem != nil {
		t.Errorf("a message without alerts: %s", problem.words)
	}
}

// alertSchema is what the API server checks.
var alertSchema = sync.OnceValues(func() (*schema.Schema, error) { return schema.New(crd.Alert) })

// failing is a test, or one case of a property.
type failing interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// storable fails a test if the API server would refuse an alert, in the place of another one or as a new one.
func storable(t failing, spec, before *strategyv1.StrategyAlertSpec) {
	t.Helper()
	form, err := alertSchema()
	if err != nil {
		t.Fatal(err)
	}
	object := func(spec *strategyv1.StrategyAlertSpec) map[string]any {
		if spec == nil {
			return nil
		}
		text, err := json.Marshal(&strategyv1.StrategyAlert{Spec: *spec})
		if err != nil {
			t.Fatal(err)
		}
		var read map[string]any
		if err := json.Unmarshal(text, &read); err != nil {
			t.Fatal(err)
		}
		return normal(read).(map[string]any)
	}
	now := object(spec)
	if unknown := form.Complete(now); len(unknown) > 0 {
		t.Fatalf("unknown: %v", unknown)
	}
	if refused := form.Refuses(now, object(before)); len(refused) > 0 {
		t.Fatalf("refused: %v\n%+v", refused, spec)
	}
}

// normal has whole numbers as the API server has them.
func normal(value any) any {
	switch typed := value.(type) {
	case map[string]any:
		for key, inside := range typed {
			typed[key] = normal(inside)
		}
	case []any:
		for i, inside := range typed {
			typed[i] = normal(inside)
		}
	case float64:
		return int64(typed)
	}
	return kruntime.DeepCopyJSONValue(value)
}

// Whatever comes, nothing panics, and what is stored is what the API server takes.
func FuzzMessage(f *testing.F) {
	for _, name := range []string{"alertmanager.json", "newer.json", "grafana.json", "payload.json", "strange.json"} {
		f.Add(fixture(f, name))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		m, problem := decode(body)
		if problem != nil {
			return
		}
		for _, one := range m.alerts[:min(len(m.alerts), 8)] {
			h := fit(one, "sender")
			if again := fit(one, "sender"); !cmp.Equal(h, again, cmp.AllowUnexported(heard{})) {
				t.Fatalf("it is another one the second time: %+v, %+v", h, again)
			}
			first, _ := merge(nil, h, noon)
			storable(t, &first, nil)
			second, _ := merge(&first, h, noon.Add(time.Hour))
			storable(t, &second, &first)
		}
	})
}

// A message that a sender made as bad as it can costs a bounded number of times its size, or six of them would be the operator's memory.
func TestABadMessageCostsLittle(t *testing.T) {
	const most = 30 * maxBody // most of it is garbage at once
	many := func(format string, n int) string {
		var b strings.Builder
		for i := 0; b.Len() < n; i++ {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	const room = maxBody - 100
	for name, entries := range map[string]string{
		"labels":      `{"labels":{"alertname":"Big",` + many(`"%x":"x",`, room) + `"z":""}}`,
		"annotations": `{"labels":{"alertname":"Big"},"annotations":{` + many(`"%x":"x",`, room) + `"summary":"s"}}`,
		"fields":      `{"labels":{"alertname":"Big"},` + many(`"%x":"x",`, room) + `"status":"firing"}`,
		"one label":   `{"labels":{"alertname":"Big","a":"` + many("%d", room) + `"}}`,
		"depth":       `{"labels":{"alertname":"Big","a":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}}`,
		"alerts":      strings.TrimSuffix(many(`{"labels":{"alertname":"Big%d","severity":"critical","instance":"10.0.0.1:9100","job":"scheduler","namespace":"trading","schedule":"cross_exchange_watch"},"annotations":{"summary":"`+strings.Repeat("s", 300)+`"}},`, room), ","),
	} {
		t.Run(name, func(t *testing.T) {
			body := []byte(`{"version":"4","alerts":[` + entries + `]}`)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			m, problem := decode(body)
			if problem != nil {
				t.Fatal(problem.words)
			}
			var all []heard
			for _, one := range m.alerts {
				all = append(all, fit(one, "sender"))
			}
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; took > most {
				t.Errorf("%d MiB for %d", took>>20, len(body)>>20)
			}
			if !strings.HasPrefix(string(all[0].labels["alertname"]), "Big") {
				t.Errorf("%v", all[0].labels)
			}
			first, _ := merge(nil, all[0], noon)
			storable(t, &first, nil)
		})
	}
}
