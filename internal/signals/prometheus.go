package signals

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"tradeops.dev/strategy-operator/internal/bounded"
)

// maxAnswerBytes bounds an answer after it was unpacked; the answer that is wanted has 200 bytes.
const maxAnswerBytes = 1 << 20

// maxGetBytes is how long a query may be in a URL; proxies refuse more than 8 KiB.
const maxGetBytes = 4 << 10

// maxProblemBytes bounds a problem: parts of it are written by others, and it goes into a status.
const maxProblemBytes = 512

// noNumberError: Prometheus answered the question, and the answer is not one number. Any other error is a failure to ask.
type noNumberError string

func (e noNumberError) Error() string { return string(e) }

// transportError: no answer came, or not all of it.
type transportError struct{ error }

// request asks for the value of one query at a time.
func request(ctx context.Context, client *http.Client, source Source, expr string, at time.Time) (float64, error) {
	asked, err := newRequest(ctx, source, expr, at)
	if err != nil {
		return 0, errors.New("no request can be made of the URL of Prometheus and the query") // err would repeat the URL
	}
	response, err := client.Do(asked)
	if err != nil {
		return 0, transportError{WithoutURL(err)}
	}
	defer func() { _ = response.Body.Close() }() // a reader has nothing left to lose
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes+1))
	if err != nil {
		return 0, transportError{fmt.Errorf("the answer broke off: %w", err)}
	}
	if len(body) > maxAnswerBytes {
		return 0, fmt.Errorf("the answer of Prometheus is larger than %d bytes", maxAnswerBytes)
	}
	return parse(response.StatusCode, body)
}

// newRequest is a GET unless the query is too long for one: a proxy that asks Kubernetes for permission takes POST for a
// right to create something.
func newRequest(ctx context.Context, source Source, expr string, at time.Time) (*http.Request, error) {
	where, err := url.Parse(source.URL)
	if err != nil {
		return nil, err
	}
	where = where.JoinPath("api/v1/query")
	form := url.Values{"query": {expr}, "time": {at.UTC().Format(time.RFC3339Nano)}}
	method, body := http.MethodPost, form.Encode()
	if len(body) <= maxGetBytes {
		values := where.Query() // some servers name the tenant there
		values.Set("query", form.Get("query"))
		values.Set("time", form.Get("time"))
		where.RawQuery = values.Encode()
		method, body = http.MethodGet, ""
	}
	asked, err := http.NewRequestWithContext(ctx, method, where.String(), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	asked.Header.Set("Accept", "application/json")
	asked.Header.Set("User-Agent", "strategy-operator")
	if method == http.MethodPost {
		asked.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if source.Token != "" {
		asked.Header.Set("Authorization", "Bearer "+source.Token)
	}
	return asked, nil
}

// WithoutURL drops the URL that net/http puts in front of its errors.
func WithoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// envelope is Prometheus' answer. Its infos are left out: they are hints for the author of the query.
type envelope struct {
	Status string `json:"status"`
	Data   struct {
		ResultType string          `json:"resultType"`
		Result     json.RawMessage `json:"result"`
	} `json:"data"`
	ErrorType string   `json:"errorType"`
	Error     string   `json:"error"`
	Warnings  []string `json:"warnings"`
	IsPartial bool     `json:"isPartial"` // VictoriaMetrics, when a part of its storage did not answer
}

// parse reads the number out of an answer.
func parse(status int, body []byte) (float64, error) {
	if status >= 300 && status < 400 {
		return 0, fmt.Errorf("the server answers HTTP %d, a redirect, which is not followed; write the URL that it leads to into the playbook", status)
	}
	code := strings.TrimSpace(fmt.Sprintf("HTTP %d %s", status, http.StatusText(status)))
	var got envelope
	if err := json.Unmarshal(body, &got); err != nil || got.Status == "" {
		return 0, fmt.Errorf("the server answers %s, but not with the JSON of Prometheus; is the URL right, and the token?", code)
	}
	if got.Status != "success" || status != http.StatusOK {
		return 0, fmt.Errorf("Prometheus refuses the query (%s, %s): %s", code, got.ErrorType, got.Error)
	}
	if len(got.Warnings) > 0 { // e.g. that a part of the data could not be read: such a number is not one to act on
		return 0, fmt.Errorf("Prometheus doubts its own answer: %s", strings.Join(got.Warnings, "; "))
	}
	if got.IsPartial { // also when what was left yields no series: what is missing may be what matters
		return 0, errors.New("the server says that its answer is partial: a part of its data could not be read")
	}
	switch got.Data.ResultType {
	case "scalar":
		return number(got.Data.Result)
	case "vector":
		return single(got.Data.Result)
	case "matrix":
		return 0, noNumberError("the query yields a range of numbers; put a function around the range, e.g. min_over_time(...[5m])")
	case "string":
		return 0, noNumberError("the query yields a string; it must yield one number")
	}
	return 0, fmt.Errorf("the server answers %s with a result of type %q, which Prometheus does not have", code, got.Data.ResultType)
}

// single is the number of the only series.
func single(result json.RawMessage) (float64, error) {
	var series []struct {
		Value     json.RawMessage `json:"value"`
		Histogram json.RawMessage `json:"histogram"`
	}
	if err := json.Unmarshal(result, &series); err != nil {
		return 0, fmt.Errorf("the result of Prometheus is not a list of series: %w", err)
	}
	switch {
	case len(series) == 0:
		return 0, noNumberError("the query yields no series; if that means a number, say which: ... or vector(0)")
	case len(series) > 1:
		return 0, noNumberError(fmt.Sprintf("the query yields %d series; aggregate them to one number, e.g. sum(...) or max(...)", len(series)))
	case series[0].Histogram != nil:
		return 0, noNumberError("the query yields a histogram; put a function around it, e.g. histogram_quantile(0.99, ...)")
	}
	return number(series[0].Value)
}

// number is the second half of [time, "number"].
func number(sample json.RawMessage) (float64, error) {
	var pair []any
	if err := json.Unmarshal(sample, &pair); err != nil || len(pair) != 2 {
		return 0, errors.New("the result of Prometheus is not a pair of a time and a number")
	}
	text, _ := pair[1].(string)
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("the result of Prometheus is not a number: %w", err)
	}
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return 0, noNumberError(fmt.Sprintf("the query yields %v, which no rule can compare; does it divide by zero?", value))
	}
	return value, nil
}

// plain makes one bounded line of a problem. The token is cut out, since a server that was sent it may send it back; before
// the line is shortened, which could leave half of it.
func plain(text, token string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	text = strings.Join(strings.Fields(text), " ")
	if token != "" {
		text = strings.ReplaceAll(text, token, "[token]")
	}
	return bounded.Text(text, maxProblemBytes)
}
