package exchange

import (
	"context"
	"math"
	"net/http/httptest"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newTestMarket() *Market { return NewMarket([]string{"binance_spot", "kraken_spot"}, "test") }

func TestPricesDependOnTheTimeAlone(t *testing.T) {
	a, b := newTestMarket(), newTestMarket()
	if a.quote("kraken_spot", "BTC_USDT", noon) != b.quote("kraken_spot", "BTC_USDT", noon) {
		t.Error("two markets of one seed disagree")
	}
	if a.quote("kraken_spot", "BTC_USDT", noon) == a.quote("kraken_spot", "BTC_USDT", noon.Add(time.Minute)) {
		t.Error("the price does not move")
	}
}

func TestAHealthyMarketIsTight(t *testing.T) {
	m := newTestMarket()
	widest := 0.0
	for second := range 600 {
		at := noon.Add(time.Duration(second) * time.Second)
		a, b := m.quote("binance_spot", "ETH_USDT", at), m.quote("kraken_spot", "ETH_USDT", at)
		if a.Ask <= a.Bid {
			t.Fatalf("no spread at %s", at)
		}
		widest = math.Max(widest, math.Abs(b.Mid()/a.Mid()-1))
	}
	if widest < 0.0018 || widest > 0.004 {
		t.Errorf("the feeds stray by up to %.4f: too little to trade on, or too much to be true", widest)
	}
}

func TestLossyCrossQuotesAGainAndFillsALoss(t *testing.T) {
	m := newTestMarket()
	if _, err := m.faults.set(FaultLossyCross, Fault{}); err != nil {
		t.Fatal(err)
	}
	shown := false
	for step := range 26 {
		at := noon.Add(time.Duration(step) * 100 * time.Millisecond)
		cheap, dear := m.quote("binance_spot", "BTC_USDT", at), m.quote("kraken_spot", "BTC_USDT", at)
		shown = shown || dear.Bid > cheap.Ask*1.004
		bought := m.fill(Order{"binance_spot", "BTC_USDT", Buy, 1}, at)
		sold := m.fill(Order{"kraken_spot", "BTC_USDT", Sell, 1}, at)
		if sold.FillPrice >= bought.FillPrice {
			t.Errorf("the pair earned at step %d", step)
		}
		if bought.FillPrice != bought.QuotedPrice {
			t.Error("the other feed was bitten too")
		}
	}
	if !shown {
		t.Error("no profitable quote was ever shown")
	}
}

func TestFaultsOverHTTP(t *testing.T) {
	m := newTestMarket()
	server := httptest.NewServer(Handler(m, func() time.Time { return noon }))
	defer server.Close()
	ctx, client := context.Background(), NewClient(server.URL, time.Minute)

	if _, err := client.SetFault(ctx, FaultFeedDown, Fault{Exchange: "binance_spot"}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Ticker(ctx, "binance_spot", "BTC_USDT"); err == nil {
		t.Error("the feed that is down answers")
	}
	if _, err := client.Ticker(ctx, "kraken_spot", "BTC_USDT"); err != nil {
		t.Errorf("the other feed does not answer: %v", err)
	}
	if err := client.ClearFault(ctx, FaultFeedDown); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Ticker(ctx, "binance_spot", "BTC_USDT"); err != nil {
		t.Errorf("after clearing: %v", err)
	}
	if _, err := client.SetFault(ctx, FaultFlat, Fault{}); err != nil {
		t.Fatal(err)
	}
	flat, err := client.Ticker(ctx, "kraken_spot", "BTC_USDT")
	if err != nil || flat.Bid != flat.Ask {
		t.Errorf("flat: %+v, %v", flat, err)
	}
	if set, err := client.SetFault(ctx, FaultFlood, Fault{Exchange: "kraken_spot"}); err != nil || set.Kilobytes != defaultFloodKB {
		t.Errorf("flood: %+v, %v", set, err)
	}
	if flooded, err := client.Ticker(ctx, "kraken_spot", "BTC_USDT"); err != nil || flooded != flat {
		t.Errorf("a flooded quote is %+v, %v", flooded, err)
	}
	if err := client.ClearFault(ctx, FaultFlood); err != nil {
		t.Fatal(err)
	}
	if _, err := client.SetFault(ctx, FaultFlood, Fault{Kilobytes: maxFloodKB + 1}); err == nil {
		t.Error("a flood that no reader takes was accepted")
	}
	if _, err := client.SetFault(ctx, "earthquake", Fault{}); err == nil {
		t.Error("an unknown fault was accepted")
	}
	if _, err := client.SetFault(ctx, FaultFeedDown, Fault{Exchange: "nowhere"}); err == nil {
		t.Error("an unknown exchange was accepted")
	}
	faults, err := client.Faults(ctx)
	if _, on := faults[FaultFlat]; err != nil || !on || len(faults) != 1 {
		t.Errorf("faults are %v, %v", faults, err)
	}
}

func TestBadOrdersAreRefused(t *testing.T) {
	server := httptest.NewServer(Handler(newTestMarket(), func() time.Time { return noon }))
	defer server.Close()
	client := NewClient(server.URL, time.Minute)
	for name, order := range map[string]Order{
		"unknown exchange": {"nowhere", "BTC_USDT", Buy, 1},
		"bad symbol":       {"kraken_spot", "btc", Buy, 1},
		"no side":          {"kraken_spot", "BTC_USDT", "", 1},
		"no quantity":      {"kraken_spot", "BTC_USDT", Buy, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if fill, err := client.Send(context.Background(), order); err == nil {
				t.Errorf("it was filled: %+v", fill)
			}
		})
	}
}
