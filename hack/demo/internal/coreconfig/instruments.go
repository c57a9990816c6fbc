package coreconfig

import "fmt"

// Instrument is what a schedule may trade.
type Instrument struct {
	Symbol    string
	Exchanges []string
}

// On tells whether the instrument is quoted at the exchange.
func (i Instrument) On(exchange string) bool {
	for _, name := range i.Exchanges {
		if name == exchange {
			return true
		}
	}
	return false
}

// Instruments lists the environment's instruments that its own exchange quotes in the environment's valuation asset. None
// is an error, as it is at the real scheduler's start: that is how a switch to an unmapped feed fails.
func (c *Config) Instruments(environment Node) ([]Instrument, error) {
	exchange := environment.At("exchange").Text()
	if exchange == "" {
		return nil, fmt.Errorf("the environment names no exchange")
	}
	universe := environment.At("instrument_universe").Text()
	instruments := c.Root.At("instrument_universes", universe, "instruments")
	quote := environment.At("adapter_settings", "paper_trading", "valuation_asset").TextOr("USDT")
	var found []Instrument
	for _, symbol := range instruments.Keys() {
		node := instruments.At(symbol)
		instrument := Instrument{Symbol: symbol, Exchanges: node.At("exchanges").Keys()}
		if instrument.On(exchange) && node.At("quote_asset").Text() == quote {
			found = append(found, instrument)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no instrument of universe %q is quoted in %s at exchange %q", universe, quote, exchange)
	}
	return found, nil
}
