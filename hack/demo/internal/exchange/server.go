package exchange

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"tradeops.dev/strategy-operator/hack/demo/internal/web"
)

// maxHistory bounds one answer of the history.
const maxHistory = 5000

// server speaks HTTP for a market.
type server struct {
	market *Market
	now    func() time.Time
}

// Handler serves the market; the clock is an argument so that tests can step it.
func Handler(market *Market, now func() time.Time) http.Handler {
	s := &server{market: market, now: now}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		web.WriteJSON(w, http.StatusOK, map[string]any{"status": "ok", "feeds": market.feeds})
	})
	mux.HandleFunc("GET /v1/feeds/{exchange}/ticker", s.ticker)
	mux.HandleFunc("GET /v1/feeds/{exchange}/history", s.history)
	mux.HandleFunc("POST /v1/orders", s.order)
	mux.HandleFunc("GET /v1/faults", func(w http.ResponseWriter, _ *http.Request) {
		web.WriteJSON(w, http.StatusOK, market.faults.list())
	})
	mux.HandleFunc("PUT /v1/faults/{name}", s.setFault)
	mux.HandleFunc("DELETE /v1/faults/{name}", func(w http.ResponseWriter, r *http.Request) {
		market.faults.clear(r.PathValue("name"))
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

func (s *server) ticker(w http.ResponseWriter, r *http.Request) {
	exchange, symbol := r.PathValue("exchange"), r.URL.Query().Get("symbol")
	if !s.open(w, r, exchange, symbol) {
		return
	}
	quote := s.market.quote(exchange, symbol, s.now())
	if fault, flooded := s.market.faults.biting(FaultFlood, exchange); flooded {
		web.WriteJSON(w, http.StatusOK, withDepth{quote, depth(fault.Kilobytes)})
		return
	}
	web.WriteJSON(w, http.StatusOK, quote)
}

// withDepth is a quote with an order book that nobody asked for: who reads the quote must parse all of it.
type withDepth struct {
	Ticker
	Depth []string `json:"depth"`
}

// depth is that much of an order book. Its levels are long texts: much for the reader, little work for the exchange.
func depth(kilobytes int) []string {
	level := strings.Repeat("0", 1000)
	return slices.Repeat([]string{level}, kilobytes)
}

// history gives the past of a feed, which the model can compute for any time, with the faults that are on now; the
// scheduler warms up on it.
func (s *server) history(w http.ResponseWriter, r *http.Request) {
	exchange, query := r.PathValue("exchange"), r.URL.Query()
	if !s.open(w, r, exchange, query.Get("symbol")) {
		return
	}
	bars, err := strconv.Atoi(query.Get("bars"))
	if err != nil || bars < 1 || bars > maxHistory {
		web.Fail(w, http.StatusBadRequest, fmt.Sprintf("bars must be a number from 1 to %d", maxHistory))
		return
	}
	interval, err := time.ParseDuration(query.Get("interval"))
	if err != nil || interval <= 0 {
		web.Fail(w, http.StatusBadRequest, "interval must be a duration like 2s")
		return
	}
	tickers, now := make([]Ticker, bars), s.now()
	for i := range tickers {
		tickers[i] = s.market.quote(exchange, query.Get("symbol"), now.Add(-time.Duration(bars-i)*interval))
	}
	web.WriteJSON(w, http.StatusOK, tickers)
}

func (s *server) order(w http.ResponseWriter, r *http.Request) {
	var order Order
	if err := web.Read(r, &order); err != nil {
		web.Fail(w, http.StatusBadRequest, "the order is not JSON: "+err.Error())
		return
	}
	if order.Side != Buy && order.Side != Sell {
		web.Fail(w, http.StatusBadRequest, "side must be buy or sell")
		return
	}
	if order.Quantity <= 0 {
		web.Fail(w, http.StatusBadRequest, "quantity must be above zero")
		return
	}
	if !s.open(w, r, order.Exchange, order.Symbol) {
		return
	}
	web.WriteJSON(w, http.StatusOK, s.market.fill(order, s.now()))
}

func (s *server) setFault(w http.ResponseWriter, r *http.Request) {
	var fault Fault
	if err := web.Read(r, &fault); err != nil {
		web.Fail(w, http.StatusBadRequest, "the parameters are not JSON: "+err.Error())
		return
	}
	set, err := s.market.faults.set(r.PathValue("name"), fault)
	if err != nil {
		web.Fail(w, http.StatusBadRequest, err.Error())
		return
	}
	web.WriteJSON(w, http.StatusOK, set)
}

// open checks the request and lets the faults of availability bite; false means that the answer is given.
func (s *server) open(w http.ResponseWriter, r *http.Request, exchange, symbol string) bool {
	if err := s.market.check(exchange, symbol); err != nil {
		web.Fail(w, http.StatusNotFound, err.Error())
		return false
	}
	if fault, slow := s.market.faults.biting(FaultLatency, exchange); slow {
		select {
		case <-time.After(time.Duration(fault.Milliseconds) * time.Millisecond):
		case <-r.Context().Done():
			return false
		}
	}
	if _, down := s.market.faults.biting(FaultFeedDown, exchange); down {
		web.Fail(w, http.StatusServiceUnavailable, "feed "+exchange+" is down")
		return false
	}
	return true
}
