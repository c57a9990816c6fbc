package engine

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tradeops.dev/strategy-operator/hack/demo/internal/exchange"
)

// isoTime is the form in which the scheduler's language prints a time.
const isoTime = "2006-01-02T15:04:05.000000-07:00"

// tailBytes is how much of a journal file is read for its last lines.
const tailBytes = 4 << 20

// Journal writes the trading journal: one flat JSON object of texts per line, a file per day, as the real one. It is not
// signed, and a suspension leaves no line in it.
type Journal struct {
	mu        sync.Mutex
	directory string
}

// OpenJournal makes the directory if it is missing.
func OpenJournal(directory string) (*Journal, error) {
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	return &Journal{directory: directory}, nil
}

// Append writes a line into the file of its day; empty values are left out.
func (j *Journal) Append(day time.Time, fields map[string]string) error {
	for name, value := range fields {
		if value == "" {
			delete(fields, name)
		}
	}
	line := &bytes.Buffer{}
	encoder := json.NewEncoder(line)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(fields); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	path := filepath.Join(j.directory, "decisions-"+day.UTC().Format("20060102")+".jsonl")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(line.Bytes())
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}

// Newest are the last lines of the journal, newest first, read back from the files.
func (j *Journal) Newest(limit int) ([]json.RawMessage, error) {
	files, err := filepath.Glob(filepath.Join(j.directory, "decisions-*.jsonl"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	slices.Reverse(files)
	newest := []json.RawMessage{}
	for _, file := range files {
		lines, err := lastLines(file)
		if err != nil {
			return nil, err
		}
		for _, line := range slices.Backward(lines) {
			if len(newest) == limit {
				return newest, nil
			}
			newest = append(newest, line)
		}
	}
	return newest, nil
}

// lastLines are the complete JSON lines in the tail of a file; one cut off by the start of the tail is not among them.
func lastLines(path string) ([]json.RawMessage, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > tailBytes {
		if _, err := file.Seek(-tailBytes, 2); err != nil {
			return nil, err
		}
	}
	var lines []json.RawMessage
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, tailBytes)
	for scanner.Scan() {
		if json.Valid(scanner.Bytes()) {
			lines = append(lines, json.RawMessage(bytes.Clone(scanner.Bytes())))
		}
	}
	return lines, scanner.Err()
}

// record writes what a signal did. The trade has happened, so a journal that cannot be written stops nothing.
func (e *Engine) record(s *schedule, done signal, fills []exchange.Fill, index int, now time.Time, took time.Duration) {
	first := fills[0]
	base, quote, _ := strings.Cut(first.Symbol, "_")
	run := s.Name + ":" + now.UTC().Format(isoTime)
	fields := map[string]string{
		"event":                "strategy_signal",
		"timestamp":            first.Timestamp.UTC().Format(isoTime),
		"environment":          e.options.Environment,
		"portfolio":            e.options.Scheduler,
		"risk_profile":         s.RiskProfile,
		"symbol":               first.Symbol,
		"side":                 string(first.Side),
		"quantity":             decimal(first.Quantity),
		"price":                decimal(first.FillPrice),
		"status":               status(done, fills),
		"schedule":             s.Name,
		"strategy":             s.Strategy,
		"schedule_run_id":      run,
		"strategy_instance_id": s.Strategy + "@" + e.options.Pod,
		"signal_id":            run + "#" + strconv.Itoa(index),
		"primary_exchange":     e.primaryOf(s),
		"secondary_exchange":   done.secondary,
		"base_asset":           base,
		"quote_asset":          quote,
		"instrument_type":      "spot",
		"data_feed":            first.Exchange,
		"risk_budget_bucket":   s.RiskProfile,
		"confidence":           decimal(done.confidence),
		"latency_ms":           decimal(milliseconds(took)),
		"telemetry_namespace":  e.options.Environment + ".multi_strategy." + s.Name,
		"action":               done.action,
	}
	for name, value := range done.extra {
		fields[name] = value
	}
	if err := e.options.Journal.Append(now, fields); err != nil {
		slog.Error("journal not written", "schedule", s.Name, "error", err)
	}
}

func (e *Engine) primaryOf(s *schedule) string {
	if cross, ok := s.strategy.(*crossExchange); ok {
		return cross.primary
	}
	return e.exchange
}

func status(done signal, fills []exchange.Fill) string {
	if len(fills) < len(done.legs) {
		return "partially_filled"
	}
	return "filled"
}

// decimal prints a number as the journal does: ten digits, without the zeros at the end.
func decimal(v float64) string {
	return strings.TrimRight(strings.TrimRight(strconv.FormatFloat(v, 'f', 10, 64), "0"), ".")
}
