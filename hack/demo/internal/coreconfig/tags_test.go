package coreconfig

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTagsAndFallbacksComeFromTheCommonSectionOnly(t *testing.T) {
	config := parsed(t, `
strategies:
  own: {engine: mean_reversion, metadata: {tags: [Alpha, beta], schedule_fallbacks: x}}
  plain: {engine: mean_reversion}
mean_reversion_strategies:
  section: {metadata: {tags: [alpha], fallback_schedules: [x]}}
`)
	for strategy, want := range map[string][2][]string{
		"own":     {{"mean_reversion", "stat_arbitrage", "alpha", "beta"}, {"x"}},
		"plain":   {{"mean_reversion", "stat_arbitrage"}, nil},
		"section": {{"mean_reversion", "stat_arbitrage"}, nil},
	} {
		if diff := cmp.Diff(want, [2][]string{config.Tags(strategy, MeanReversion), config.Fallbacks(strategy)}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", strategy, diff)
		}
	}
}
