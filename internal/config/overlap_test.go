package config

import "testing"

func TestOverlap(t *testing.T) {
	for name, c := range map[string]struct {
		a, b          string
		same, overlap bool
	}{
		"the same":                           {"/a/b", "/a/b", true, true},
		"inside":                             {"/a", "/a/b", false, true},
		"around":                             {"/a/b/c", "/a/b", false, true},
		"siblings":                           {"/a/b", "/a/c", false, false},
		"a common beginning of a word":       {"/a/b", "/a/bc", false, false},
		"escaped slashes":                    {"/a~1b", "/a/b", false, false},
		"items by different names":           {"/l/[name=x]", "/l/[name=y]", false, false},
		"an item by index and by name":       {"/l/0", "/l/[name=x]", true, true},
		"items by different fields":          {"/l/[name=x]", "/l/[id=1]", true, true},
		"inside items by different fields":   {"/l/[name=x]/a", "/l/[id=1]/a", true, true},
		"items by one field, inside another": {"/l/[name=x]/a", "/l/[name=y]/a", false, false},
		"inside an item by index or by name": {"/l/0/v", "/l/[name=x]", false, true},
		"not a path":                         {"a", "/b", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			if SamePath(c.a, c.b) != c.same || Overlap(c.a, c.b) != c.overlap || Overlap(c.b, c.a) != c.overlap {
				t.Errorf("same %v, overlap %v", SamePath(c.a, c.b), Overlap(c.a, c.b))
			}
		})
	}
}
