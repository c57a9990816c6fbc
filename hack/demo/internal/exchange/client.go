package exchange

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tradeops.dev/strategy-operator/hack/demo/internal/web"
)

// Client reads quotes, sends paper orders and switches faults.
type Client struct {
	base string
	http *http.Client
}

// NewClient talks to the exchange at the address; each request ends after the timeout.
func NewClient(address string, timeout time.Duration) *Client {
	return &Client{base: strings.TrimRight(address, "/"), http: &http.Client{Timeout: timeout}}
}

// Ticker reads a quote.
func (c *Client) Ticker(ctx context.Context, exchange, symbol string) (Ticker, error) {
	var ticker Ticker
	query := url.Values{"symbol": {symbol}}
	return ticker, web.Do(ctx, c.http, http.MethodGet, c.feed(exchange, "ticker", query), nil, &ticker)
}

// History reads the last bars of a feed, oldest first.
func (c *Client) History(ctx context.Context, exchange, symbol string, bars int, interval time.Duration) ([]Ticker, error) {
	var tickers []Ticker
	query := url.Values{"symbol": {symbol}, "bars": {strconv.Itoa(bars)}, "interval": {interval.String()}}
	return tickers, web.Do(ctx, c.http, http.MethodGet, c.feed(exchange, "history", query), nil, &tickers)
}

// Send asks for a paper fill.
func (c *Client) Send(ctx context.Context, order Order) (Fill, error) {
	var fill Fill
	return fill, web.Do(ctx, c.http, http.MethodPost, c.base+"/v1/orders", order, &fill)
}

// SetFault switches a fault on and gives it as it is now in force.
func (c *Client) SetFault(ctx context.Context, name string, fault Fault) (Fault, error) {
	var set Fault
	return set, web.Do(ctx, c.http, http.MethodPut, c.base+"/v1/faults/"+url.PathEscape(name), fault, &set)
}

// ClearFault switches a fault off; one that is off already is fine.
func (c *Client) ClearFault(ctx context.Context, name string) error {
	return web.Do(ctx, c.http, http.MethodDelete, c.base+"/v1/faults/"+url.PathEscape(name), nil, nil)
}

// Faults lists the faults that are on.
func (c *Client) Faults(ctx context.Context) (map[string]Fault, error) {
	var faults map[string]Fault
	return faults, web.Do(ctx, c.http, http.MethodGet, c.base+"/v1/faults", nil, &faults)
}

func (c *Client) feed(exchange, what string, query url.Values) string {
	return c.base + "/v1/feeds/" + url.PathEscape(exchange) + "/" + what + "?" + query.Encode()
}
