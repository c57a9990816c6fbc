package facts

import "testing"

func TestAnUnreadFactIsAskedForAndAnEmptyOneIsNot(t *testing.T) {
	type need uint16
	for name, c := range map[string]struct {
		fact  Read[[]string]
		asked need
	}{
		"unread": {Read[[]string]{}, 0b110},
		"empty":  {Known[[]string](nil), 0b010},
		"known":  {Known([]string{"a"}), 0b010},
	} {
		asked := need(0b010) // what was asked for stays
		if got := Want(&asked, 0b100, c.fact); asked != c.asked || len(got) != len(c.fact.value) {
			t.Errorf("%s: asked for %b, got %v", name, asked, got)
		}
	}
}
