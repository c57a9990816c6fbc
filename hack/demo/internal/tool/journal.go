package tool

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// journalFields are what an incident's evidence needs in every line.
var journalFields = []string{"schedule_run_id", "primary_exchange", "risk_budget_bucket"}

// JournalReport says whether the newest lines of the trading journal can serve as evidence.
type JournalReport struct {
	Status  string         `json:"status"`
	Checked int            `json:"checked"`
	Missing map[string]int `json:"missing"`
	// Newest is the time of the newest line; nil without lines.
	Newest           *string  `json:"newest"`
	NewestAgeSeconds *float64 `json:"newest_age_seconds"`
	// NewestEntry is that line, for the evidence.
	NewestEntry map[string]string `json:"newest_entry"`
	Messages    []string          `json:"messages"`
}

// CheckJournal reads the newest lines: fail if one lacks a field, warn if there are none or the newest is too old.
func (s *Scheduler) CheckJournal(ctx context.Context, limit int, maxAge time.Duration, now time.Time) (JournalReport, error) {
	lines, err := s.journal(ctx, limit)
	if err != nil {
		return JournalReport{}, err
	}
	return judgeJournal(lines, maxAge, now), nil
}

func judgeJournal(lines []json.RawMessage, maxAge time.Duration, now time.Time) JournalReport {
	report := JournalReport{Status: "ok", Missing: map[string]int{}, Messages: []string{}}
	for _, field := range journalFields {
		report.Missing[field] = 0
	}
	for i, line := range lines {
		var entry map[string]string
		if err := json.Unmarshal(line, &entry); err != nil {
			report.fail(fmt.Sprintf("line %d is not a flat map of texts", i))
			continue
		}
		report.Checked++
		for _, field := range journalFields {
			if entry[field] == "" {
				report.Missing[field]++
				report.fail(fmt.Sprintf("line %d has no %s", i, field))
			}
		}
		if i == 0 {
			report.dated(entry, maxAge, now)
		}
	}
	if len(lines) == 0 {
		report.warn("the journal has no lines")
	}
	return report
}

func (r *JournalReport) dated(entry map[string]string, maxAge time.Duration, now time.Time) {
	text := entry["timestamp"]
	r.Newest, r.NewestEntry = &text, entry
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		r.fail("the newest line's timestamp cannot be read: " + text)
		return
	}
	age := now.Sub(at).Seconds()
	r.NewestAgeSeconds = &age
	if maxAge > 0 && now.Sub(at) > maxAge {
		r.warn(fmt.Sprintf("the newest line is %s old", now.Sub(at).Round(time.Second)))
	}
}

// maxMessages bounds the report; the counts tell the rest.
const maxMessages = 10

func (r *JournalReport) fail(message string) {
	r.Status = "fail"
	if len(r.Messages) < maxMessages {
		r.Messages = append(r.Messages, message)
	}
}

func (r *JournalReport) warn(message string) {
	if r.Status == "ok" {
		r.Status = "warn"
	}
	r.Messages = append(r.Messages, message)
}
