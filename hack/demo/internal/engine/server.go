package engine

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tradeops.dev/strategy-operator/hack/demo/internal/web"
)

// Bounds of what a client may ask for.
const (
	maxIterations = 10_000
	maxCycles     = 1_000
	maxLines      = 1_000
)

// server speaks HTTP for an engine.
type server struct {
	engine *Engine
	now    func() time.Time
}

// Handler serves the engine.
func Handler(engine *Engine, now func() time.Time) http.Handler {
	s := &server{engine: engine, now: now}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector{engine})
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", s.health)
	mux.HandleFunc("GET /v1/plan", func(w http.ResponseWriter, _ *http.Request) {
		web.WriteJSON(w, http.StatusOK, engine.Plan(now()))
	})
	mux.HandleFunc("GET /v1/telemetry", func(w http.ResponseWriter, _ *http.Request) {
		web.WriteJSON(w, http.StatusOK, engine.Telemetry())
	})
	mux.HandleFunc("GET /v1/journal", s.journal)
	mux.HandleFunc("POST /v1/loadtest", s.loadTest)
	mux.HandleFunc("POST /v1/smoke", s.smoke)
	return mux
}

func (s *server) health(w http.ResponseWriter, _ *http.Request) {
	if !s.engine.Ready() {
		web.Fail(w, http.StatusServiceUnavailable, "the first cycle is not done")
		return
	}
	web.WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

func (s *server) journal(w http.ResponseWriter, r *http.Request) {
	limit := 50
	if asked := r.URL.Query().Get("limit"); asked != "" {
		n, err := strconv.Atoi(asked)
		if err != nil || n < 1 || n > maxLines {
			web.Fail(w, http.StatusBadRequest, "limit must be a number from 1 to "+strconv.Itoa(maxLines))
			return
		}
		limit = n
	}
	lines, err := s.engine.options.Journal.Newest(limit)
	if err != nil {
		web.Fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	web.WriteJSON(w, http.StatusOK, lines)
}

func (s *server) loadTest(w http.ResponseWriter, r *http.Request) {
	var request LoadRequest
	if err := web.Read(r, &request); err != nil {
		web.Fail(w, http.StatusBadRequest, err.Error())
		return
	}
	if request.Iterations < 1 || request.Iterations > maxIterations || request.Schedules < 1 {
		web.Fail(w, http.StatusBadRequest, "iterations must be from 1 to "+strconv.Itoa(maxIterations)+" and schedules at least 1")
		return
	}
	report, err := s.engine.LoadTest(r.Context(), request, s.now)
	if errors.Is(err, errNothingToMeasure) {
		web.Fail(w, http.StatusConflict, err.Error())
		return
	}
	if err != nil {
		web.Fail(w, http.StatusBadGateway, err.Error())
		return
	}
	web.WriteJSON(w, http.StatusOK, report)
}

func (s *server) smoke(w http.ResponseWriter, r *http.Request) {
	request := struct {
		Cycles int `json:"cycles"`
	}{Cycles: 3}
	if err := web.Read(r, &request); err != nil {
		web.Fail(w, http.StatusBadRequest, err.Error())
		return
	}
	if request.Cycles < 1 || request.Cycles > maxCycles {
		web.Fail(w, http.StatusBadRequest, "cycles must be from 1 to "+strconv.Itoa(maxCycles))
		return
	}
	report, err := s.engine.Smoke(r.Context(), request.Cycles)
	if err != nil {
		web.Fail(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	web.WriteJSON(w, http.StatusOK, report)
}
