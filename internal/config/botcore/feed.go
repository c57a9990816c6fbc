package botcore

import (
	"fmt"
	"maps"
	"slices"

	"tradeops.dev/strategy-operator/internal/config"
)

// FeedCovers says whether the environment could trade all of its instruments at the exchange: each instrument of its universe
// must have a symbol there. The scheduler itself would start with a part of them.
func FeedCovers(doc *config.Document, t Target, exchange string) error {
	root, err := read(doc)
	if err != nil {
		return err
	}
	environment, err := findEnvironment(root, t.Environment)
	if err != nil {
		return err
	}
	name := environment.get(keyUniverse).text()
	if name == "" {
		return fmt.Errorf("%s.%s sets no %s, so it is unknown what must be traded at %s; set it", keyEnvironments, t.Environment, keyUniverse, exchange)
	}
	universes := root.get(keyUniverses)
	universe := universes.get(name)
	if !universe.isMap() {
		return fmt.Errorf("%s has no universe %q, which %s.%s uses (%s)", keyUniverses, name, keyEnvironments, t.Environment, universes.holds())
	}
	instruments := universe.get(keyInstruments).entries()
	if len(instruments) == 0 {
		return fmt.Errorf("%s.%s has no instruments; add them", keyUniverses, name)
	}
	var missing []string
	exchanges := map[string]bool{}
	for _, instrument := range instruments {
		all := instrument.value.get(keyExchanges)
		for _, key := range all.keys() {
			exchanges[key] = true
		}
		if all.get(exchange).text() == "" {
			missing = append(missing, instrument.key)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("%s.%s has %d of %d instruments that %q does not quote: %s (exchanges there: %s)",
		keyUniverses, name, len(missing), len(instruments), exchange, some(missing), some(slices.Sorted(maps.Keys(exchanges))))
}
